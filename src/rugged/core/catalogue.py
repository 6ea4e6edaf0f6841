"""The common corruptions as plain data: names, order, display names, presets and physical parameters.

Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261) and its published generators.
"""

from collections.abc import Mapping

BENCHMARK = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "brightness",
    "contrast",
    "elastic_transform",
    "pixelate",
    "jpeg_compression",
)
"""The 15 corruptions that the benchmark averages, in the paper's order."""

EXTRA = ("speckle_noise", "gaussian_blur", "spatter", "saturate")
"""The four extra corruptions, meant for choosing a model without touching the benchmark."""

ALL = BENCHMARK + EXTRA

SEVERITIES = (1, 2, 3, 4, 5)

PRESETS: Mapping[str, int] = {"cifar32": 32, "tiny64": 64, "imagenet224": 224, "inception299": 299}
"""Each published table of parameters, and the side in pixels of the images it was made for."""

_DISPLAY_NAMES = {"jpeg_compression": "JPEG compression"}

Parameters = Mapping[str, float]


def display_name(corruption: str) -> str:
    """Return the name for people: ``"gaussian_noise"`` becomes ``"Gaussian noise"``."""
    return _DISPLAY_NAMES.get(corruption, corruption.replace("_", " ").capitalize())


def preset_for(height: int, width: int) -> str:
    """Return the preset whose side is nearest to the shorter side, in pixels; the smaller one on a tie."""
    shorter = min(height, width)
    return min(PRESETS, key=lambda name: abs(PRESETS[name] - shorter))


def _severities(**columns: tuple[float, float, float, float, float]) -> tuple[Parameters, ...]:
    """Turn columns of five values into one dictionary for each severity."""
    return tuple(dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


# Units: sigma and shift are fractions of white; radius and alias_sigma are pixels; factor and fraction are plain
# numbers; quality is the JPEG quality. A corruption is listed here once it has a kernel.
PARAMETERS: Mapping[str, Mapping[str, tuple[Parameters, ...]]] = {
    "cifar32": {
        "gaussian_noise": _severities(sigma=(0.04, 0.06, 0.08, 0.09, 0.10)),
        "defocus_blur": _severities(radius=(0.3, 0.4, 0.5, 1, 1.5), alias_sigma=(0.4, 0.5, 0.6, 0.2, 0.1)),
        "brightness": _severities(shift=(0.05, 0.1, 0.15, 0.2, 0.3)),
        "contrast": _severities(factor=(0.75, 0.5, 0.4, 0.3, 0.15)),
        "pixelate": _severities(fraction=(0.95, 0.9, 0.85, 0.75, 0.65)),
        "jpeg_compression": _severities(quality=(80, 65, 58, 50, 40)),
    },
    "tiny64": {
        "gaussian_noise": _severities(sigma=(0.04, 0.08, 0.12, 0.15, 0.18)),
        "defocus_blur": _severities(radius=(0.5, 1, 1.5, 2.5, 3), alias_sigma=(0.6, 0.1, 0.1, 0.01, 0.1)),
        "brightness": _severities(shift=(0.1, 0.2, 0.3, 0.4, 0.5)),
        "contrast": _severities(factor=(0.4, 0.3, 0.2, 0.1, 0.05)),
        "pixelate": _severities(fraction=(0.9, 0.8, 0.7, 0.6, 0.5)),
        "jpeg_compression": _severities(quality=(65, 58, 50, 40, 25)),
    },
    "imagenet224": {
        "gaussian_noise": _severities(sigma=(0.08, 0.12, 0.18, 0.26, 0.38)),
        "defocus_blur": _severities(radius=(3, 4, 6, 8, 10), alias_sigma=(0.1, 0.5, 0.5, 0.5, 0.5)),
        "brightness": _severities(shift=(0.1, 0.2, 0.3, 0.4, 0.5)),
        "contrast": _severities(factor=(0.4, 0.3, 0.2, 0.1, 0.05)),
        "pixelate": _severities(fraction=(0.6, 0.5, 0.4, 0.3, 0.25)),
        "jpeg_compression": _severities(quality=(25, 18, 15, 10, 7)),
    },
    "inception299": {
        "gaussian_noise": _severities(sigma=(0.09, 0.13, 0.19, 0.27, 0.40)),
        "defocus_blur": _severities(radius=(4, 5, 7, 10, 12), alias_sigma=(0.1, 0.5, 0.5, 0.5, 0.5)),
        "brightness": _severities(shift=(0.1, 0.2, 0.3, 0.4, 0.5)),
        "contrast": _severities(factor=(0.4, 0.3, 0.2, 0.1, 0.05)),
        "pixelate": _severities(fraction=(0.5, 0.4, 0.3, 0.25, 0.2)),
        "jpeg_compression": _severities(quality=(23, 16, 13, 8, 5)),
    },
}
"""``PARAMETERS[preset][corruption][severity - 1]``: the physical parameters that a kernel takes."""
