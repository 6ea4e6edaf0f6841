"""The perturbation sequences of ImageNet-P: pictures that change a little from frame to frame."""

from rugged.perturbations.catalogue import (
    ALL_SEQUENCES,
    DIFFICULTIES,
    EXTRA_SEQUENCES,
    PRESETS,
    SEQUENCES,
    compares_with_first,
    frames_of,
    preset_for,
    stride,
)
from rugged.perturbations.engine import perturb
from rugged.perturbations.request import choose_sequences

__all__ = [
    "ALL_SEQUENCES",
    "DIFFICULTIES",
    "EXTRA_SEQUENCES",
    "PRESETS",
    "SEQUENCES",
    "choose_sequences",
    "compares_with_first",
    "frames_of",
    "perturb",
    "preset_for",
    "stride",
]
