"""``rugged analyze`` as a person types it."""

import csv
import json
import re
import sys

import numpy as np
import pytest
from tests.report.conftest import NAMES, make_run

from rugged.cli import main
from rugged.results import RunFolder, read_cells, read_summary


@pytest.fixture
def rugged(monkeypatch, capfd):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["rugged", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "80")
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        return ended.value.code or 0, out, err

    return run


@pytest.fixture
def measured(tmp_path):
    return make_run(tmp_path / "run", classes=("=cmd()", *NAMES[1:]))


def is_number(text):
    return re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", text) is not None


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def test_the_overview_fits_80_columns_and_says_what_it_found(rugged, measured):
    code, out, err = rugged("analyze", measured, "--top", 3)
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    for title in ("Worst classes", "Best classes", "Most confused pairs", "Answers by severity", "Pictures recognised",
                  "Pictures lost first", "Calibration"):  # fmt: skip
        assert title in out
    assert "No groups of near classes are known for this data set" in " ".join(out.split())
    lost = " ".join(out.split())
    cells = read_cells(RunFolder(measured).predictions)
    never = np.all([~cell.correct for cell in cells.values()], axis=0).sum()
    assert f"Of 200 pictures {never} are never recognised in 31 cells" in lost


def test_every_table_is_written_whole_and_safe(rugged, measured, tmp_path):
    out = tmp_path / "tables"
    groups = tmp_path / "mine.toml"
    groups.write_text('round = ["ring", "n0"]')
    code, said, _ = rugged("analyze", measured, "--out", out, "--groups", groups, "--top", 1)
    assert code == 0
    assert said.splitlines()[-1] == str(out)
    assert "Mistakes within a group" in said
    names = {path.stem for path in out.iterdir()}
    assert names == {
        "classes", "class_by_corruption", "confusions_clean", "confusions_corrupted", "pairs_clean", "pairs_corrupted",
        "answers_by_severity", "sinks", "survival", "pictures", "calibration", "reliability", "near_mistakes", "groups",
        "groups_clean", "groups_corrupted",
    }  # fmt: skip
    classes = rows_of(out / "classes.csv")
    assert [row[0] for row in classes[1:]] == ["'=cmd()", *NAMES[1:]]
    assert np.mean([float(row[2]) for row in classes[1:]]) == pytest.approx(
        1 - read_summary(RunFolder(measured).summary).clean.error, abs=1e-5
    )
    assert len(rows_of(out / "pictures.csv")) == 201
    written = {cell for path in out.iterdir() for row in rows_of(path) for cell in row}
    formulas = [cell for cell in written if cell.startswith(("=", "+", "-", "@")) and not is_number(cell)]
    assert formulas == []
    again = tmp_path / "again"
    rugged("analyze", measured, "--out", again, "--groups", groups)
    assert all((again / path.name).read_bytes() == path.read_bytes() for path in out.iterdir())


@pytest.mark.parametrize("command", [("analyze",), ("report", "--format", "csv")])
def test_tables_of_groups_do_not_outlive_the_groups(rugged, measured, tmp_path, command):
    out, groups = tmp_path / "tables", tmp_path / "mine.toml"
    groups.write_text('round = ["ring", "n0"]')
    rugged("analyze", measured, "--out", out, "--groups", groups)
    (out / "mine.csv").write_text("kept")
    with_groups = {path.name for path in out.iterdir()}
    code, _, _ = rugged(command[0], measured, *command[1:], "--out", out)
    assert code == 0
    gone = with_groups - {path.name for path in out.iterdir()}
    assert gone == {"near_mistakes.csv", "groups.csv", "groups_clean.csv", "groups_corrupted.csv"}


def test_tables_that_are_somebodys_own_stay(rugged, measured, tmp_path):
    (tmp_path / "groups.csv").write_text("mine")
    assert rugged("analyze", measured, "--out", tmp_path)[0] == 0
    assert (tmp_path / "groups.csv").read_text() == "mine"


def test_one_class_and_its_predictions(rugged, measured, tmp_path):
    code, out, _ = rugged("analyze", measured, "--class", "RING", "--top", 4, "--out", tmp_path / "ring")
    assert code == 0
    assert "What ring is mistaken for (clean)" in " ".join(out.split())
    predictions = rows_of(tmp_path / "ring" / "predictions.csv")
    assert len(predictions) == 1 + 20 * 31
    assert {row[3] for row in predictions[1:]} == {"ring"}
    code, out, _ = rugged("analyze", measured, "--class", "n1", "--corruption", "contrast", "--severity", 5)
    assert code == 0
    assert "Predictions for ring (Contrast, severity 5)" in " ".join(out.split())


def test_one_cell_alone(rugged, measured, tmp_path):
    code, out, _ = rugged("analyze", measured, "--corruption", "contrast", "--severity", 5, "--out", tmp_path / "cell")
    assert code == 0
    assert "Classes, the worst first (Contrast, severity 5)" in out
    cell = read_cells(RunFolder(measured).predictions)["contrast", 5]
    wrong = rows_of(tmp_path / "cell" / "confusions_corrupted.csv")[1:]
    assert sum(int(row[2]) for row in wrong) == (~cell.correct).sum()


@pytest.mark.parametrize(("options", "message"), [
    (("--class", "rign"), "There is no class 'rign'. Did you mean 'ring'?"),
    (("--corruption", "contrat"), "contrat was not measured. Did you mean 'contrast'?"),
    (("--corruption", "fog"), "fog was not measured."),
    (("--severity", "9"), "severity 9 was not measured. Measured: 1, 2, 3, 4, 5."),
    (("--corruption", "clean"), "Clean stands beside every corruption."),
    (("--groups", "none.toml", "--class", "ring"), "--groups means nothing with --class"),
    (("--groups", "none.toml"), "Cannot read the groups none.toml"),
])  # fmt: skip
def test_a_wrong_choice_is_named(rugged, measured, options, message):
    code, out, err = rugged("analyze", measured, *options)
    assert code == 1
    assert out == ""
    assert message in " ".join(err.split())
    assert "Traceback" not in err


def test_a_run_that_is_none_or_damaged_is_refused(rugged, measured, tmp_path):
    assert "there is no such folder" in " ".join(rugged("analyze", tmp_path / "none")[2].split())
    classes = RunFolder(measured).classes
    whole = classes.read_text()
    classes.write_text(json.dumps(json.loads(whole)[:5]))
    code, _, err = rugged("analyze", measured)
    assert code == 1
    assert "lists 5 classes, the summary is about" in " ".join(err.split())
    classes.write_text(whole)
    next(RunFolder(measured).predictions.glob("contrast-3.parquet")).unlink()
    assert "contrast-3.parquet does not exist" in " ".join(rugged("analyze", measured)[2].split())
