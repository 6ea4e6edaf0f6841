"""Markdown and CSV say what the results say, and trust no name."""

import csv
import json
import re
import shutil
from urllib.parse import unquote

import pytest
from typer.testing import CliRunner

from rugged.cli import app
from rugged.core.errors import ResultsError
from rugged.report import write_markdown, write_tables
from rugged.report.plain import escape_markdown
from rugged.results import RunFolder

HOSTILE = "<script>alert(1)</script> [x](http://example.org) | *y* `z`\n# head"


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_tables_hold_the_figures_of_the_summary(pair, tmp_path):
    folder = write_tables(pair, tmp_path / "tables")
    summary = json.loads(RunFolder(pair[0]).summary.read_text())
    first, second = read_csv(folder / "accuracy.csv")
    assert float(first["Clean top-1"]) == pytest.approx(1 - summary["clean"]["error"], abs=1e-6)
    assert float(first["mCE over 6 of 15"]) == pytest.approx(summary["mce"]["value"], rel=1e-5)
    assert second["Model"] == "small-alexnet"
    rows = [row for row in read_csv(folder / "errors.csv") if row["Model"] == "demo"]
    for row, (_, result) in zip(rows, summary["corruptions"].items(), strict=True):
        assert [float(row[str(level)]) for level in range(1, 6)] == pytest.approx(result["error"], abs=1e-6)
        assert float(row["CE"]) == pytest.approx(result["ce"], rel=1e-5)
    conditions = {
        row["Condition"]: row["Value"] for row in read_csv(folder / "conditions.csv") if row["Model"] == "demo"
    }
    assert conditions["Their content hash"] == "ab" * 32
    assert len(read_csv(folder / "classes.csv")) == 10


def test_nothing_relative_to_another_baseline_is_written(two_baselines, tmp_path):
    text = write_markdown(two_baselines, tmp_path / "r.md").read_text(encoding="utf-8")
    assert "- The mCE of odd is relative to y, not to x, and left out." in text
    assert "CE is the error relative to that of x;" in text
    assert re.search(r"^\| mCE over 2 of 15 \| [^|–]+ \([^|]+\) \| – \|$", text, re.MULTILINE)
    rows = read_csv(write_tables(two_baselines, tmp_path / "tables") / "errors.csv")
    assert {row["Model"]: row["CE"] != "" for row in rows} == {"even": True, "odd": False}


def test_where_the_subject_alone_lacks_a_baseline_the_note_on_ce_is_of_those_that_have_one(
    two_baselines, make_run, tmp_path
):
    plain = make_run(tmp_path / "plain", skill=0.5, corruptions=("fog", "contrast"))
    text = write_markdown([plain, two_baselines[0]], tmp_path / "r.md").read_text(encoding="utf-8")
    assert "CE is the error relative to that of x;" in text


def test_no_name_becomes_a_formula(make_run, tmp_path):
    run = make_run(tmp_path / "run", name="=cmd()", corruptions=("fog",), classes=["=1+1", *"bcdefghij"])
    folder = write_tables([run], tmp_path / "tables")
    assert read_csv(folder / "accuracy.csv")[0]["Model"] == "'=cmd()"
    assert read_csv(folder / "classes.csv")[0]["Class"] == "'=1+1"


def test_markdown_has_figures_notes_tables_and_pictures_beside_it(pair, tmp_path):
    out = write_markdown(pair, tmp_path / "docs" / "demo.md")
    text = out.read_text(encoding="utf-8")
    summary = json.loads(RunFolder(pair[0]).summary.read_text())
    row = next(line for line in text.splitlines() if line.startswith("| Gaussian noise |"))
    errors = [f"{100 * error:.2f}" for error in summary["corruptions"]["gaussian_noise"]["error"]]
    assert row.split(" | ")[1:6] == errors
    for note in summary["notes"]:
        assert f"- {escape_markdown(note)}" in text
    links = re.findall(r"!\[.*?\]\((.*?)\)", text)
    assert links == ["demo-pictures/lost-01.png", "demo-pictures/lost-02.png"]
    assert all((out.parent / link).stat().st_size for link in links)
    for line in (line for line in text.splitlines() if line.startswith("|")):
        assert line.endswith("|")


def test_pictures_are_those_of_the_page_and_none_comes_without_one(make_run, tmp_path):
    run = RunFolder(make_run(tmp_path / "run", corruptions=("fog",)))
    pictures = tmp_path / "r-pictures"
    pictures.mkdir()
    for name in ("lost-01.png", "lost-07.png", "mine.png"):
        (pictures / name).write_bytes(b"before")
    classes = run.classes.read_text(encoding="utf-8")
    run.classes.write_text("[]", encoding="utf-8")
    with pytest.raises(ResultsError):
        write_markdown([run.path], tmp_path / "r.md")
    assert {path.read_bytes() for path in pictures.iterdir()} == {b"before"}
    run.classes.write_text(classes, encoding="utf-8")
    write_markdown([run.path], tmp_path / "r.md")
    assert sorted(path.name for path in pictures.iterdir()) == ["lost-01.png", "lost-02.png", "mine.png"]
    assert (pictures / "lost-01.png").read_bytes() != b"before"


def test_names_stay_text_in_markdown(make_run, tmp_path):
    run = make_run(tmp_path / "run", name=HOSTILE, corruptions=("brightness",), classes=[HOSTILE, *"bcdefghij"])
    text = write_markdown([run], tmp_path / "r.md").read_text(encoding="utf-8")
    assert "<" not in text
    assert not re.search(r"(?<!\\)\[x", text)
    assert "\n# head" not in text
    for line in (line for line in text.splitlines() if line.startswith("| &lt;script")):
        cells = re.split(r"(?<!\\)\|", line)
        assert len(cells) in (4, 5, 6, 7, 8)


def test_the_same_results_give_the_same_bytes(pair, tmp_path):
    first = write_markdown(pair, tmp_path / "a" / "r.md")
    moved = [shutil.copytree(run, tmp_path / "elsewhere" / run.name) for run in pair]
    second = write_markdown(moved, tmp_path / "b" / "r.md")
    for path in sorted(first.parent.rglob("*.*")):
        assert path.read_bytes() == (second.parent / path.relative_to(first.parent)).read_bytes()


@pytest.mark.parametrize(
    ("form", "name"), [("html", "index.html"), ("md", "report.md"), ("csv", "tables/accuracy.csv")]
)
def test_the_command_writes_into_the_run(make_run, tmp_path, form, name):
    run = make_run(tmp_path / "run", corruptions=("fog",))
    done = CliRunner().invoke(app, ["report", str(run), "--format", form])
    assert done.exit_code == 0, done.output
    assert (run / "report" / name).stat().st_size > 100
    assert str(run / "report") in done.output


def test_pictures_are_found_beside_a_file_of_any_name(pair, tmp_path):
    """Blanks and brackets would end a link of Markdown."""
    text = write_markdown(pair, tmp_path / "my report (1).md").read_text(encoding="utf-8")
    links = re.findall(r"!\[.*\]\((\S*)\)$", text, re.MULTILINE)
    assert links
    assert all((tmp_path / unquote(link)).is_file() and not set("() ") & set(link) for link in links)
