"""The tables as a terminal of 80 columns shows them."""

import dataclasses

import pytest

from rugged.cli.tables import print_explanations, print_results, print_stability, print_tables
from rugged.core.catalogue import BENCHMARK, SEVERITIES, display_name
from rugged.core.tables import Table
from rugged.results import (
    Conditions,
    Explanations,
    Made,
    ModelFacts,
    SequenceConditions,
    Stability,
    Summary,
    VariantResult,
)
from rugged.results.explanations import DriftResult, ExplainedModel
from rugged.results.stability import MeanFlipRate, SequenceResult
from rugged.results.summary import BaselineFacts, CleanResult, CorruptionResult, Intervals, MeanCorruptionError


def make_summary(name="demo", *, corruptions=BENCHMARK, severities=SEVERITIES, classes=10, mce=True, notes=()):
    """Wrong on every picture, which makes the widest figures."""
    wrong = (1.0,) * len(severities)
    baseline = BaselineFacts("small-alexnet", "rugged/alexnet64", 0.5, "b" * 64)
    complete = corruptions == BENCHMARK and severities == SEVERITIES
    return Summary(
        model=ModelFacts(name, "timm/resnet10t", 10, name, 64, ("flip",)),
        conditions=Conditions(
            "builtin", "a" * 64, "val", 1000, classes, (64, 64), "in memory", "no", "tiny64", "none", 0, 1,
            corruptions, severities,
        ),
        clean=CleanResult(1.0, 1.0, 2.0, 1.0, 2.0),
        corruptions={each: CorruptionResult(*[wrong] * 5, 1.0 if mce else None) for each in corruptions},
        mean_corruption_accuracy=0.0,
        without_noise=0.0,
        intervals=Intervals((1.0, 1.0), (1.0, 1.0), (0.0, 0.0), (0.0, 0.0), dict.fromkeys(corruptions, (1.0, 1.0))),
        made=Made("rugged benchmark", 1.0, {}, {}),
        mce=MeanCorruptionError(1.234, corruptions, complete, baseline) if mce else None,
        notes=notes,
    )  # fmt: skip


@pytest.fixture
def printed(monkeypatch, capsys):
    def lines(*summaries):
        monkeypatch.setenv("COLUMNS", "80")
        print_results(summaries)
        return capsys.readouterr().out.splitlines()

    return lines


def test_errors_fit_80_columns_with_whole_names_and_numbered_severities(printed):
    lines = printed(make_summary())
    assert max(map(len, lines)) <= 80
    table = [line.strip("│┃ ").replace("┃", "│").split("│") for line in lines if "│" in line or "┃" in line]
    rows = {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in table if len(cells) == 8}
    assert rows.pop("Corruption") == ["1", "2", "3", "4", "5", "Mean", "CE"]
    assert rows == {display_name(name): ["100.0"] * 7 for name in BENCHMARK}


@pytest.mark.parametrize(
    "name", ["[bold]big[/b]", "[/b]", ":car:", "resnet18-tiny-imagenet-augmix-with-jsd-0.1-seed-3" * 2]
)
def test_names_are_printed_as_they_are(printed, name):
    lines = printed(make_summary(name, notes=(f"Classes of {name[:30]} were set aside.",)))
    head = lines[2 : next(index for index, line in enumerate(lines) if line.startswith("┡"))]
    assert "".join(line.split("┃")[2].strip() for line in head) == name  # A long one is folded, never cut.
    assert f"Errorof{name}" in "".join("".join(lines).split())  # A long title wraps.
    assert any(f"Classes of {name[:30]}" in line for line in lines)


@pytest.mark.parametrize(
    ("extent", "label"),
    [
        ({}, "mCE"),
        ({"corruptions": ("snow", "fog")}, "mCE over 2 of 15"),
        ({"corruptions": ("snow", "fog"), "severities": (1, 2)}, "mCE over 2 of 15, severities 1, 2"),
        ({"severities": (3,)}, "mCE over 15 of 15, severity 3"),
    ],
)
def test_the_mce_says_what_it_is_over(printed, extent, label):
    rows = [line.strip("│").split("│") for line in printed(make_summary(**extent)) if line.count("│") == 3]
    assert {cells[0].strip(): cells[1].strip() for cells in rows}[label] == "123.4%"


def test_top5_of_five_classes_and_mce_without_a_baseline_are_left_out(printed):
    for classes in (5, 6):
        table = "\n".join(printed(make_summary(classes=classes, mce=False))).split("Error of demo")[0]
        assert ("Clean top-5" in table) == (classes > 5)
        assert "mCE" not in table


def test_what_to_bear_in_mind_stands_below(printed):
    text = " ".join(printed(make_summary(mce=False, notes=("Two pictures were set aside.",))))
    assert "Note: There is no mCE, since no baseline was given" in text
    assert "Note: Two pictures were set aside." in text
    assert "over all 15 corruptions of the benchmark, severities 1–5" in text


def test_variants_have_a_table_of_their_own_and_say_how(printed):
    summary = make_summary()
    rows = (VariantResult("pgd", "Attacked in 20 steps.", summary.clean, (1.0, 1.0)),)
    text = "\n".join(printed(dataclasses.replace(summary, variants=rows)))
    assert "Test-time variants of demo" in text
    assert "pgd: Attacked in 20 steps." in text
    assert "Test-time variants" not in "\n".join(printed(summary))


def test_stability_is_called_mfr_only_beside_a_baseline(printed_stability):
    plain = printed_stability(None, complete=True)
    assert "No mFR, since no baseline was given" in plain
    assert "Rotate" in plain
    assert "12.5% (10.0–15.0)" in plain
    assert "1.50 (1.25–1.75)" in plain
    rate = MeanFlipRate(0.75, (0.5, 1.0), "small", "rugged/alexnet64", "b" * 64, 0.8, (0.7, 0.9))
    assert "mFR 75.0% (50.0–100.0), mT5D 80.0% (70.0–90.0), relative to small" in printed_stability(rate, complete=True)
    assert "mFR over 1 sequence 75.0%" in printed_stability(rate, complete=False)


@pytest.fixture
def printed_stability(monkeypatch, capsys):
    def text(rate, complete, name="demo"):
        monkeypatch.setenv("COLUMNS", "120")
        conditions = SequenceConditions(
            "builtin", "a" * 64, "val", 1000, 10, (64, 64), "in memory", "tiny64", 1, 0, 1, ("rotate",), ("rotate",),
            complete,
        )  # fmt: skip
        result = SequenceResult(False, 1, 0.125, (0.1, 0.15), 0.25, 1.5, (1.25, 1.75))
        model, made = ModelFacts(name, "timm/resnet10t", 10, "c" * 64, 64, ()), Made("rugged benchmark", 1.0, {}, {})
        print_stability(Stability(model, conditions, {"rotate": result}, 0.125, (0.1, 0.15), made, rate))
        return capsys.readouterr().out

    return text


def test_a_hostile_name_cannot_steer_the_terminal(capsys):
    names = ("\x1b[31mred\x1b[2J", "left \u202e right", "bell\a")
    print_tables([Table("\x1b]0;title\a", ("Class",), tuple((name,) for name in names))])
    out = capsys.readouterr().out
    assert not {"\x1b", "\a", "\u202e"} & set(out)
    assert "red" in out


def test_hostile_names_of_models_and_data_cannot_steer_the_terminal(printed, printed_stability):
    hostile = "ev\x1b[2J\u202eil"
    summary = make_summary(hostile, notes=(f"{hostile} was set aside.",))
    variant = VariantResult(hostile, hostile, summary.clean, (1.0, 1.0))
    baseline = dataclasses.replace(summary.mce.baseline, name=hostile)
    summary = dataclasses.replace(
        summary,
        conditions=dataclasses.replace(summary.conditions, dataset=hostile),
        mce=dataclasses.replace(summary.mce, baseline=baseline),
        variants=(variant,),
    )
    rate = MeanFlipRate(0.75, (0.5, 1.0), hostile, "rugged/alexnet64", "b" * 64, 0.8, (0.7, 0.9))
    text = "\n".join(printed(summary, summary)) + printed_stability(rate, complete=True, name=hostile)
    assert "ev\N{REPLACEMENT CHARACTER}[2J" in text
    assert not {"\x1b", "\u202e"} & set(text)


def test_a_label_that_lists_corruptions_wraps_and_no_other(printed):
    """Three models, of which two have seen other noises: each set has a row of its own."""
    seen = [(), BENCHMARK[:3], BENCHMARK[:6]]
    models = [
        dataclasses.replace(one, mce=dataclasses.replace(one.mce, unseen=0.5), seen_in_training=names) if names else one
        for one, names in zip(map(make_summary, "abc"), seen, strict=True)
    ]
    lines = printed(*models)
    cells = [line.strip("│").split("│")[0].rstrip() for line in lines if line.count("│") == 5]
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(cells).split())
    assert "mCE over the 12 not seen in training (all but Gaussian noise, Shot noise, Impulse noise)" in text
    assert "mCE over the 9 not seen in training (all but Gaussian noise" in text
    assert " Calibration error (ECE), corrupted" in cells


def test_wide_characters_stand_on_one_line(capsys):
    print_tables([Table("Names", ("Class", "n"), (("長い名前の分類", 1), ("cat", 2)))])
    assert any("長い名前の分類" in line for line in capsys.readouterr().out.splitlines())


def test_drift_tables_say_how_many_pictures_and_leave_out_intervals_of_few(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "100")

    def printed(*drifts):
        results = tuple(DriftResult(0, "grad_cam", "fog", level, *rest) for level, *rest in drifts)
        print_explanations(
            Explanations(
                (ExplainedModel("demo", "timm/resnet10t"),), ("a", "b"), (), "pictures", "predicted",
                ("grad_cam",), (), (), drifts=results,
            )
        )  # fmt: skip
        return " ".join(capsys.readouterr().out.split())

    few = printed((1, 1, 2, 1.11, None), (3, 1, 2, 0.98, None))
    assert "mean over n = 1 of 3 pictures, too few for an interval" in few
    assert "1.11" in few
    assert "0.98" in few
    assert "mean over n = 8–12 of 12 pictures, with 95% interval where n allows" in printed(
        (1, 12, 0, 0.5, (0.4, 0.6)), (3, 8, 4, 0.7, None)
    )
    assert "mean over n = 12 pictures, with 95% interval" in printed((1, 12, 0, 0.5, (0.4, 0.6)))
    assert "–" in printed((1, 0, 3, None, None))
