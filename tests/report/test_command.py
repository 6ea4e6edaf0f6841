"""``rugged report`` as a command."""

import typer
from typer.testing import CliRunner

from rugged.cli.report import report


def _run(*arguments):
    app = typer.Typer()
    app.command()(report)
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_writes_into_the_first_run_unless_told(make_run, tmp_path):
    run = make_run(tmp_path / "run", corruptions=("fog",))
    done = _run(run)
    assert done.exit_code == 0, done.output
    assert (run / "report" / "index.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert "index.html" in done.output
    assert _run(run, "--out", tmp_path / "page.html").exit_code == 0
    assert (tmp_path / "page.html").read_bytes() == (run / "report" / "index.html").read_bytes()


def test_needs_a_run():
    assert _run().exit_code == 2
