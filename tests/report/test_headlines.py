"""Rows of figures hold side by side only what is over the same corruptions."""

import dataclasses

import pytest

from rugged.report import headline_rows
from rugged.results import RunFolder, read_summary

SIX = ("gaussian_noise", "defocus_blur", "brightness", "contrast", "pixelate", "jpeg_compression")


@pytest.fixture
def measured(make_run, tmp_path):
    baseline = make_run(tmp_path / "baseline", skill=0.6, severities=(1, 3))

    def measure(name, *seen):
        run = make_run(tmp_path / name, skill=0.8, seen=seen, baseline=baseline, severities=(1, 3))
        return read_summary(RunFolder(run).summary)

    return measure


def test_mces_over_different_unseen_corruptions_have_rows_of_their_own(measured):
    first, second = measured("a", "contrast"), measured("b", "pixelate")
    third, fourth = measured("c", "contrast"), measured("d", *SIX[:4])
    rows = {row.label: row.values for row in headline_rows([first, second, third, fourth]) if "not seen" in row.label}
    assert list(rows) == [
        "mCE over the 5 not seen in training, severities 1, 3 (all but Contrast)",
        "mCE over the 5 not seen in training, severities 1, 3 (all but Pixelate)",
        "mCE over the 2 not seen in training, severities 1, 3 (Pixelate, JPEG compression)",
    ]
    assert [[value != "–" for value in values] for values in rows.values()] == [
        [True, False, True, False], [False, True, False, False], [False, False, False, True],
    ]  # fmt: skip
    low, high = first.mce.unseen_interval
    shown = f"{100 * first.mce.unseen:.1f}% ({100 * low:.1f}–{100 * high:.1f})"
    assert rows["mCE over the 5 not seen in training, severities 1, 3 (all but Contrast)"][0] == shown


def test_at_all_severities_none_are_named(measured):
    one = measured("a", "contrast")
    whole = dataclasses.replace(one, conditions=dataclasses.replace(one.conditions, severities=(1, 2, 3, 4, 5)))
    assert any(row.label == "mCE over the 5 not seen in training (all but Contrast)" for row in headline_rows([whole]))


@pytest.mark.parametrize("nothing", [None, ()])
def test_a_figure_that_a_summary_does_not_hold_is_a_dash(measured, nothing):
    """As a summary from before there was the figure, or where one of its corruptions has none."""
    one = measured("a")
    older = dataclasses.replace(one, clean=dataclasses.replace(one.clean, brier=None))
    older.corruptions["fog"] = dataclasses.replace(one.corruptions["contrast"], brier=nothing)
    older = dataclasses.replace(
        older, conditions=dataclasses.replace(one.conditions, corruptions=(*one.conditions.corruptions, "fog"))
    )
    rows = {row.label: row.values for row in headline_rows([measured("b"), older])}
    assert [row for row, values in rows.items() if values[1] == "–"] == ["Brier score, clean", "Brier score, corrupted"]
    assert "–" not in [values[0] for values in rows.values()]
