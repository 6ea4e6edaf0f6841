"""Summaries say what follows from the cells, and are compared only where that has a meaning."""

import dataclasses
import json

import numpy as np
import pytest

from rugged.core.errors import IncomparableError, ResultsError
from rugged.core.files import read_json
from rugged.results import (
    Cell,
    Conditions,
    Made,
    ModelFacts,
    baselines,
    differences,
    load_baseline,
    normalise,
    read_summary,
    save_baseline,
    summarise,
    write_summary,
)

CONDITIONS = Conditions(
    dataset="made", content_hash="a" * 64, split="val", images=10, classes=10, size=(64, 64), route="in memory",
    stored="no", preset="tiny64", textures="none", seed=0, stream_version=1, corruptions=("brightness", "contrast"),
    severities=(1, 2, 3, 4, 5),
)  # fmt: skip
FACTS = ModelFacts("model", "timm/resnet10t", 1000, "b" * 64, 64, ("flip", "contrast"))
MADE = Made("rugged benchmark", 1.5, {"python": "3.11"}, {"cores": 2, "memory_bytes": None})


def cell_with(wrong, corruption="clean", severity=0):
    """Ten images; the first ``wrong`` of them get the next class first and their own sixth."""
    labels = np.arange(10, dtype=np.int32)
    top = (labels[:, None] + np.arange(5, dtype=np.int32)) % 10
    top[:wrong] = (top[:wrong] + 1) % 10
    ones = np.ones(10, np.float32)
    return Cell(
        corruption, severity, tuple(map(str, labels)), labels, top, np.ones((10, 5), np.float32), ones, ones * 2, ones
    )


def cells_with(wrong):
    """``{corruption: wrong answers at the five severities}`` as cells, with two wrong on clean."""
    cells = {("clean", 0): cell_with(2)}
    for corruption, counts in wrong.items():
        for severity, count in enumerate(counts, start=1):
            cells[corruption, severity] = cell_with(count, corruption, severity)
    return cells


GOOD = {"brightness": [1, 1, 2, 2, 4], "contrast": [2, 4, 6, 8, 10]}
BAD = {"brightness": [2, 2, 4, 4, 8], "contrast": [8, 8, 8, 8, 8]}


def normalise_by(summary, run):
    return normalise(summary, load_baseline(run, summary.conditions))


@pytest.fixture
def summary():
    return summarise(cells_with(GOOD), FACTS, CONDITIONS, MADE)


@pytest.fixture
def baseline_run(tmp_path):
    made = summarise(cells_with(BAD), FACTS, CONDITIONS, MADE)
    write_summary(tmp_path / "baseline" / "benchmark" / "summary.json", made)
    return tmp_path / "baseline"


def test_figures_follow_from_the_cells(summary):
    assert summary.clean.error == pytest.approx(0.2)
    assert summary.clean.top5_error == pytest.approx(0.2)
    assert summary.clean.loss == 2.0
    assert summary.corruptions["contrast"].error == pytest.approx((0.2, 0.4, 0.6, 0.8, 1.0))
    assert summary.mean_corruption_accuracy == pytest.approx(1 - (0.2 + 0.6) / 2)
    assert summary.mce is None
    assert summary.corruptions["contrast"].ce is None


def test_intervals_of_losses_and_brier_scores_are_those_of_theory():
    """Of a mean over many images the ends lie 1.96 standard errors from it, and all cells of an image move together."""
    rng, count = np.random.default_rng(0), 4000
    conditions = dataclasses.replace(CONDITIONS, images=count, severities=(1, 2))
    labels, top = np.zeros(count, np.int32), np.zeros((count, 5), np.int32)

    def cell(corruption, severity):
        own = rng.uniform(0.1, 1, count).astype(np.float32)
        ids = tuple(map(str, range(count)))
        return Cell(corruption, severity, ids, labels, top, top + np.float32(0.5), own, -np.log(own), own**2)

    cells = {key: cell(*key) for key in conditions.cells}
    intervals = summarise(cells, FACTS, conditions, MADE).intervals
    corrupted = [cells[key] for key in conditions.cells[1:]]
    for found, values in (
        (intervals.clean_loss, cells["clean", 0].loss),
        (intervals.clean_brier, (1 - cells["clean", 0].label_probability) ** 2),
        (intervals.loss, np.mean([each.loss for each in corrupted], axis=0)),
        (intervals.brier, np.mean([(1 - each.label_probability) ** 2 for each in corrupted], axis=0)),
    ):
        standard_error = float(values.std()) / count**0.5
        wanted = [float(values.mean()) + ends * standard_error for ends in (-1.96, 1.96)]
        assert found == pytest.approx(wanted, abs=0.3 * standard_error)


def test_what_was_seen_in_training_comes_from_the_ledger(summary):
    assert summary.seen_in_training == ("contrast",)


def test_an_incomplete_benchmark_says_so(summary):
    assert any("2 of the 15" in note and "Glass blur" in note for note in summary.notes)
    quick = dataclasses.replace(CONDITIONS, limit=10)
    assert any("Quick run" in note for note in summarise(cells_with(GOOD), FACTS, quick, MADE).notes)


def test_mce_against_a_baseline(summary, baseline_run):
    normalised = normalise_by(summary, baseline_run)
    assert normalised.corruptions["brightness"].ce == pytest.approx(0.5)
    assert normalised.corruptions["contrast"].ce == pytest.approx(30 / 40)
    assert normalised.mce.value == pytest.approx((0.5 + 0.75) / 2)
    assert normalised.mce.over == ("brightness", "contrast")
    assert not normalised.mce.complete
    assert normalised.mce.baseline.clean_error == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"preset": "cifar32"}, "preset is tiny64, here cifar32"),
        ({"content_hash": "c" * 64}, "content hash is aaaaaaaaaaaa…, here cccccccccccc…"),
        ({"route": "official files"}, "route"),
        ({"images": 5}, "images is 10, here 5"),
        ({"stored": "jpeg85"}, "stored is no, here jpeg85"),
        ({"corruptions": ("brightness", "contrast", "fog")}, "it lacks fog"),
    ],
)
def test_a_baseline_of_other_conditions_is_refused(summary, baseline_run, change, message):
    other = dataclasses.replace(summary, conditions=dataclasses.replace(CONDITIONS, **change))
    with pytest.raises(IncomparableError, match=message):
        normalise_by(other, baseline_run)


def test_another_seed_is_the_same_test(summary, baseline_run):
    other = dataclasses.replace(summary, conditions=dataclasses.replace(CONDITIONS, seed=9))
    assert normalise_by(other, baseline_run).mce is not None


def test_a_baseline_without_errors_is_refused(summary, tmp_path):
    perfect = summarise(cells_with(BAD | {"contrast": [0] * 5}), FACTS, CONDITIONS, MADE)
    write_summary(tmp_path / "benchmark" / "summary.json", perfect)
    with pytest.raises(IncomparableError, match="no errors under contrast"):
        normalise_by(summary, tmp_path)


def test_a_baseline_that_was_never_measured_is_named(summary, tmp_path):
    with pytest.raises(ResultsError, match=r"is a folder; expected a summary, benchmark/summary\.json"):
        read_summary(tmp_path)
    with pytest.raises(ResultsError, match="has no benchmark yet"):
        normalise_by(summary, tmp_path)


def test_a_baseline_is_a_run_folder_or_a_shipped_name(summary, baseline_run, tmp_path, monkeypatch):
    shipped = {
        "weak": save_baseline(read_summary(baseline_run / "benchmark" / "summary.json"), f"{tmp_path}/weak.json")
    }
    monkeypatch.setattr(baselines, "shipped_baselines", lambda: shipped)
    assert normalise_by(summary, "weak").errors == normalise_by(summary, baseline_run).errors
    assert load_baseline("weak", CONDITIONS).errors == load_baseline(baseline_run, CONDITIONS).errors
    with pytest.raises(ResultsError, match=r"no run folder or file waek.*Did you mean 'weak'"):
        load_baseline("waek", CONDITIONS)


def test_a_missing_cell_is_named():
    cells = cells_with(GOOD)
    del cells["contrast", 4]
    with pytest.raises(ResultsError, match=r"^1 cell is missing \(contrast-4\)\."):
        summarise(cells, FACTS, CONDITIONS, MADE)
    cells = cells_with({"brightness": GOOD["brightness"]})
    with pytest.raises(ResultsError, match=r"^5 cells are missing \(contrast-1, contrast-2, contrast-3 …\)\."):
        summarise(cells, FACTS, CONDITIONS, MADE)


@pytest.mark.parametrize("images", [9, 11])
def test_cells_of_other_images_than_claimed_are_refused(images):
    with pytest.raises(ResultsError, match=r"same .* images"):
        summarise(cells_with(GOOD), FACTS, dataclasses.replace(CONDITIONS, images=images), MADE)


def test_cells_that_are_not_about_the_same_images_are_refused():
    cells = cells_with(GOOD)
    cells["contrast", 2] = dataclasses.replace(cells["contrast", 2], ids=cells["contrast", 2].ids[::-1])
    with pytest.raises(ResultsError, match="contrast-2"):
        summarise(cells, FACTS, CONDITIONS, MADE)


def test_one_answer_for_all_clean_pictures_is_noted():
    """Where all are of one class, one answer is what they deserve."""
    cells = cells_with(GOOD)
    clean = cells["clean", 0]
    for labels, answers, noted in ((clean.labels, 3, True), (clean.labels, [4] + 9 * [3], False), (3, 3, False)):
        top = clean.top.copy()
        top[:, 0] = answers
        cells["clean", 0] = dataclasses.replace(clean, labels=np.broadcast_to(labels, 10), top=top)
        notes = summarise(cells, FACTS, CONDITIONS, MADE).notes
        assert any("gives one answer for all clean pictures" in note for note in notes) == noted


@pytest.mark.parametrize(("right", "noted"), [(2, True), (9, False)])
def test_a_model_that_may_as_well_guess_is_noted(right, noted):
    """Ten pictures of five classes, two each: one answer for all is right on two."""
    cells = cells_with(GOOD)
    clean = cells["clean", 0]
    labels = np.arange(10) // 2
    top = clean.top.copy()
    top[:, 0] = np.where(np.arange(10) < right, labels, (labels + 1) % 5)
    cells["clean", 0] = dataclasses.replace(clean, labels=labels, top=top)
    notes = summarise(cells, FACTS, CONDITIONS, MADE).notes
    assert (
        any(
            "not clearly better than one answer for all clean pictures, which is right on 20.0%" in note
            for note in notes
        )
        == noted
    )


def test_notes_of_the_measurement_come_before_those_of_the_data():
    notes = summarise(cells_with(GOOD), FACTS, CONDITIONS, MADE, ["Ten set aside."]).notes
    assert "corruptions were measured" in notes[0]
    assert notes[-1] == "Ten set aside."


def test_a_summary_comes_back_from_its_file(summary, baseline_run, tmp_path):
    for each in (summary, normalise_by(summary, baseline_run)):
        write_summary(tmp_path / "summary.json", each)
        assert read_summary(tmp_path / "summary.json") == each


def test_a_summary_of_noise_alone_comes_back_from_its_file(tmp_path):
    """Nothing of it is without noise: that figure and its interval are null."""
    noise = dataclasses.replace(CONDITIONS, corruptions=("gaussian_noise",))
    made = summarise(cells_with({"gaussian_noise": [1, 1, 2, 2, 4]}), FACTS, noise, MADE)
    assert made.without_noise is made.intervals.without_noise is None
    write_summary(tmp_path / "summary.json", made)
    assert read_summary(tmp_path / "summary.json") == made


@pytest.mark.parametrize("change", [{"format": 99}, {"clean": 3}, {"model": None}, {"surprise": 1}])
def test_a_file_of_another_format_is_refused(summary, tmp_path, change):
    path = tmp_path / "summary.json"
    write_summary(path, summary)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ResultsError, match="not a benchmark summary of format 2"):
        read_summary(path)


@pytest.mark.parametrize("text", ["[]", "3", '"x"'])
def test_json_of_another_kind_is_refused(tmp_path, text):
    (tmp_path / "summary.json").write_text(text)
    with pytest.raises(ResultsError, match="not a benchmark summary"):
        read_summary(tmp_path / "summary.json")


def test_textures_count_where_both_measured_frost():
    frosty = dataclasses.replace(CONDITIONS, corruptions=("frost",), textures="photographs")
    drawn = dataclasses.replace(frosty, textures="procedural")
    assert differences(drawn, frosty) == ["textures is photographs, here procedural"]
    assert differences(CONDITIONS, frosty) == differences(frosty, frosty) == []
    assert drawn.beside(frosty) != frosty.beside(drawn)
    assert CONDITIONS.beside(frosty) == frosty.beside(CONDITIONS)


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"textures": "procedural"}, "Frost: procedural frost, not comparable with published numbers."),
        ({"size": (64, 96)}, "96 × 64 pixels and the severities are those published for 64 × 64"),
    ],
)
def test_what_is_not_comparable_with_published_numbers_says_so(summary, change, note):
    changed = dataclasses.replace(CONDITIONS, **change)
    notes = summarise(cells_with(GOOD), FACTS, changed, MADE).notes
    assert any(note in each for each in notes)
    assert not any(note in each for each in summary.notes)


@pytest.mark.parametrize(
    "damage",
    [
        lambda table: table["corruptions"].pop("contrast"),
        lambda table: table["corruptions"]["contrast"].update(error=[0.5]),
        lambda table: table["conditions"].update(severities=[]),
        lambda table: table.update(mean_corruption_accuracy=None),
        lambda table: table["intervals"]["errors"].pop("contrast"),
        lambda table: table["intervals"].update(clean_error=[]),
        lambda table: table["clean"].update(error=-1),
    ],
)
def test_figures_that_do_not_agree_with_their_conditions_are_no_summary(summary, tmp_path, damage):
    path = tmp_path / "summary.json"
    write_summary(path, summary)
    table = read_json(path)
    assert read_summary(path) == summary
    damage(table)
    path.write_text(json.dumps(table), encoding="utf-8")
    with pytest.raises(ResultsError, match="is not a benchmark summary of format 2"):
        read_summary(path)
