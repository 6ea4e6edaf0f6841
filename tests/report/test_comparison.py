"""The comparison's tables and page say what the results say."""

import pytest

from rugged.cli.tables import print_comparison
from rugged.core.catalogue import display_name
from rugged.core.errors import ConfigError, IncomparableError
from rugged.report import compare_runs, write_comparison
from rugged.results import CLEAN, RunFolder, read_cells, read_summary


@pytest.fixture
def runs(make_run, tmp_path):
    baseline = make_run(tmp_path / "alexnet", skill=0.83)
    return [make_run(tmp_path / name, skill=skill, baseline=baseline) for name, skill in (("a", 0.6), ("b", 0.95))]


def test_tables_are_those_of_the_summaries(runs):
    compared = compare_runs(runs)
    first, second = (read_summary(RunFolder(run).summary) for run in runs)
    differences = {row.label: row for row in compared.differences}
    gain = 100 * (second.mean_corruption_accuracy - first.mean_corruption_accuracy)
    assert differences["Corrupted top-1"].values[0].startswith(f"{gain:+.1f} (")
    assert differences["Corrupted top-1"].verdicts == ("better",)
    assert [row.label for row in compared.by_corruption] == [display_name(name) for name in first.errors]
    assert compared.level == "99.17%"  # Six corruptions: 1 − 0.05 / 6.
    assert differences["mCE over 6 of 15"].values[0].startswith(f"−{100 * (first.mce.value - second.mce.value):.1f} (")
    assert differences["mCE over 6 of 15"].verdicts == ("better",)
    errors = {row.label: row.values for row in compared.errors}
    assert errors["Contrast"] == tuple(f"{100 * one.corruptions['contrast'].ce:.1f}" for one in (first, second))
    assert errors["mCE over 6 of 15"] == tuple(f"{100 * one.mce.value:.1f}" for one in (first, second))
    low, high = (100 * end for end in first.mce.interval)
    headlines = {row.label: row.values for row in compared.headlines}
    assert headlines["mCE over 6 of 15"][0] == f"{100 * first.mce.value:.1f}% ({low:.1f}–{high:.1f})"


def test_clean_pictures_alone(make_run, tmp_path, parse, capsys):
    runs = [make_run(tmp_path / name, skill=skill, corruptions=()) for name, skill in (("a", 0.6), ("b", 0.95))]
    compared = compare_runs(runs)
    cells = [read_cells(RunFolder(run).predictions)[CLEAN, 0] for run in runs]
    (first, second), labels = (cell.correct for cell in cells), cells[0].labels
    (row,) = compared.differences
    assert row.label == "Clean top-1"
    assert row.values[0].startswith(f"+{100 * (second.mean() - first.mean()):.1f} (")
    assert row.verdicts == ("better",)
    assert (compared.by_corruption, compared.errors) == ((), ())
    ((*_, both, only_first, only_second, neither),) = compared.kept.rows
    counts = [(first & second), (first & ~second), (~first & second), (~first & ~second)]
    assert [both, only_first, only_second, neither] == [pytest.approx(each.mean()) for each in counts]
    for _, pictures, one, other, *_ in compared.classes[0].rows:
        assert pictures == 20
        assert any((one, other) == (first[labels == k].mean(), second[labels == k].mean()) for k in range(10))
    page = parse(write_comparison(compared, tmp_path / "page.html").read_text(encoding="utf-8"))
    assert [section.attributes["id"] for section in page.find("section")] == [
        "figures",
        "differences",
        "classes",
        "conditions",
    ]
    assert "orrupted" not in " ".join(section.text for section in page.find("section")[:3])
    print_comparison(compared)
    assert "orrupted" not in capsys.readouterr().out


def test_clean_pictures_alone_never_stand_beside_corrupted_ones(make_run, runs, tmp_path):
    with pytest.raises(IncomparableError, match="corruptions are none, here gaussian_noise"):
        compare_runs([runs[0], make_run(tmp_path / "clean", corruptions=())])


def test_no_difference_is_zero_without_a_sign(make_run, tmp_path):
    compared = compare_runs([make_run(tmp_path / name, skill=0.8) for name in ("a", "b")])
    assert {row.values for row in compared.differences + compared.by_corruption} == {("0.0 (0.0 to 0.0)",)}


def test_the_baseline_itself_has_an_mce_of_one(pair):
    """It is the natural one to hold others against, and was measured without a baseline."""
    model, baseline = pair
    compared = compare_runs([baseline, model])
    summary = read_summary(RunFolder(model).summary)
    errors = {row.label: row.values for row in compared.errors}
    assert errors["mCE over 6 of 15"] == ("100.0", f"{100 * summary.mce.value:.1f}")
    assert errors["Contrast"] == ("100.0", f"{100 * summary.corruptions['contrast'].ce:.1f}")
    gain = 100 * (1 - summary.mce.value)
    differences = {row.label: row.values for row in compared.differences}
    assert differences["mCE over 6 of 15"][0].startswith(f"−{gain:.1f} (")
    assert not any("no mCE" in caveat for caveat in compared.caveats)


def test_mces_of_different_baselines_never_stand_side_by_side(runs, make_run, tmp_path):
    other = make_run(tmp_path / "other", skill=0.7)
    odd = make_run(tmp_path / "odd", skill=0.9, baseline=other)
    compared = compare_runs([*runs, odd])
    assert compared.caveats[0].startswith("The mCE of odd is relative to other, not to alexnet, and left out.")
    assert "different baselines" in compared.errors_title
    summary = read_summary(RunFolder(odd).summary)
    errors = {row.label: row.values for row in compared.errors}
    assert errors["Contrast"][2] == f"{100 * sum(summary.errors['contrast']) / 5:.1f}"
    headlines = {row.label: row.values for row in compared.headlines}
    assert headlines["mCE over 6 of 15"][2] == "–"


def test_where_not_all_have_an_mce_chart_and_table_both_show_mean_errors(runs, make_run, tmp_path, parse):
    compared = compare_runs([runs[0], make_run(tmp_path / "plain", skill=0.8)])
    page = parse(write_comparison(compared, tmp_path / "page.html").read_text(encoding="utf-8"))
    (section,) = page.find("section", id="errors")
    assert "as a share of the errors of" not in section.text
    (bars,) = page.find("div", within=section, class_="bars")
    drawn = [one.text for one in page.find("text", within=bars)]
    wanted = [f"{value}%" for row in compared.errors for value in row.values]
    assert len(wanted) == 12  # Six corruptions, both models.
    assert sorted(drawn) == sorted(wanted)


def test_the_page_shows_the_tables_and_trusts_no_name(tmp_path, parse, make_run):
    hostile = make_run(tmp_path / "hostile", name="<script>alert(1)</script>", skill=0.9)
    plain = make_run(tmp_path / "plain", skill=0.8)
    compared = compare_runs([plain, hostile])
    text = write_comparison(compared, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script>alert" not in text
    page = parse(text)
    cells = {element.text for element in page.elements if element.tag in ("td", "th")}
    for row in (*compared.headlines, *compared.differences, *compared.by_corruption, *compared.errors):
        assert row.label in cells
        assert all(any(value in cell for cell in cells) for value in row.values)
    assert "not normalised" in text
    assert "In brackets 95% intervals, 99.17% ones by corruption" in text
    again = write_comparison(compared, tmp_path / "again.html").read_text(encoding="utf-8")
    assert again == text


def test_n_is_said_of_clean_and_corrupted_pictures_where_these_are_others(runs, make_run, tmp_path, parse, capsys):
    others = [make_run(tmp_path / name, skill=skill, clean_images=200) for name, skill in (("c", 0.6), ("d", 0.8))]
    for folders, said in ((runs, "200"), (others, "200 clean and 200 corrupted")):
        compared = compare_runs(folders)
        page = parse(write_comparison(compared, tmp_path / "page.html").read_text(encoding="utf-8"))
        assert page.find("p", id="figures-caption")[0].text.startswith(f"{said} pictures of builtin.")
        print_comparison(compared)
        assert f"builtin, val, n = {said}" in map(str.strip, capsys.readouterr().out.splitlines())


def test_lines_of_two_models_with_one_long_name_have_labels_of_their_own(make_run, tmp_path, parse):
    runs = [make_run(tmp_path / name, name="tiny-imagenet-squeezenet", skill=0.8) for name in ("u", "v")]
    page = parse(write_comparison(compare_runs(runs), tmp_path / "page.html").read_text(encoding="utf-8"))
    assert {one.text for one in page.find("text", class_="name")} == {"tiny-ima…zenet (u)", "tiny-ima…zenet (v)"}


def test_another_draw_of_the_noise_is_said(runs, make_run, tmp_path):
    assert not any("draw of the noise" in caveat for caveat in compare_runs(runs).caveats)
    (said,) = (
        caveat
        for caveat in compare_runs([*runs, make_run(tmp_path / "c", seed=7)]).caveats
        if "draw of the noise" in caveat
    )
    assert said.startswith("c was measured with another draw of the noise than a (seed 7, here 0)")


def test_what_cannot_be_compared_is_refused(runs, tmp_path, make_run):
    with pytest.raises(ConfigError, match="needs at least 2"):
        compare_runs(runs[:1])
    with pytest.raises(ConfigError, match="given twice"):
        compare_runs([runs[0], runs[0]])
    with pytest.raises(IncomparableError, match="preset"):
        compare_runs([runs[0], make_run(tmp_path / "other", preset="cifar32")])
