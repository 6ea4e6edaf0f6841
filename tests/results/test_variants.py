"""What a variant changes, against theory and SciPy's paired bootstrap."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from rugged.results import (
    Baseline,
    Cell,
    Conditions,
    Made,
    ModelFacts,
    RestorerFacts,
    summarise,
    variant_result,
)
from rugged.results.variants import changes_of

N = 4000
CONDITIONS = Conditions(
    "drawn", "ab" * 32, "val", N, 10, (64, 64), "in memory", "no", "tiny64", "none", 0, 1,
    ("defocus_blur", "contrast", "saturate"), (1, 2),
)  # fmt: skip


def cell(name, severity, right):
    labels = np.zeros(len(right), np.int32)
    top = np.where(right, 0, 1).astype(np.int32)[:, None]
    ones = np.ones(len(right), np.float32)
    return Cell(name, severity, tuple(map(str, range(len(right)))), labels, top, ones[:, None], ones, ones, ones)


def cells(**right):
    """Clean, and each corruption at both severities; what is not said is all right."""
    found = {("clean", 0): cell("clean", 0, right.get("clean", np.ones(N, bool)))}
    for name in CONDITIONS.corruptions:
        for severity in (1, 2):
            found[name, severity] = cell(name, severity, right.get(f"{name}_{severity}", np.ones(N, bool)))
    return found


def test_the_interval_is_as_wide_as_mcnemar_says():
    """Of n images b are won and c lost: the difference (c - b) / n has the variance (b + c - (b - c)² / n) / n²."""
    place = np.arange(N)
    plain = cells(clean=place >= 1200)  # 1200 wrong, of which 300 are won; 100 of the others are lost.
    other = cells(clean=(place < 300) | (place >= 1300))
    change = changes_of(plain, other, CONDITIONS, None).clean
    assert change.points == pytest.approx(-200 / N)
    spread = np.sqrt(400 - 200**2 / N) / N
    low, high = change.interval
    assert low == pytest.approx(-200 / N - 1.96 * spread, abs=0.15 * spread)
    assert high == pytest.approx(-200 / N + 1.96 * spread, abs=0.15 * spread)
    unpaired = np.sqrt(0.3 * 0.7 / N + 0.25 * 0.75 / N)
    assert high - low < 0.7 * 2 * 1.96 * unpaired
    assert change.relative == pytest.approx(-200 / 1200)


def test_the_relative_change_is_that_of_scipys_paired_bootstrap():
    rng = np.random.default_rng(4)
    hard = rng.random(N)
    plain = {f"defocus_blur_{severity}": hard > 0.1 * severity + 0.3 * rng.random(N) for severity in (1, 2)}
    other = {f"defocus_blur_{severity}": hard > 0.08 * severity + 0.3 * rng.random(N) for severity in (1, 2)}
    change = changes_of(cells(**plain), cells(**other), CONDITIONS, None).corruptions["defocus_blur"]
    wrong, less = (1 - np.mean(list(each.values()), axis=0) for each in (plain, other))
    assert change.points == pytest.approx(less.mean() - wrong.mean())
    assert change.relative == pytest.approx(less.mean() / wrong.mean() - 1)
    found = stats.bootstrap(
        (wrong, less),
        lambda one, two, axis: two.mean(axis) / one.mean(axis) - 1,
        paired=True,
        n_resamples=4000,
        batch=200,
        method="percentile",
        rng=1,
    ).confidence_interval
    width = found.high - found.low
    np.testing.assert_allclose(change.relative_interval, (found.low, found.high), atol=0.12 * width)


def test_ce_and_mce_divide_by_the_baseline():
    """Defocus 0.4 → 0.3 beside 0.8 is -12.5 points of CE, contrast 0.2 → 0.25 beside 0.25 +20: mCE + 3.75."""
    place = np.arange(N) / N
    plain = cells(
        **{f"{name}_{s}": place >= e for name, e in (("defocus_blur", 0.4), ("contrast", 0.2)) for s in (1, 2)}
    )
    other = cells(
        **{f"{name}_{s}": place >= e for name, e in (("defocus_blur", 0.3), ("contrast", 0.25)) for s in (1, 2)}
    )
    errors = {"defocus_blur": (0.7, 0.9), "contrast": (0.25, 0.25), "saturate": (0.5, 0.5)}
    baseline = Baseline("base", "timm/x", errors, 0.3, "cd" * 32, CONDITIONS)
    changes = changes_of(plain, other, CONDITIONS, baseline)
    assert changes.corruptions["defocus_blur"].ce == pytest.approx(-0.125)
    assert changes.corruptions["contrast"].ce == pytest.approx(0.2)
    assert changes.mean.ce == pytest.approx(0.0375)
    assert changes.mean.points == pytest.approx(-0.025)  # Saturate is no part of means.
    low, high = changes.mean.ce_interval
    assert low < 0.0375 < high
    nothing = changes.corruptions["saturate"]
    assert (nothing.points, nothing.relative, nothing.relative_interval) == (0, None, None)


def test_the_test_beside_the_interval_is_exact_however_few_the_images():
    """One picture won is no proof (p = 1), five have p = 2/32, and six of seven 2 (7 + 1) / 128, as McNemar's test."""
    few = np.arange(7)
    conditions = replace(CONDITIONS, images=7, corruptions=("defocus_blur", "contrast", "saturate"), severities=(1,))

    def measured(**right):
        names = [("clean", 0), *((name, 1) for name in conditions.corruptions)]
        return {(name, level): cell(name, level, right.get(name, np.ones(7, bool))) for name, level in names}

    plain = measured(clean=few > 0, defocus_blur=few >= 5, contrast=few == 6)
    changes = changes_of(plain, measured(contrast=few < 6), conditions, None)
    assert changes.clean.p == 1
    assert changes.clean.interval[1] <= 0
    assert changes.corruptions["defocus_blur"].p == pytest.approx(2 / 32)
    assert changes.corruptions["contrast"].p == pytest.approx(2 * (7 + 1) / 128)
    assert changes.corruptions["saturate"].p == 1
    # Two corruptions that means are over: gains of 1 by five pictures (both), of ½ by one, of -½ by one.
    gains = np.array([2, 2, 2, 2, 2, 1, -1])
    signs = 1 - 2 * (np.arange(128)[:, None] >> few & 1)
    assert changes.mean.p == pytest.approx(np.mean(np.abs(signs @ gains) >= gains.sum()))


def test_without_a_baseline_there_is_no_ce():
    changes = changes_of(cells(), cells(), CONDITIONS, None)
    assert changes.mean.ce is None
    assert changes.corruptions["contrast"].ce_interval is None


@pytest.mark.parametrize("apart", [None, N])
def test_a_variant_of_clean_pictures_alone_is_held_against_the_plain_ones(apart):
    """With all that it is, though nothing says what it does under corruption."""
    place = np.arange(N)
    conditions = replace(CONDITIONS, clean_images=apart)
    plain, other = cells(clean=place >= 1200), {("clean", 0): cell("clean", 0, place >= 1000)}
    model, made = ModelFacts("m", "timm/x", 1, "ab" * 32, 64, ("contrast",)), Made("", 0.0, {}, {})
    restorer = RestorerFacts("gan", "01" * 32, 1, "drawn", ("fog",))
    found = variant_result("x", "How.", other, plain, summarise(plain, model, conditions, made), None, restorer)
    assert found.changes.clean == changes_of(plain, cells(clean=place >= 1000), CONDITIONS, None).clean
    assert (found.changes.mean, found.changes.corruptions, found.corruptions) == (None, {}, {})
    assert (found.label, found.seen_in_training) == ("restored by gan", ("fog", "contrast"))
    assert found.intervals == summarise(other, model, replace(CONDITIONS, corruptions=()), made).intervals


def test_clean_images_that_are_others_are_drawn_apart():
    conditions = replace(CONDITIONS, clean_images=50)
    few = np.arange(50) >= 20
    plain, other = ({**cells(), ("clean", 0): cell("clean", 0, right)} for right in (few, np.ones(50, bool)))
    assert changes_of(plain, other, conditions, None).clean.points == pytest.approx(-0.4)
