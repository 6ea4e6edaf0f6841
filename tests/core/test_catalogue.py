"""The catalogue against the paper and the table of facts about the published generators."""

import re

import pytest

from rugged.core.catalogue import ALL, BENCHMARK, EXTRA, PARAMETERS, PRESETS, SEVERITIES, display_name, preset_for


def test_names_and_their_order_are_the_papers():
    noise, blur = ["gaussian_noise", "shot_noise", "impulse_noise"], ["defocus", "glass", "motion", "zoom"]
    weather = ["snow", "frost", "fog", "brightness"]
    digital = ["contrast", "elastic_transform", "pixelate", "jpeg_compression"]
    assert list(BENCHMARK) == noise + [f"{kind}_blur" for kind in blur] + weather + digital
    assert set(EXTRA) == {"speckle_noise", "gaussian_blur", "spatter", "saturate"}
    assert len(ALL) == len(set(ALL)) == 19


@pytest.mark.parametrize(
    ("name", "expected"),
    [("gaussian_noise", "Gaussian noise"), ("jpeg_compression", "JPEG compression"), ("snow", "Snow")],
)
def test_display_name(name, expected):
    assert display_name(name) == expected


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (32, 32, "cifar32"),
        (64, 64, "tiny64"),
        (224, 224, "imagenet224"),
        (299, 299, "inception299"),
        (1, 500, "cifar32"),  # the shorter side counts
        (700, 230, "imagenet224"),
        (48, 48, "cifar32"),  # as near to 64: the smaller one
        (49, 96, "tiny64"),
        (4000, 3000, "inception299"),
    ],
)
def test_preset_for_takes_the_nearest_by_the_shorter_side(height, width, expected):
    assert preset_for(height, width) == expected


def test_every_preset_has_the_same_corruptions_with_the_same_parameters():
    assert set(PARAMETERS) == set(PRESETS)
    shapes = {
        preset: {name: [sorted(row) for row in rows] for name, rows in table.items()}
        for preset, table in PARAMETERS.items()
    }
    assert all(shape == shapes["tiny64"] for shape in shapes.values())
    for rows in shapes["tiny64"].values():
        assert len(rows) == len(SEVERITIES)
        assert all(row == rows[0] for row in rows)


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("gaussian_noise", "gaussian_noise σ"),
        ("defocus_blur", "defocus_blur (radius, alias)"),
        ("brightness", "brightness +V"),
        ("contrast", "contrast ×"),
        ("pixelate", "pixelate"),
        ("jpeg_compression", "jpeg quality"),
    ],
)
def test_parameters_are_those_of_the_table_of_facts(shared, name, heading):
    lines = (shared / "CORRUPTIONS.md").read_text(encoding="utf-8").splitlines()
    (row,) = [line for line in lines if line.startswith(f"| {heading} |")]
    for preset, cell in zip(PRESETS, row.split("|")[2:6], strict=True):
        facts = [float(number) for number in re.findall(r"[\d.]+", cell)]
        ours = [value for severity in PARAMETERS[preset][name] for value in severity.values()]
        assert ours == facts, preset
