"""What the results' pages and the README say is what the summaries under ``results/`` say, and those hold together."""

import importlib.util
from pathlib import Path

import pytest

from rugged.results import read_summary
from rugged.results.baselines import read_baseline

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"
SUMMARIES = sorted(path.parents[1].name for path in RESULTS.glob("*/benchmark/summary.json"))
WHOLE_SETS = sorted(f"{path.parents[1].name}/{path.stem}" for path in RESULTS.glob("*/benchmark/*-10000.json"))
PAGES = [ROOT / "docs" / "results.md", *(ROOT / "docs" / "results").glob("*.md")]


def text_about(name):
    pages = [ROOT / "README.md"] if name.startswith("demo") else PAGES
    return "\n".join(page.read_text(encoding="utf-8") for page in pages).replace("**", "").replace("%", "")


def percent(value, ends=None):
    """As the page writes it: one place, with the interval in brackets."""
    low, high = (100 * end for end in ends or (0, 0))
    return f"{100 * value:.1f}" + (f" ({low:.1f}–{high:.1f})" if ends else "")


@pytest.mark.parametrize("name", SUMMARIES)
def test_figures_of_its_page_are_those_of_the_summary(name):
    page = text_about(name)
    summary = read_summary(RESULTS / name / "benchmark" / "summary.json")
    ends = summary.intervals.clean_error
    assert percent(1 - summary.clean.error, (1 - ends[1], 1 - ends[0])) in page
    assert percent(summary.mean_corruption_accuracy, summary.intervals.mean_corruption_accuracy) in page
    if summary.mce:
        assert percent(summary.mce.value) in page


@pytest.mark.parametrize("name", WHOLE_SETS)
def test_figures_of_all_validation_pictures_are_those_of_the_summary(name):
    folder, which = name.split("/")
    summary = read_summary(RESULTS / folder / "benchmark" / f"{which}.json")
    ends = summary.intervals.clean_error
    assert summary.conditions.images == 10_000
    assert percent(1 - summary.clean.error, (1 - ends[1], 1 - ends[0])) in text_about(folder)


def load_chart():
    spec = importlib.util.spec_from_file_location("results_chart", ROOT / "docs" / "hooks" / "results_chart.py")
    chart = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(chart)
    return chart


def test_chart_is_that_of_the_summaries():
    assert (ROOT / "docs" / "images" / "results.svg").read_text(encoding="utf-8") == load_chart().draw()


def test_table_of_all_networks_is_that_of_the_summaries():
    """A row for each network of the chart, with every figure of its summaries in that one row."""
    rows = (ROOT / "docs" / "results.md").read_text(encoding="utf-8").replace("**", "").splitlines()
    chart = load_chart()
    for folder in (folder for network in chart.NETWORKS for folder in network.folders):
        of_the_fifteen = read_summary(RESULTS / folder / "benchmark" / "summary.json")
        figures = [percent(of_the_fifteen.mean_corruption_accuracy, of_the_fifteen.intervals.mean_corruption_accuracy)]
        if of_the_fifteen.mce:
            figures.append(percent(of_the_fifteen.mce.value, of_the_fifteen.mce.interval))
        for summary in chart.whole_set(folder):
            low, high = summary.intervals.clean_error
            figures.append(percent(1 - summary.clean.error, (1 - high, 1 - low)))
        assert any(all(figure in row for figure in figures) for row in rows), (folder, figures)


@pytest.mark.parametrize("name", SUMMARIES)
def test_corruption_errors_are_relative_to_the_kept_baseline(name):
    summary = read_summary(RESULTS / name / "benchmark" / "summary.json")
    if summary.mce is None or summary.mce.baseline.name != "alexnet64-1000":
        pytest.skip("normalised by another baseline, or not at all")
    baseline = read_baseline(RESULTS / "alexnet64" / "baseline-1000.json")
    errors = {key: corruption.error for key, corruption in summary.corruptions.items()}
    ratios = {key: sum(error) / sum(baseline.errors[key]) for key, error in errors.items()}
    assert {key: corruption.ce for key, corruption in summary.corruptions.items()} == pytest.approx(ratios)
    assert summary.mce.value == pytest.approx(sum(ratios[key] for key in summary.mce.over) / len(summary.mce.over))
