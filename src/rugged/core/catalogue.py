"""The common corruptions as plain data: names, order, display names, presets and physical parameters.

Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261) and its published generators.
"""

from collections.abc import Mapping, Sequence

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

BLURS = ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "gaussian_blur")
"""The five that blur: what a restorer learns to undo unless told otherwise."""

SEVERITIES = (1, 2, 3, 4, 5)

CellKey = tuple[str, int]
"""A corruption, or ``"clean"``, and its severity; or a kind of sequence and its difficulty."""

PRESETS: Mapping[str, int] = {"cifar32": 32, "tiny64": 64, "imagenet224": 224, "inception299": 299}
"""Each published table of parameters, and the side in pixels of the images it was made for."""

PROCEDURAL_FROST = "procedural frost"
"""What a ledger adds to frost that was drawn by code instead of taken from the published photographs."""

PROCEDURAL_NOTE = f"{PROCEDURAL_FROST}, not comparable with published numbers"
"""What every result says that has such frost."""

_DISPLAY_NAMES = {"jpeg_compression": "JPEG compression"}

Parameters = Mapping[str, float]

_Five = tuple[float, float, float, float, float]


def display_name(corruption: str) -> str:
    """Return the name for people: ``"gaussian_noise"`` becomes ``"Gaussian noise"``."""
    return _DISPLAY_NAMES.get(corruption, corruption.replace("_", " ").capitalize())


def within_sentence(label: str) -> str:
    """A display name as it stands within a sentence: ``"fog"``, but ``"Gaussian noise"`` and ``"JPEG compression"``."""
    return label if label.startswith(("Gaussian", "JPEG")) else label[:1].lower() + label[1:]


def severities_in_words(levels: Sequence[int]) -> str:
    """Severities as they stand within a sentence: ``severities 1–5``, ``severities 1, 3`` or ``severity 3``."""
    listed = "1–5" if tuple(levels) == SEVERITIES else ", ".join(map(str, levels))
    return f"{'severity' if len(levels) == 1 else 'severities'} {listed}"


def preset_for(height: int, width: int) -> str:
    """Return the preset whose side is nearest to the shorter side, in pixels; the smaller one on a tie."""
    shorter = min(height, width)
    return min(PRESETS, key=lambda name: abs(PRESETS[name] - shorter))


def size_note(preset: str, height: int, width: int) -> str | None:
    """Say that pictures of ``height`` × ``width`` pixels are not of the size a preset was published for, if so."""
    side = PRESETS[preset]
    if (height, width) == (side, side):
        return None
    return (
        f"The pictures have {width} × {height} pixels and the severities are those published for {side} × {side} "
        f"(preset {preset}): not comparable with published numbers."
    )


def _severities(**columns: _Five) -> tuple[Parameters, ...]:
    """Turn columns of five values into one dictionary for each severity."""
    return tuple(dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


# Units. Pixels: radius, reach, alpha, affine, mud_sigma, and sigma of every blur. Fractions of white: sigma of noises,
# shift, mean, deviation, threshold, strength. Counts: photons at white, passes. Plain numbers: the others.

_CIFAR_ZOOM = _severities(stop=(1.06, 1.11, 1.16, 1.21, 1.26), step=(0.01,) * 5)
_LARGE_ZOOM = _severities(stop=(1.11, 1.16, 1.21, 1.26, 1.31), step=(0.01, 0.01, 0.02, 0.02, 0.03))
_LARGE_CONTRAST = _severities(factor=(0.4, 0.3, 0.2, 0.1, 0.05))
_LARGE_BRIGHTNESS = _severities(shift=(0.1, 0.2, 0.3, 0.4, 0.5))
_LARGE_FROST = _severities(
    picture_weight=(1, 0.8, 0.7, 0.65, 0.6), frost_weight=(0.4, 0.6, 0.7, 0.7, 0.75), scale=(1,) * 5
)
_LARGE_SATURATE = _severities(factor=(0.3, 0.1, 2, 5, 20), shift=(0, 0, 0, 0.1, 0.2))
_SMALL_SNOW = {
    "mean": (0.1, 0.1, 0.15, 0.25, 0.3), "deviation": (0.2, 0.2, 0.3, 0.3, 0.3), "zoom": (1, 1, 1.75, 2.25, 1.25),
    "threshold": (0.6, 0.5, 0.55, 0.6, 0.65), "radius": (8, 10, 10, 12, 14), "sigma": (3, 4, 4, 6, 12),
}  # fmt: skip
_LARGE_SNOW = _severities(
    mean=(0.1, 0.2, 0.55, 0.55, 0.55), deviation=(0.3,) * 5, zoom=(3, 2, 4, 4.5, 2.5),
    threshold=(0.5, 0.5, 0.9, 0.85, 0.85), radius=(10, 12, 12, 12, 12), sigma=(4, 4, 8, 8, 12),
    picture_weight=(0.8, 0.7, 0.7, 0.65, 0.55),
)  # fmt: skip


def _elastic(base: int, alpha: _Five, sigma: _Five, affine: _Five) -> tuple[Parameters, ...]:
    """Turn the published multiples of a base length into pixels."""
    return tuple(
        {"alpha": a * base, "sigma": s * base, "affine": f * base} for a, s, f in zip(alpha, sigma, affine, strict=True)
    )


PARAMETERS: Mapping[str, Mapping[str, tuple[Parameters, ...]]] = {
    "cifar32": {
        "gaussian_noise": _severities(sigma=(0.04, 0.06, 0.08, 0.09, 0.10)),
        "shot_noise": _severities(photons=(500, 250, 100, 75, 50)),
        "impulse_noise": _severities(amount=(0.01, 0.02, 0.03, 0.05, 0.07)),
        "defocus_blur": _severities(radius=(0.3, 0.4, 0.5, 1, 1.5), alias_sigma=(0.4, 0.5, 0.6, 0.2, 0.1)),
        "glass_blur": _severities(sigma=(0.05, 0.25, 0.4, 0.25, 0.4), reach=(1,) * 5, passes=(1, 1, 1, 2, 2)),
        "motion_blur": _severities(radius=(6, 6, 6, 8, 9), sigma=(1, 1.5, 2, 2, 2.5)),
        "zoom_blur": _CIFAR_ZOOM,
        "snow": _severities(**_SMALL_SNOW, picture_weight=(0.95, 0.9, 0.9, 0.85, 0.8)),
        "frost": _severities(
            picture_weight=(1, 1, 0.9, 0.85, 0.75), frost_weight=(0.2, 0.3, 0.4, 0.4, 0.45), scale=(0.2,) * 5
        ),
        "fog": _severities(strength=(0.2, 0.5, 0.75, 1, 1.5), decay=(3, 3, 2.5, 2, 1.75)),
        "brightness": _severities(shift=(0.05, 0.1, 0.15, 0.2, 0.3)),
        "contrast": _severities(factor=(0.75, 0.5, 0.4, 0.3, 0.15)),
        "elastic_transform": _elastic(
            32, (0, 0.05, 0.08, 0.1, 0.1), (0, 0.2, 0.06, 0.04, 0.03), (0.08, 0.07, 0.06, 0.05, 0.03)
        ),
        "pixelate": _severities(fraction=(0.95, 0.9, 0.85, 0.75, 0.65)),
        "jpeg_compression": _severities(quality=(80, 65, 58, 50, 40)),
        "speckle_noise": _severities(sigma=(0.06, 0.1, 0.12, 0.16, 0.2)),
        "gaussian_blur": _severities(sigma=(0.4, 0.6, 0.7, 0.8, 1)),
        "spatter": _severities(
            mean=(0.62, 0.65, 0.65, 0.65, 0.65),
            deviation=(0.1, 0.1, 0.3, 0.1, 0.1),
            sigma=(0.7, 0.8, 1, 0.7, 0.5),
            threshold=(0.7, 0.7, 0.69, 0.69, 0.68),
            strength=(0.5, 0.5, 0.5, 0, 0),
            mud_sigma=(0, 0, 0, 0.6, 0.6),
        ),
        "saturate": _severities(factor=(0.3, 0.1, 1.5, 2, 2.5), shift=(0, 0, 0, 0.1, 0.2)),
    },
    "tiny64": {
        "gaussian_noise": _severities(sigma=(0.04, 0.08, 0.12, 0.15, 0.18)),
        "shot_noise": _severities(photons=(250, 100, 50, 30, 15)),
        "impulse_noise": _severities(amount=(0.01, 0.02, 0.05, 0.08, 0.14)),
        "defocus_blur": _severities(radius=(0.5, 1, 1.5, 2.5, 3), alias_sigma=(0.6, 0.1, 0.1, 0.01, 0.1)),
        "glass_blur": _severities(sigma=(0.1, 0.5, 0.6, 0.7, 0.9), reach=(1, 1, 1, 2, 2), passes=(1, 1, 2, 1, 2)),
        "motion_blur": _severities(radius=(10, 10, 10, 10, 12), sigma=(1, 1.5, 2, 2.5, 3)),
        "zoom_blur": _CIFAR_ZOOM,
        "snow": _severities(**_SMALL_SNOW, picture_weight=(0.8, 0.8, 0.7, 0.65, 0.6)),
        "frost": _severities(
            picture_weight=(1, 0.9, 0.8, 0.75, 0.7), frost_weight=(0.3, 0.4, 0.45, 0.5, 0.55), scale=(0.3,) * 5
        ),
        "fog": _severities(strength=(0.4, 0.7, 1, 1.5, 2), decay=(3, 3, 2.5, 2, 1.75)),
        "brightness": _LARGE_BRIGHTNESS,
        "contrast": _LARGE_CONTRAST,
        "elastic_transform": _elastic(
            64, (0, 0.05, 0.1, 0.1, 0.16), (0, 0.3, 0.08, 0.03, 0.03), (0.08, 0.06, 0.06, 0.03, 0.02)
        ),
        "pixelate": _severities(fraction=(0.9, 0.8, 0.7, 0.6, 0.5)),
        "jpeg_compression": _severities(quality=(65, 58, 50, 40, 25)),
        "speckle_noise": _severities(sigma=(0.15, 0.2, 0.25, 0.3, 0.35)),
        "gaussian_blur": _severities(sigma=(0.5, 0.75, 1, 1.25, 1.5)),
        "spatter": _severities(
            mean=(0.62, 0.65, 0.65, 0.65, 0.65),
            deviation=(0.1, 0.1, 0.3, 0.1, 0.1),
            sigma=(0.7, 0.8, 1, 0.7, 0.5),
            threshold=(0.7, 0.7, 0.69, 0.68, 0.67),
            strength=(0.6, 0.6, 0.6, 0, 0),
            mud_sigma=(0, 0, 0, 0.6, 0.6),
        ),
        "saturate": _severities(factor=(0.3, 0.1, 2, 5, 30), shift=(0, 0, 0, 0.1, 0.2)),
    },
    "imagenet224": {
        "gaussian_noise": _severities(sigma=(0.08, 0.12, 0.18, 0.26, 0.38)),
        "shot_noise": _severities(photons=(60, 25, 12, 5, 3)),
        "impulse_noise": _severities(amount=(0.03, 0.06, 0.09, 0.17, 0.27)),
        "defocus_blur": _severities(radius=(3, 4, 6, 8, 10), alias_sigma=(0.1, 0.5, 0.5, 0.5, 0.5)),
        "glass_blur": _severities(sigma=(0.7, 0.9, 1, 1.1, 1.5), reach=(1, 2, 2, 3, 4), passes=(2, 1, 3, 2, 2)),
        "motion_blur": _severities(radius=(10, 15, 15, 15, 20), sigma=(3, 5, 8, 12, 15)),
        "zoom_blur": _LARGE_ZOOM,
        "snow": _LARGE_SNOW,
        "frost": _LARGE_FROST,
        "fog": _severities(strength=(1.5, 2, 2.5, 2.5, 3), decay=(2, 2, 1.7, 1.5, 1.4)),
        "brightness": _LARGE_BRIGHTNESS,
        "contrast": _LARGE_CONTRAST,
        "elastic_transform": _elastic(
            244, (2, 2, 0.05, 0.07, 0.12), (0.7, 0.08, 0.01, 0.01, 0.01), (0.1, 0.2, 0.02, 0.02, 0.02)
        ),
        "pixelate": _severities(fraction=(0.6, 0.5, 0.4, 0.3, 0.25)),
        "jpeg_compression": _severities(quality=(25, 18, 15, 10, 7)),
        "speckle_noise": _severities(sigma=(0.15, 0.2, 0.35, 0.45, 0.6)),
        "gaussian_blur": _severities(sigma=(1, 2, 3, 4, 6)),
        "spatter": _severities(
            mean=(0.65, 0.65, 0.65, 0.65, 0.67),
            deviation=(0.3, 0.3, 0.3, 0.3, 0.4),
            sigma=(4, 3, 2, 1, 1),
            threshold=(0.69, 0.68, 0.68, 0.65, 0.65),
            strength=(0.6, 0.6, 0.5, 0, 0),
            mud_sigma=(0, 0, 0, 1.5, 1.5),
        ),
        "saturate": _LARGE_SATURATE,
    },
    "inception299": {
        "gaussian_noise": _severities(sigma=(0.09, 0.13, 0.19, 0.27, 0.40)),
        "shot_noise": _severities(photons=(50, 20, 10, 5, 3)),
        "impulse_noise": _severities(amount=(0.04, 0.07, 0.10, 0.18, 0.28)),
        "defocus_blur": _severities(radius=(4, 5, 7, 10, 12), alias_sigma=(0.1, 0.5, 0.5, 0.5, 0.5)),
        "glass_blur": _severities(sigma=(0.8, 1, 1.1, 1.2, 1.6), reach=(1, 3, 2, 4, 5), passes=(3, 1, 4, 2, 2)),
        "motion_blur": _severities(radius=(12, 17, 17, 17, 22), sigma=(4, 6, 9, 13, 16)),
        "zoom_blur": _LARGE_ZOOM,
        "snow": _LARGE_SNOW,
        "frost": _LARGE_FROST,
        "fog": _severities(strength=(1.5, 2, 2.5, 2.5, 3), decay=(2, 2, 1.8, 1.6, 1.5)),
        "brightness": _LARGE_BRIGHTNESS,
        "contrast": _LARGE_CONTRAST,
        "elastic_transform": _elastic(
            360, (2, 2, 0.05, 0.07, 0.12), (0.7, 0.08, 0.01, 0.01, 0.01), (0.1, 0.2, 0.02, 0.02, 0.02)
        ),
        "pixelate": _severities(fraction=(0.5, 0.4, 0.3, 0.25, 0.2)),
        "jpeg_compression": _severities(quality=(23, 16, 13, 8, 5)),
        "speckle_noise": _severities(sigma=(0.16, 0.21, 0.36, 0.46, 0.61)),
        "gaussian_blur": _severities(sigma=(1.5, 2.5, 3.5, 4.5, 6.5)),
        "spatter": _severities(
            mean=(0.65, 0.65, 0.65, 0.65, 0.67),
            deviation=(0.3, 0.3, 0.3, 0.3, 0.4),
            sigma=(4, 3.5, 3, 1.2, 1.2),
            threshold=(0.69, 0.68, 0.68, 0.65, 0.65),
            strength=(0.9, 0.9, 0.8, 0, 0),
            mud_sigma=(0, 0, 0, 1.8, 1.8),
        ),
        "saturate": _LARGE_SATURATE,
    },
}
"""``PARAMETERS[preset][corruption][severity - 1]``: the physical parameters that a kernel takes."""

ALL = tuple(PARAMETERS["tiny64"])
"""Every corruption: the 15, the four extra ones, and what is added to the parameters after them."""
