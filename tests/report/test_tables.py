"""The tables as data, against the summary file read by hand."""

import json

import pytest

from rugged.report import accuracy_rows, error_rows
from rugged.results import RunFolder, read_summary


def test_accuracy_table_says_what_the_summaries_say(pair):
    rows = accuracy_rows([read_summary(RunFolder(run).summary) for run in pair])
    for run, row in zip(pair, rows, strict=True):
        table = json.loads(RunFolder(run).summary.read_text())
        assert row.model == table["model"]["name"]
        assert row.clean_top1 == pytest.approx(1 - table["clean"]["error"])
        assert row.clean_top5 == pytest.approx(1 - table["clean"]["top5_error"])
        assert row.mean_corruption_accuracy == table["mean_corruption_accuracy"]
    assert rows[0].mce == json.loads(RunFolder(pair[0]).summary.read_text())["mce"]["value"]


def test_the_baseline_is_recognised_and_its_mce_is_one_by_definition(pair):
    subject, baseline = accuracy_rows([read_summary(RunFolder(run).summary) for run in pair])
    assert not subject.is_baseline
    assert baseline.is_baseline
    assert baseline.mce == 1.0


def test_without_a_baseline_there_is_no_mce(pair):
    (row,) = accuracy_rows([read_summary(RunFolder(pair[1]).summary)])
    assert row.mce is None
    assert not row.is_baseline


def test_a_row_shows_no_mce_relative_to_another_baseline(make_run, tmp_path):
    baselines = [make_run(tmp_path / name, skill=skill) for name, skill in (("x", 0.6), ("y", 0.7))]
    runs = [make_run(tmp_path / f"on-{run.name}", skill=0.9, baseline=run) for run in baselines]
    first, second = accuracy_rows([read_summary(RunFolder(run).summary) for run in runs])
    assert first.mce is not None
    assert second.mce is None


def test_error_rows_has_a_row_a_corruption(pair):
    table = json.loads(RunFolder(pair[0]).summary.read_text())
    rows = error_rows(read_summary(RunFolder(pair[0]).summary))
    assert [row.corruption for row in rows] == table["conditions"]["corruptions"]
    for row in rows:
        assert list(row.errors) == table["corruptions"][row.corruption]["error"]
        assert row.mean == pytest.approx(sum(row.errors) / 5)
        assert row.ce == table["corruptions"][row.corruption]["ce"]
    assert rows[0].label == "Gaussian noise"
