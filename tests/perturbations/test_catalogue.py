"""The published numbers, as the paper and its generators state them, and what the flip rate needs to know."""

from itertools import pairwise

import pytest

from rugged.core.errors import ConfigError, CorruptionError
from rugged.perturbations import (
    ALL_SEQUENCES,
    EXTRA_SEQUENCES,
    PRESETS,
    SEQUENCES,
    choose_sequences,
    compares_with_first,
    frames_of,
    preset_for,
    stride,
)
from rugged.perturbations.catalogue import COURSES
from rugged.perturbations.sequences import RUNS

TEN = "gaussian_noise shot_noise motion_blur zoom_blur snow brightness translate rotate tilt scale"
NOISES = {"gaussian_noise", "shot_noise", "speckle_noise"}


def test_names_and_order():
    assert " ".join(SEQUENCES) == TEN
    assert EXTRA_SEQUENCES == ("speckle_noise", "gaussian_blur", "spatter", "shear")
    assert ALL_SEQUENCES == SEQUENCES + EXTRA_SEQUENCES
    assert set(RUNS) == set(ALL_SEQUENCES)
    for preset in PRESETS:
        assert set(COURSES[preset]) == set(ALL_SEQUENCES)


def test_number_of_frames():
    others = {("cifar32", "motion_blur"): 21, ("cifar32", "translate"): 16, ("imagenet224", "translate"): 41}
    for preset in PRESETS:
        for name in ALL_SEQUENCES:
            course = COURSES[preset][name]
            assert frames_of(name, preset) == others.get((preset, name), 31)
            assert len(course.steps) in (0, course.frames)


@pytest.mark.parametrize(
    ("preset", "name", "first", "last"),
    [
        ("tiny64", "motion_blur", -150, 0),
        ("imagenet224", "motion_blur", -120, 0),
        ("cifar32", "motion_blur", -180, 0),
        ("tiny64", "zoom_blur", 1, 1.12),
        ("tiny64", "snow", -150, -30),
        ("tiny64", "brightness", -0.3, 0.3),
        ("cifar32", "brightness", -0.225, 0.225),
        ("tiny64", "translate", -15, 15),
        ("imagenet224", "translate", -20, 20),
        ("cifar32", "translate", -7, 8),
        ("tiny64", "rotate", -15, 15),
        ("tiny64", "tilt", -15, 15),
        ("cifar32", "tilt", -11.25, 11.25),
        ("tiny64", "scale", 0.4, 1.15),
        ("cifar32", "scale", 0.7, 1.3),
        ("tiny64", "shear", -15, 15),
        ("tiny64", "gaussian_blur", 0.35, 0.77),
        ("imagenet224", "gaussian_blur", 0.25, 1.3),
        ("cifar32", "gaussian_blur", 0.3, 0.75),
    ],
)
def test_published_ends(preset, name, first, last):
    steps = COURSES[preset][name].steps
    assert (steps[0], steps[-1]) == (pytest.approx(first), pytest.approx(last))
    distances = [after - before for before, after in pairwise(steps)]
    assert distances == pytest.approx([distances[0]] * len(distances))


@pytest.mark.parametrize(
    ("preset", "name", "strengths"),
    [
        ("tiny64", "gaussian_noise", [0.025, 0.05, 0.075]),
        ("tiny64", "shot_noise", [500, 250, 125]),
        ("tiny64", "speckle_noise", [0.05, 0.1, 0.15]),
        ("imagenet224", "gaussian_noise", [0.03, 0.05, 0.08]),
        ("imagenet224", "shot_noise", [300, 120, 60]),
        ("cifar32", "gaussian_noise", [0.02, 0.04, 0.06]),
        ("cifar32", "shot_noise", [700, 400, 200]),
        ("cifar32", "speckle_noise", [0.05, 0.07, 0.1]),
    ],
)
def test_published_strengths(preset, name, strengths):
    assert [value for one in COURSES[preset][name].by_difficulty for value in one.values()] == strengths


def test_what_frames_are_compared_with():
    for name in ALL_SEQUENCES:
        assert compares_with_first(name) == (name in NOISES)
        assert [stride(name, difficulty) for difficulty in (1, 2, 3)] == ([1, 1, 1] if name in NOISES else [1, 2, 3])


def test_preset_by_size():
    sizes = {(32, 32): "cifar32", (64, 64): "tiny64", (64, 500): "tiny64", (256, 341): "imagenet224"}
    assert {size: preset_for(*size) for size in sizes} == sizes


def test_choosing_by_set_and_by_name():
    assert choose_sequences(["ten"]) == SEQUENCES
    assert choose_sequences(["extra", "rotate", "shear"]) == ("rotate", *EXTRA_SEQUENCES)
    assert choose_sequences(["all"]) == ALL_SEQUENCES
    with pytest.raises(ConfigError, match=r"a list of sequences, not the text 'rotate'\. Write \['rotate'\]"):
        choose_sequences("rotate")
    with pytest.raises(CorruptionError, match="Did you mean 'rotate'"):
        choose_sequences(["rotat"])
    with pytest.raises(CorruptionError, match="No sequence was named"):
        choose_sequences([])
