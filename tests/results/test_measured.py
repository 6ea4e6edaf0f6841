"""Predictions that do not fit their summary, or one another, are refused by everything that reads them."""

import dataclasses
import shutil

import numpy as np
import pytest
from tests.report.conftest import make_run

from rugged.analyze import read_run
from rugged.core.errors import ResultsError
from rugged.report import compare_runs, write_markdown, write_report, write_tables
from rugged.results import RunFolder, Stamp, read_cell, read_measured, read_summary, write_cell


def shortened(cell):
    columns = {field.name: getattr(cell, field.name) for field in dataclasses.fields(cell)}
    return dataclasses.replace(
        cell, **{name: value[:60] for name, value in columns.items() if isinstance(value, np.ndarray | tuple)}
    )


DAMAGES = {
    "are about 60 images, the summary about 200": shortened,
    "are about other images than the rest": lambda cell: dataclasses.replace(cell, ids=cell.ids[::-1]),
    "name classes that are not among the 10": lambda cell: dataclasses.replace(cell, top=cell.top - 1),
    "name classes that are not among": lambda cell: dataclasses.replace(cell, labels=cell.labels + 1),
    "hold values that are no probabilities": lambda cell: dataclasses.replace(
        cell, label_probability=cell.label_probability * np.float32(np.nan)
    ),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("runs") / "whole", corruptions=("contrast",))


@pytest.mark.parametrize("message", DAMAGES)
def test_a_cell_that_does_not_fit_is_named(tmp_path, whole, message):
    run = make_run(tmp_path / "run", corruptions=("contrast",))
    predictions = RunFolder(run).predictions
    write_cell(predictions, DAMAGES[message](read_cell(predictions, "contrast", 3)), Stamp({}, 1.0))
    for read in (
        lambda: read_run(run).cells,
        lambda: compare_runs([whole, run]),
        lambda: write_report([run], tmp_path / "page.html"),
        lambda: write_markdown([run], tmp_path / "page.md"),
        lambda: write_tables([run], tmp_path / "tables"),
    ):
        with pytest.raises(ResultsError, match=f"contrast-3 .*{message}"):
            read()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_clean_images_may_be_others_where_the_conditions_say_so(tmp_path):
    run = RunFolder(make_run(tmp_path / "run", corruptions=("contrast",)))
    clean = read_cell(run.predictions, "clean", 0)
    write_cell(run.predictions, shortened(clean), Stamp({}, 1.0))
    summary = read_summary(run.summary)
    conditions = dataclasses.replace(summary.conditions, clean_images=60)
    cells = read_measured(run, dataclasses.replace(summary, conditions=conditions))
    assert len(cells["clean", 0].ids) == 60


def test_predictions_of_another_model_are_refused(tmp_path):
    run = RunFolder(make_run(tmp_path / "run", corruptions=("contrast",)))
    cell = read_cell(run.predictions, "contrast", 3)
    own = read_summary(run.summary).model.sha256
    write_cell(run.predictions, cell, Stamp({"model_sha256": own}, 1.0))
    assert read_run(run.path).cells["contrast", 3].ids == cell.ids
    write_cell(run.predictions, cell, Stamp({"model_sha256": "f" * 64}, 1.0))
    with pytest.raises(ResultsError, match=r"contrast-3 .* are of another model than the summary"):
        _ = read_run(run.path).cells


def test_a_cell_under_the_name_of_another_is_refused(tmp_path):
    run = RunFolder(make_run(tmp_path / "run", corruptions=("contrast",)))
    shutil.copy(run.predictions / "contrast-5.parquet", run.predictions / "contrast-3.parquet")
    with pytest.raises(ResultsError, match=r"contrast-3\.parquet cannot be read \(it holds contrast-5\)"):
        _ = read_run(run.path).cells


def test_a_folder_of_runs_is_told_from_a_run(tmp_path):
    inner = make_run(tmp_path / "runs" / "one", corruptions=("contrast",))
    with pytest.raises(ResultsError, match=f"no run folder, but holds some: name {inner}"):
        read_run(tmp_path / "runs")
    RunFolder(tmp_path / "runs").manifest.write_text("{}")
    with pytest.raises(ResultsError, match="has no benchmark yet"):
        read_run(tmp_path / "runs")
