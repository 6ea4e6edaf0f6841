"""The command line as a manifest keeps it."""

import shlex

from rugged.cli.invocation import command_line


def test_a_shell_reads_it_as_it_was_typed(monkeypatch):
    arguments = ["train", "my recipe.toml", "--set", "model.architecture='x'", "--out", "läufe"]
    monkeypatch.setattr("sys.argv", ["/usr/bin/rugged", *arguments])
    assert shlex.split(command_line()) == ["rugged", *arguments]


def test_bytes_that_are_no_text_can_be_written_to_a_file(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.argv", ["rugged", "train", "--out", b"r\xff".decode("utf-8", "surrogateescape")])
    (tmp_path / "manifest").write_text(command_line(), encoding="utf-8")
    assert r"r\udcff" in (tmp_path / "manifest").read_text(encoding="utf-8")
