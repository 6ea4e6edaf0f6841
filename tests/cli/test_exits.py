"""How the command line ends: what it says, and the status a script reads."""

import errno
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from rugged.cli import main


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "rugged", *arguments], text=True, timeout=120, stderr=subprocess.PIPE, **options
    )


@pytest.fixture
def closed_pipe():
    """A pipe whose reader has gone, as at the left of ``| true``."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@pytest.mark.parametrize("arguments", [("--help",), ("recipes", "plain64"), ("data", "info", "pictures")])
def test_a_reader_who_has_gone_is_no_error(picture_folder, closed_pipe, arguments):
    ended = run(*arguments, stdout=closed_pipe, cwd=picture_folder.parent)
    assert ended.returncode == 141
    assert "Error" not in ended.stderr


@pytest.mark.parametrize("arguments", [("--help",), ("recipes",)])
def test_output_onto_a_full_disk_is_one_message(arguments):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("w") as full:
        ended = run(*arguments, stdout=full)
    assert (ended.returncode, ended.stderr) == (1, "Error: Cannot write the output: the disk is full.\n")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX")
@pytest.mark.parametrize("closed", ["<&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_error(closed, tmp_path):
    """As where a service starts it; a list on standard input is then an empty one."""
    ended = subprocess.run(
        ["sh", "-c", f'"{sys.executable}" -m rugged predict nothing - {closed}'], cwd=tmp_path, text=True, timeout=120,
        capture_output=True,
    )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith("Error: There is no run folder") or "2>&-" in closed, ended.stderr


@pytest.fixture
def here(monkeypatch, capfd):
    """Run the command line in this process, to see each way out without waiting for imports."""

    def run_here(*arguments):
        monkeypatch.setattr(sys, "argv", ["rugged", *arguments])
        monkeypatch.setattr("rugged.core.progress._console", None)
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, capfd.readouterr().err

    return run_here


@pytest.fixture
def heeding_interrupts():
    """Python's own answer to SIGINT, which it does not give where it was started with the signal ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeding_interrupts")
def test_an_interruption_outside_the_loops_says_so(here, monkeypatch):
    monkeypatch.setattr("rugged.train.recipe.shipped_recipes", lambda: signal.raise_signal(signal.SIGINT))
    code, err = here("recipes")
    assert code == 130
    assert err.startswith("Stopped.")


def test_a_status_of_a_commands_own_is_kept(here, monkeypatch):
    def leave():
        raise typer.Exit(7)

    monkeypatch.setattr("rugged.train.recipe.shipped_recipes", leave)
    assert here("recipes") == (7, "")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_no_space_is_one_message_whether_of_the_disk_or_of_the_user(here, monkeypatch, number):
    def write():
        raise OSError(number, os.strerror(number), "/full/file")

    monkeypatch.setattr("rugged.cli.exits._close_output", lambda: None)
    monkeypatch.setattr("rugged.train.recipe.shipped_recipes", write)
    assert here("recipes") == (1, "Error: Cannot write /full/file: the disk is full.\n")


def test_a_defect_of_ours_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["rugged", "recipes"])
    monkeypatch.setattr("rugged.train.recipe.shipped_recipes", lambda: Path("/nowhere").read_text())
    with pytest.raises(FileNotFoundError):
        main()


@pytest.mark.parametrize("arguments", [("recipes", "--nope"), ("data", "info", "x", "--nope"), ("--nope",)])
def test_usage_errors_show_the_usage(here, arguments):
    code, err = here(*arguments)
    assert code == 2
    assert "Usage:" in err
    assert "No such option" in err


def test_what_the_terminal_cannot_show_is_escaped(picture_folder, here, monkeypatch):
    for split in ("train", "val"):
        (picture_folder / split / "above").rename(picture_folder / split / "über")
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii", write_through=True))
    assert here("data", "info", str(picture_folder))[0] == 0
    assert rb"\xfcber" in written.getvalue()
