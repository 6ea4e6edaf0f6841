"""Test-time variants stand beside the plain classifier, with what was done."""

from dataclasses import replace

import numpy as np

from rugged.report import change_tables, variant_rows, write_report
from rugged.report.reading import without_ce
from rugged.results import RunFolder, VariantResult, read_cells, read_summary, variant_result, write_summary
from rugged.results.summary import CleanResult


def with_variants(run):
    """One that halves every error, and one of clean pictures alone."""
    summary = read_summary(RunFolder(run).summary)
    halved = {
        name: replace(result, error=tuple(error / 2 for error in result.error))
        for name, result in summary.corruptions.items()
    }
    rows = (
        VariantResult("batchnorm", "Adapted <to> each cell.", summary.clean, (0.1, 0.2), halved, 0.875, (0.85, 0.9)),
        VariantResult("pgd", "Attacked.", CleanResult(0.75, 0.5, 4.0, 0.25, 1.5), (0.7, 0.8)),
    )
    write_summary(RunFolder(run).summary, replace(summary, variants=rows))
    return read_summary(RunFolder(run).summary)


def test_rows_are_the_figures_of_the_summary(make_run, tmp_path):
    summary = with_variants(make_run(tmp_path / "run"))
    rows = {row.label: row.values for row in variant_rows(summary)}
    assert rows["Clean top-1"][1:] == (f"{100 - 100 * summary.clean.error:.1f}% (80.0–90.0)", "25.0% (20.0–30.0)")
    assert rows["Corrupted top-1"][1:] == ("87.5% (85.0–90.0)", "–")
    plain, *variants = rows["Negative log-likelihood, clean"]
    low, high = summary.intervals.clean_loss
    assert plain == f"{summary.clean.loss:.3f} ({low:.3f}–{high:.3f})"
    assert variants == [f"{summary.clean.loss:.3f}", "4.000"]
    assert rows["Calibration error (ECE), clean"][2] == "25.0%"
    assert "Clean top-5" not in rows


def test_figures_of_predictions_have_their_intervals(two_baselines):
    """Its loss, too: of a temperature nothing else changes."""
    summary = read_summary(RunFolder(two_baselines[1]).summary)
    (variant,) = summary.variants
    rows = {row.label: row.values[1] for row in variant_rows(summary)}
    loss = f"{variant.clean.loss:.3f} ({{:.3f}}–{{:.3f}})".format(*variant.intervals.clean_loss)
    assert rows["Negative log-likelihood, clean"] == loss
    assert rows["Brier score, corrupted"].endswith("({:.3f}–{:.3f})".format(*variant.intervals.brier))


def test_what_changes_on_clean_pictures_alone_has_one_row_and_a_part_is_not_called_mce(two_baselines):
    run = RunFolder(two_baselines[1])
    summary, plain = read_summary(run.summary), read_cells(run.predictions)
    clean = plain["clean", 0]
    attacked = {("clean", 0): replace(clean, top=np.roll(clean.top, 1, axis=1))}
    row = variant_result("pgd", "Attacked.", attacked, plain, summary, None)
    batchnorm, pgd = change_tables(replace(summary, variants=(*summary.variants, row)))
    assert (batchnorm.columns[-1], len(batchnorm.rows)) == ("CE, mCE over 2 of 15", 4)
    assert (pgd.columns[-1], [each[0] for each in pgd.rows]) == ("Relative", ["Clean"])
    assert without_ce(replace(summary, variants=(row,))).variants == (row,)


def test_the_page_shows_them_and_says_how(make_run, tmp_path, parse):
    run = make_run(tmp_path / "run")
    plain = write_report([run], tmp_path / "plain.html").read_text(encoding="utf-8")
    assert "Test-time variants" not in plain
    summary = with_variants(run)
    page = parse(write_report([run], tmp_path / "page.html").read_text(encoding="utf-8"))
    (table,) = page.find("table", class_="variants")
    assert [head.text for head in page.find("th", within=page.find("thead", within=table)[0])] == [
        "Figure", "plain", "batchnorm", "pgd",
    ]  # fmt: skip
    shown = [[cell.text for cell in page.find("td", within=row)] for row in page.find("tr", within=table)[1:]]
    assert shown == [list(row.values) for row in variant_rows(summary)]
    assert any(item.text == "batchnorm: Adapted <to> each cell." for item in page.find("li"))
