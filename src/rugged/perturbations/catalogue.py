"""The perturbation sequences as plain data: names, order, frames, and what changes from frame to frame.

Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ImageNet-P, and its published generators.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

SEQUENCES = (
    "gaussian_noise",
    "shot_noise",
    "motion_blur",
    "zoom_blur",
    "snow",
    "brightness",
    "translate",
    "rotate",
    "tilt",
    "scale",
)
"""The ten sequences that the mean flip rate averages, in the paper's order."""

EXTRA_SEQUENCES = ("speckle_noise", "gaussian_blur", "spatter", "shear")
"""The four extra sequences, meant for choosing a model without touching the ten."""

ALL_SEQUENCES = SEQUENCES + EXTRA_SEQUENCES

DIFFICULTIES = (1, 2, 3)

_NOISES = ("gaussian_noise", "shot_noise", "speckle_noise")


@dataclass(frozen=True)
class Framing:
    """How a picture becomes the square that is perturbed.

    Attributes:
        side: Of a frame, in pixels.
        shorter: What the picture's shorter side is resized to, in pixels, before the centre is cropped.
    """

    side: int
    shorter: int


PRESETS: Mapping[str, Framing] = {
    "cifar32": Framing(32, 32),
    "tiny64": Framing(64, 64),
    "imagenet224": Framing(224, 256),
}
"""Each published set of sequences, and its frames."""


@dataclass(frozen=True)
class Course:
    """What happens from the first frame of a sequence to the last. All parameters are physical.

    Attributes:
        frames: Their number.
        steady: What stays the same in every frame.
        steps: What changes, one value a frame. Empty for noise, where chance alone changes.
        by_difficulty: For noise, its strength at difficulty 1, 2 and 3. Empty for the others.
        flow: For spatter, what the columns of its water are convolved with from one frame to the next.
        before_resizing: For motion_blur, whether it blurs the picture at its own size and then resizes it.
    """

    frames: int
    steady: Mapping[str, float] = field(default_factory=dict)
    steps: tuple[float, ...] = ()
    by_difficulty: tuple[Mapping[str, float], ...] = ()
    flow: tuple[float, ...] = ()
    before_resizing: bool = False


def compares_with_first(name: str) -> bool:
    """Tell what a frame's prediction is compared with when flips are counted.

    Returns:
        True for noise, whose frames are all compared with the first one, which is clean. False for the others, whose
        frames are compared with the one before.
    """
    return name in _NOISES


def stride(name: str, difficulty: int) -> int:
    """Return how many frames apart the compared ones lie.

    Higher difficulty is stronger noise; the other sequences have the same frames at every difficulty, and only every
    second or third one follows the other: frames i, i + stride, i + 2 · stride … for every i below the stride.
    """
    return 1 if compares_with_first(name) else difficulty


def frames_of(name: str, preset: str) -> int:
    """Return how many frames a sequence has: 31, but for motion blur at 32 pixels and two of the translations."""
    return COURSES[preset][name].frames


def preset_for(height: int, width: int) -> str:
    """Return the preset whose frames are nearest to the shorter side, in pixels; the smaller one on a tie."""
    shorter = min(height, width)
    return min(PRESETS, key=lambda name: abs(PRESETS[name].side - shorter))


def _noise(parameter: str, *strengths: float) -> Course:
    return Course(31, by_difficulty=tuple({parameter: strength} for strength in strengths))


def _course(steps: tuple[float, ...], **steady: float) -> Course:
    return Course(len(steps), steady, steps)


def _spatter(flow: tuple[float, ...], **steady: float) -> Course:
    return Course(31, steady, flow=flow)


# Units. Pixels: radius, sigma of blurs, translate, and steps of gaussian_blur. Degrees: steps of motion_blur, snow,
# rotate, tilt and shear. Fractions of white: sigma of noises, steps of brightness, mean, deviation, threshold,
# strength. Counts: photons at white. Plain numbers: steps of zoom_blur and scale, zoom, picture_weight, truncate.

_ALL = range(31)
_MIDDLE = tuple(float(i - 15) for i in _ALL)

# The same at every size. Every frame of zoom_blur is the mean of all zooms so far; the first is the picture itself.
_COMMON = {
    "zoom_blur": _course(tuple(1 + 0.004 * i for i in _ALL)),
    "rotate": _course(_MIDDLE),
    "shear": _course(_MIDDLE),
}
_SNOW_ANGLES = tuple(i * 4.0 - 150 for i in _ALL)

COURSES: Mapping[str, Mapping[str, Course]] = {
    "cifar32": {
        **_COMMON,
        "gaussian_noise": _noise("sigma", 0.02, 0.04, 0.06),
        "shot_noise": _noise("photons", 700, 400, 200),
        "motion_blur": _course(tuple((i - 20) * 9.0 for i in range(21)), radius=6, sigma=1.8),
        "snow": _course(
            _SNOW_ANGLES, mean=0.05, deviation=0.3, zoom=2, threshold=0.5, radius=10, sigma=2, picture_weight=0.85
        ),
        "brightness": _course(tuple((i - 15) * 1.5 / 100 for i in _ALL)),
        "translate": _course(tuple(float(i - 7) for i in range(16))),
        "tilt": _course(tuple(0.75 * (i - 15) for i in _ALL)),
        "scale": _course(tuple((i * 2 + 70) / 100 for i in _ALL)),
        "speckle_noise": _noise("sigma", 0.05, 0.07, 0.1),
        "gaussian_blur": _course(tuple(0.3 + 0.015 * i for i in _ALL), truncate=7),
        "spatter": _spatter((0.2, 0.8), mean=0.6, deviation=0.265, sigma=1.75, threshold=0.7, strength=0.6),
    },
    "tiny64": {
        **_COMMON,
        "gaussian_noise": _noise("sigma", 0.025, 0.05, 0.075),
        "shot_noise": _noise("photons", 500, 250, 125),
        "motion_blur": Course(
            31, {"radius": 14, "sigma": 3}, tuple((i - 30) * 5.0 for i in _ALL), before_resizing=True
        ),
        "snow": _course(
            _SNOW_ANGLES, mean=0.05, deviation=0.28, zoom=2, threshold=0.5, radius=10, sigma=2.5, picture_weight=0.85
        ),
        "brightness": _course(tuple((i - 15) * 2 / 100 for i in _ALL)),
        "translate": _course(_MIDDLE),
        "tilt": _course(_MIDDLE),
        "scale": _course(tuple((i * 2.5 + 40) / 100 for i in _ALL)),
        "speckle_noise": _noise("sigma", 0.05, 0.1, 0.15),
        "gaussian_blur": _course(tuple(0.35 + 0.014 * i for i in _ALL), truncate=7),
        "spatter": _spatter((0.2, 0.8), mean=0.6, deviation=0.25, sigma=1.75, threshold=0.7, strength=0.6),
    },
    "imagenet224": {
        **_COMMON,
        "gaussian_noise": _noise("sigma", 0.03, 0.05, 0.08),
        "shot_noise": _noise("photons", 300, 120, 60),
        "motion_blur": _course(tuple((i - 30) * 4.0 for i in _ALL), radius=10, sigma=3),
        "snow": _course(
            _SNOW_ANGLES, mean=0.05, deviation=0.3, zoom=3, threshold=0.5, radius=14, sigma=4, picture_weight=0.85
        ),
        "brightness": _course(tuple((i - 15) * 2 / 100 for i in _ALL)),
        "translate": _course(tuple(float(i - 20) for i in range(41))),
        "tilt": _course(_MIDDLE),
        "scale": _course(tuple((i * 2.5 + 40) / 100 for i in _ALL)),
        "speckle_noise": _noise("sigma", 0.05, 0.1, 0.15),
        "gaussian_blur": _course(tuple(0.25 + 0.035 * i for i in _ALL), truncate=6),
        "spatter": _spatter((0.05, 0.1, 0.15, 0.7), mean=0.65, deviation=0.27, sigma=3.7, threshold=0.69, strength=0.6),
    },
}
"""``COURSES[preset][sequence]``."""
