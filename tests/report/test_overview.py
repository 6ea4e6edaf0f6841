"""The sentence at the top: how much is right, how surely, and which corruptions cost most and least, if shown."""

from dataclasses import replace

import pytest

from rugged.report.overview import facts, finding, warnings
from rugged.results import RunFolder, read_summary

CLEAN = 0.1


@pytest.fixture
def summary(make_run, tmp_path):
    return read_summary(RunFolder(make_run(tmp_path / "run")).summary)


@pytest.fixture
def found(summary):
    """The finding of a model with these errors, each with an interval of ``half`` to either side; clean has 10%."""

    def with_errors(half=0.02, clean=CLEAN, images=summary.conditions.images, **errors):
        results = {
            name: replace(summary.corruptions[name], error=(error,) * 5, ce=None) for name, error in errors.items()
        }
        ends = {name: (error - half, error + half) for name, error in errors.items()}
        return finding(
            replace(
                summary,
                clean=replace(summary.clean, error=clean),
                corruptions=results,
                conditions=replace(summary.conditions, corruptions=tuple(results), images=images),
                intervals=replace(summary.intervals, errors=ends, clean_error=(clean - half, clean + half)),
            )
        )

    return with_errors


def test_what_training_saw_is_said_of_the_extra_corruptions_too(make_run, tmp_path):
    """Those that were not measured have no figure here, but relatives that have."""
    seen = ("contrast", "speckle_noise", "gaussian_blur", "spatter")
    measured = ("contrast", "speckle_noise", "gaussian_blur")
    run = make_run(tmp_path / "seen", corruptions=measured, seen=seen)
    said = [line for line in warnings([read_summary(RunFolder(run).summary)]) if "was trained on" in line]
    assert [line.split(" Its figures")[0] for line in said] == [
        "seen was trained on 1 corruption of the benchmark (Contrast).",
        "seen was trained on 2 corruptions measured here outside the benchmark (Speckle noise, Gaussian blur).",
        "seen was trained on 1 corruption outside the benchmark (Spatter), relatives perhaps of some that are "
        "measured.",
    ]
    run = make_run(tmp_path / "unseen", corruptions=measured)
    assert not any("was trained on" in line for line in warnings([read_summary(RunFolder(run).summary)]))


@pytest.mark.parametrize(
    ("ledger", "known"),
    [
        (("unknown",), False),
        (("published weights of timm/resnet18", "flip"), False),
        (("weights of theirs.safetensors", "contrast"), False),
        (("flip",), True),
        ((), True),
    ],
)
def test_that_nobody_knows_what_a_model_saw_in_training_is_said(summary, ledger, known):
    foreign = replace(
        summary,
        model=replace(summary.model, name="theirs", training_operations=ledger),
        seen_in_training=tuple(name for name in ledger if name == "contrast"),
    )
    for others in ([foreign], [summary, foreign]):
        assert any("theirs was trained elsewhere, at least to begin with" in line for line in warnings(others)) != known
    (seen,) = [fact.value for fact in facts(foreign) if fact.term == "Benchmark corruptions seen in training"]
    assert seen == ("none" if known else "Contrast; others not known" if "contrast" in ledger else "not known")


def test_what_was_measured_on_other_hardware_or_by_other_versions_is_named(summary):
    def measured(versions=(), **hardware):
        made = summary.made
        name = replace(summary.model, name="other")
        made = replace(made, versions=made.versions | dict(versions), hardware=made.hardware | hardware)
        return replace(summary, model=name, made=made)

    def said(one, other):
        return [line.split(": ")[0] for line in warnings([one, other]) if "was not measured as" in line]

    assert said(summary, measured(cores=64, memory_bytes=1)) == []
    other = measured({"torch": "2.12.0"}, precision="bf16", accelerator="NVIDIA H200")
    assert said(summary, other) == [
        "other was not measured as demo was (accelerator is NVIDIA H200, here none; precision is bf16, here fp32; "
        "torch is 2.12.0, here 2.11.0)".replace("demo", summary.model.name)
    ]
    new, newer = (measured(cpu_capability=each) for each in ("AVX2", "AVX512"))
    assert "(cpu capability is AVX512, here AVX2)" in said(new, newer)[0]
    assert said(summary, new) == said(new, summary) == []  # Older summaries do not say it.


def test_both_figures_have_an_interval_and_n(summary):
    intervals = replace(summary.intervals, clean_error=(0.448, 0.793), mean_corruption_accuracy=(0.2714, 0.503))
    measured = replace(
        summary,
        clean=replace(summary.clean, error=0.621),
        mean_corruption_accuracy=0.386,
        intervals=intervals,
        conditions=replace(summary.conditions, images=29, severities=(1, 3)),
    )
    assert finding(measured).startswith(
        "Right on 37.9% (20.7–55.2) of the clean pictures and on 38.6% (27.1–50.3) of the corrupted ones, over 6 of "
        "the benchmark’s 15 corruptions, severities 1, 3; n = 29, in brackets 95% intervals."
    )
    others = replace(measured, conditions=replace(measured.conditions, clean_images=1000))
    assert "n = 1,000 clean and 29 corrupted," in finding(others)


@pytest.mark.parametrize(
    ("errors", "text"),
    [
        (
            {"gaussian_noise": 0.5, "contrast": 0.9, "pixelate": 0.2},
            "Contrast costs the most (10.0% right), pixelate the least (80.0%).",
        ),
        (
            {"gaussian_noise": 0.9, "contrast": 0.5, "jpeg_compression": 0.2},
            "Gaussian noise costs the most (10.0% right), JPEG compression the least (80.0%).",
        ),
        (
            {"gaussian_noise": 0.2, "contrast": 0.5, "pixelate": 0.9},
            "Pixelate costs the most (10.0% right), Gaussian noise the least (80.0%).",
        ),
    ],
)
def test_the_worst_and_the_best_are_named_whatever_their_order(found, errors, text):
    assert found(**errors).endswith(f"intervals. {text}")


def test_those_that_intervals_do_not_tell_apart_are_named_together(found):
    text = found(gaussian_noise=0.87, contrast=0.9, defocus_blur=0.5, brightness=0.3, pixelate=0.3)
    assert text.endswith(
        " Contrast and Gaussian noise cost the most (10.0% and 13.0% right), pixelate and brightness the least "
        "(70.0% and 70.0%)."
    )


def test_where_too_many_intervals_touch_only_the_other_end_is_named(found):
    chain = {"gaussian_noise": 0.9, "contrast": 0.87, "defocus_blur": 0.84, "pixelate": 0.81}
    assert found(**chain, brightness=0.3).endswith("intervals. Brightness costs the least (70.0% right).")
    chain = {"gaussian_noise": 0.2, "contrast": 0.23, "defocus_blur": 0.26, "pixelate": 0.29}
    assert found(**chain, brightness=0.7).endswith("intervals. Brightness costs the most (30.0% right).")


@pytest.mark.parametrize(
    "errors",
    [
        {"contrast": 0.5},
        {"gaussian_noise": 0.5, "contrast": 0.5},
        {"gaussian_noise": 0.5, "contrast": 0.9, "pixelate": 0.2, "half": 0.4},
    ],
)
def test_none_is_named_where_intervals_touch(found, errors):
    assert "cost" not in found(**errors)


def test_of_fewer_than_ten_pictures_no_order_is_told(found):
    apart = {"gaussian_noise": 0.5, "contrast": 0.9, "pixelate": 0.2}
    assert "cost" not in found(**apart, images=9)
    assert "Contrast costs the most" in found(**apart, images=10)


def test_an_interval_of_no_width_is_none(summary):
    one = replace(
        summary,
        clean=replace(summary.clean, error=0.0),
        mean_corruption_accuracy=0.6,
        conditions=replace(summary.conditions, images=1, severities=(1, 3)),
        intervals=replace(summary.intervals, clean_error=(0.0, 0.0), mean_corruption_accuracy=(0.6, 0.6 + 1e-16)),
    )
    assert finding(one) == (
        "Right on 100.0% of the clean pictures and on 60.0% of the corrupted ones, over 6 of the benchmark’s 15 "
        "corruptions, severities 1, 3; n = 1."
    )
    wide = replace(one, intervals=replace(one.intervals, mean_corruption_accuracy=(0.4, 0.8)))
    assert "100.0% of the clean pictures and on 60.0% (40.0–80.0) of" in finding(wide)
    assert finding(wide).endswith("n = 1, in brackets a 95% interval.")


def test_what_costs_nothing_is_said_so(found):
    text = found(contrast=0.9, brightness=0.05)
    assert text.endswith(" Contrast costs the most (10.0% right), brightness the least (95.0%, no less than clean).")
    # Contrast is the worst of the two, and no worse than clean.
    assert found(contrast=0.6, pixelate=0.3, clean=0.6).endswith(
        "intervals. Pixelate costs the least (70.0% right, no less than clean)."
    )
    # Its interval touches that of clean: that it costs anything does not show.
    assert "cost" not in found(contrast=0.63, pixelate=0.6, clean=0.6)
