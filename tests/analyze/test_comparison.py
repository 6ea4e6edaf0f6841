"""Differences between models are those a person counts, and their intervals those of paired theory."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from rugged.analyze import compare
from rugged.core.catalogue import SEVERITIES
from rugged.core.errors import IncomparableError
from rugged.results import Cell, Conditions, Made, ModelFacts, baseline_of, summarise

IMAGES = 1000
CORRUPTIONS = ("fog", "contrast", "spatter")
CONDITIONS = Conditions(
    dataset="made", content_hash="a" * 64, split="val", images=IMAGES, classes=10, size=(64, 64), route="in memory",
    stored="no", preset="tiny64", textures="none", seed=0, stream_version=1, corruptions=CORRUPTIONS,
    severities=SEVERITIES,
)  # fmt: skip


def cell_of(correct, corruption, severity, images=IMAGES):
    labels = np.arange(images, dtype=np.int32) % 10
    top = (labels[:, None] + np.arange(5, dtype=np.int32) + ~correct[:, None]) % 10
    ones = np.ones(images, np.float32)
    ids = tuple(map(str, range(images)))
    return Cell(corruption, severity, ids, labels, top, np.full((images, 5), 0.2, np.float32), ones, ones, ones)


def model(seed, clean, corrupted, baseline=None):
    """Cells in which a model is right about an image whose difficulty, the same for all models, it masters."""
    difficulty = np.random.default_rng(9).random(IMAGES)
    noise = np.random.default_rng(seed).normal(0, 0.05, (IMAGES, 16))
    cells = {("clean", 0): cell_of(difficulty + noise[:, 0] < clean, "clean", 0)}
    for index, name in enumerate(CORRUPTIONS):
        for severity in SEVERITIES:
            mastered = difficulty + noise[:, 5 * index + severity] < corrupted - 0.05 * severity
            cells[name, severity] = cell_of(mastered, name, severity)
    facts = ModelFacts(f"model{seed}", "timm/resnet10t", 1, f"{seed}" * 64, 64, ())
    return summarise(cells, facts, CONDITIONS, Made("", 0.0, {}, {}), baseline=baseline), cells


@pytest.fixture(scope="module")
def three():
    baseline = baseline_of(model(1, 0.6, 0.5)[0])
    return model(2, 0.80, 0.7, baseline), model(3, 0.84, 0.78, baseline), baseline


def test_a_model_does_not_differ_from_itself(three):
    found = compare(*three[0], *three[0])
    for one in (found.clean, found.corrupted, found.mce, *found.corruptions.values()):
        assert dataclasses.astuple(one) == (0.0, 0.0, 0.0, False, False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"preset": "cifar32"}, "preset is cifar32, here tiny64"),
        ({"content_hash": "b" * 64}, "content hash is bbbbbbbbbbbb…, here aaaaaaaaaaaa…"),
        ({"severities": (1, 2)}, "severities is 1, 2, here 1, 2, 3, 4, 5"),
        ({"corruptions": ("fog",)}, "corruptions are fog, here fog, contrast, spatter"),
    ],
)
def test_what_was_measured_otherwise_is_not_compared(three, change, message):
    other, cells = three[1]
    other = dataclasses.replace(other, conditions=dataclasses.replace(other.conditions, **change))
    with pytest.raises(IncomparableError, match=f"model3 cannot be held against model2: {message}"):
        compare(*three[0], other, cells)


def test_clean_pictures_alone_differ_as_beside_corrupted_ones(three):
    def clean_alone(summary, cells):
        kept = {("clean", 0): cells["clean", 0]}
        conditions = dataclasses.replace(CONDITIONS, corruptions=(), severities=())
        return summarise(kept, summary.model, conditions, Made("", 0.0, {}, {})), kept

    found = compare(*clean_alone(*three[0]), *clean_alone(*three[1]))
    assert (found.corrupted, found.mce, found.corruptions) == (None, None, {})
    assert found.clean == compare(*three[0], *three[1]).clean


def test_differences_are_those_of_the_figures(three):
    (first, cells), (second, others), _ = three
    found = compare(first, cells, second, others)
    assert found.clean.value == pytest.approx(first.clean.error - second.clean.error)
    gained = second.mean_corruption_accuracy - first.mean_corruption_accuracy
    assert found.corrupted.value == pytest.approx(gained)
    assert found.mce.value == pytest.approx(second.mce.value - first.mce.value)
    for name in CORRUPTIONS:
        wanted = np.mean(first.corruptions[name].error) - np.mean(second.corruptions[name].error)
        assert found.corruptions[name].value == pytest.approx(wanted)
    assert found.clean.better
    assert found.mce.value < 0
    assert found.mce.better
    backwards = compare(second, others, first, cells)
    assert backwards.clean.worse
    assert backwards.mce.worse
    assert not backwards.mce.better


@pytest.mark.parametrize("perfect", ["first", "second", "both"])
def test_a_model_without_errors_under_a_corruption_has_a_difference_of_mce(three, perfect):
    """Its CE there is 0, which says nothing of what divides."""
    (first, cells), (second, others), baseline = three
    right = {("fog", severity): cell_of(np.full(IMAGES, True), "fog", severity) for severity in SEVERITIES}
    if perfect != "second":
        cells = cells | right
    if perfect != "first":
        others = others | right
    first, second = (
        summarise(each, one.model, CONDITIONS, one.made, baseline=baseline)
        for one, each in ((first, cells), (second, others))
    )
    assert compare(first, cells, second, others).mce.value == pytest.approx(second.mce.value - first.mce.value)


def test_intervals_are_those_of_paired_theory(three):
    (first, cells), (second, others), _ = three
    found = compare(first, cells, second, others)
    gains = others["clean", 0].correct.astype(float) - cells["clean", 0].correct
    reach = stats.norm.ppf(0.975) * gains.std() / np.sqrt(IMAGES)
    assert found.clean.high - found.clean.low == pytest.approx(2 * reach, rel=0.08)
    unpaired = np.hypot(cells["clean", 0].correct.std(), others["clean", 0].correct.std()) / np.sqrt(IMAGES)
    assert reach < 0.6 * stats.norm.ppf(0.975) * unpaired  # What pairing is for.
    wide = found.corruptions["fog"]
    gains = np.mean([others["fog", s].correct.astype(float) - cells["fog", s].correct for s in SEVERITIES], axis=0)
    reach = stats.norm.ppf(1 - 0.025 / 3) * gains.std() / np.sqrt(IMAGES)
    assert wide.high - wide.low == pytest.approx(2 * reach, rel=0.08)


def test_differences_by_chance_are_called_real_as_seldom_as_said(three):
    """Two models that are right about 70% of the images each by its own chance."""
    first, cells = three[0]
    verdicts = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        ones, others = ({**cells, ("clean", 0): cell_of(rng.random(IMAGES) < 0.7, "clean", 0)} for _ in range(2))
        found = compare(first, ones, first, others).clean
        verdicts.append(found.better or found.worse)
    assert sum(verdicts) <= 8  # 3 are expected of 60; more than 8 come once in 300.


@pytest.mark.parametrize(
    ("images", "clean", "corrupted"), [(2, False, False), (5, False, False), (6, True, False), (7, True, True)]
)
def test_few_images_prove_nothing(three, images, clean, corrupted):
    """One model always right, the other never: of 2^n signs two are as far from zero, and 2 / 2^n is the p-value.

    Six images are below 0.05, and seven below a third of it, which each of three corruptions must be.
    """
    keys = list(three[0][1])
    right, wrong = ({key: cell_of(np.full(images, good), *key, images) for key in keys} for good in (True, False))
    found = compare(three[0][0], wrong, three[1][0], right)
    assert (found.clean.low, found.clean.better) == (1, clean)
    assert (found.corrupted.better, found.mce.better) == (clean, clean)
    assert [one.better for one in found.corruptions.values()] == [corrupted] * 3
    back = compare(three[0][0], right, three[1][0], wrong)
    assert (back.clean.worse, back.corrupted.worse, back.mce.worse) == (clean,) * 3
    assert not any(one.better for one in (back.clean, back.corrupted, back.mce))


def test_clean_images_that_are_others_may_be_of_another_number(three):
    """Then the clean interval is that of a paired difference over these images alone, and the others stay."""
    (first, cells), (second, others), _ = three
    few = CONDITIONS.images // 4
    first_apart, second_apart = (
        dataclasses.replace(each, conditions=dataclasses.replace(CONDITIONS, clean_images=few))
        for each in (first, second)
    )

    def cut(of):
        cell = of["clean", 0]
        return {**of, ("clean", 0): cell_of(cell.correct[:few], "clean", 0, few)}

    found, whole = compare(first_apart, cut(cells), second_apart, cut(others)), compare(first, cells, second, others)
    gains = others["clean", 0].correct[:few].astype(float) - cells["clean", 0].correct[:few]
    assert found.clean.value == pytest.approx(gains.mean())
    reach = stats.norm.ppf(0.975) * gains.std() / np.sqrt(few)
    assert found.clean.high - found.clean.low == pytest.approx(2 * reach, rel=0.1)
    assert found.corrupted.value == pytest.approx(whole.corrupted.value)


def test_without_a_common_baseline_there_is_no_difference_of_mce(three):
    (first, cells), (second, others), _ = three
    assert compare(dataclasses.replace(first, mce=None), cells, second, others).mce is None
    stranger = dataclasses.replace(second.mce.baseline, sha256="f" * 64)
    apart = dataclasses.replace(second, mce=dataclasses.replace(second.mce, baseline=stranger))
    assert compare(first, cells, apart, others).mce is None
