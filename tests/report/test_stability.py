"""Perturbation sequences stand on the page where they were measured, with intervals and what they are relative to."""

from dataclasses import replace

import pytest

from rugged.core.errors import ResultsError
from rugged.report import write_report
from rugged.results import Made, RunFolder, SequenceConditions, Stability, read_summary, write_stability
from rugged.results.stability import MeanFlipRate, SequenceResult


def measure(run, difficulty=1, rate=None, **model):
    """Two kinds of sequences, of ten that there are."""
    names = ("gaussian_noise", "rotate")
    conditions = SequenceConditions(
        "builtin", "a" * 64, "val", 200, 10, (64, 64), "in memory", "tiny64", difficulty, 0, 1, names, names, False
    )
    results = {
        "gaussian_noise": SequenceResult(True, 1, 0.125, (0.1, 0.15), 0.25, 1.5, (1.25, 1.75)),
        "rotate": SequenceResult(False, difficulty, 0.25, (0.2, 0.3), 0.5),
    }
    facts = replace(read_summary(RunFolder(run).summary).model, **model)
    made = Made("rugged benchmark", 1.0, {}, {})
    stability = Stability(facts, conditions, results, 0.1875, (0.15, 0.2), made, rate, ("Frames <made> in memory.",))
    write_stability(RunFolder(run).stability(difficulty), stability)


def test_the_page_shows_them_where_they_were_measured(make_run, tmp_path, parse):
    run = make_run(tmp_path / "run")
    assert "Flip probability" not in write_report([run], tmp_path / "plain.html").read_text(encoding="utf-8")
    measure(run, rate=MeanFlipRate(0.75, (0.5, 1.0), "small", "rugged/alexnet64", "b" * 64, 0.8, (0.7, 0.9)))
    measure(run, difficulty=3)
    page = parse(write_report([run], tmp_path / "page.html").read_text(encoding="utf-8"))
    tables = page.find("table", class_="stability")
    assert [head.text for head in page.find("h3") if "difficulty" in head.text] == [
        "run: builtin, difficulty 1, n = 200", "run: builtin, difficulty 3, n = 200",
    ]  # fmt: skip
    rows = [[cell.text for cell in page.find("td", within=row)] for row in page.find("tr", within=tables[0])[1:]]
    assert rows == [["12.5% (10.0–15.0)", "1.50 (1.25–1.75)", "25.0%"], ["25.0% (20.0–30.0)", "–", "50.0%"]]
    said = [item.text for item in page.find("li")]
    assert "Mean flip probability over 2 sequences: 18.8% (15.0–20.0)." in said
    assert any(
        "mFR over 2 sequences 75.0% (50.0–100.0), mT5D over 2 sequences 80.0% (70.0–90.0), relative to small" in one
        for one in said
    )
    assert sum("No mFR, since no baseline was given" in one for one in said) == 1
    assert "Frames <made> in memory." in said
    assert [link.text for link in page.find("a") if link.attributes["href"] == "#sequences"] == ["Sequences"]


def test_models_of_one_name_are_told_apart_there_too(make_run, tmp_path):
    runs = [make_run(tmp_path / place / "run", skill=skill) for place, skill in (("one", 0.9), ("two", 0.8))]
    for run in runs:
        measure(run)
    page = write_report(runs, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "run (one/run): builtin, difficulty 1" in page
    assert "run (two/run): builtin, difficulty 1" in page


def test_those_of_another_model_are_left_out_and_damaged_ones_named(make_run, tmp_path):
    run = make_run(tmp_path / "run")
    measure(run, sha256="f" * 64)
    assert "Flip probability" not in write_report([run], tmp_path / "page.html").read_text(encoding="utf-8")
    RunFolder(run).stability(2).write_text("{}", encoding="utf-8")
    with pytest.raises(ResultsError, match=r"sequences-2\.json holds no figures of sequences"):
        write_report([run], tmp_path / "page.html")
