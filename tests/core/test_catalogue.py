"""The catalogue against the paper and the table of facts about the published generators."""

import re

import pytest

from rugged.core.catalogue import (
    ALL,
    BENCHMARK,
    EXTRA,
    PARAMETERS,
    PRESETS,
    SEVERITIES,
    display_name,
    preset_for,
    severities_in_words,
)


def test_names_and_their_order_are_the_papers():
    noise, blur = ["gaussian_noise", "shot_noise", "impulse_noise"], ["defocus", "glass", "motion", "zoom"]
    weather = ["snow", "frost", "fog", "brightness"]
    digital = ["contrast", "elastic_transform", "pixelate", "jpeg_compression"]
    assert list(BENCHMARK) == noise + [f"{kind}_blur" for kind in blur] + weather + digital
    assert set(EXTRA) == {"speckle_noise", "gaussian_blur", "spatter", "saturate"}
    assert ALL[: len(BENCHMARK + EXTRA)] == BENCHMARK + EXTRA  # One of one's own comes after the published ones.
    assert {tuple(table) for table in PARAMETERS.values()} == {ALL}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("gaussian_noise", "Gaussian noise"), ("jpeg_compression", "JPEG compression"), ("snow", "Snow")],
)
def test_display_name(name, expected):
    assert display_name(name) == expected


def test_severities_in_words():
    assert severities_in_words((1, 2, 3, 4, 5)) == "severities 1–5"
    assert severities_in_words((1, 3)) == "severities 1, 3"
    assert severities_in_words([3]) == "severity 3"


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


def facts(shared, heading):
    """The numbers of one row of the table of facts, by preset."""
    lines = (shared / "CORRUPTIONS.md").read_text(encoding="utf-8").splitlines()
    (row,) = [line for line in lines if line.startswith(f"| {heading} |")]
    cells = dict(zip(PRESETS, (cell.strip() for cell in row.split("|")[2:6]), strict=True))
    for preset, cell in cells.items():
        if cell.startswith("as "):
            cells[preset] = cells[cell.removeprefix("as ")]
    return {preset: [float(number) for number in re.findall(r"[\d.]+", cell)] for preset, cell in cells.items()}


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("gaussian_noise", "gaussian_noise σ"),
        ("shot_noise", "shot_noise photons"),
        ("impulse_noise", "impulse_noise amount"),
        ("speckle_noise", "speckle_noise σ"),
        ("gaussian_blur", "gaussian_blur σ"),
        ("glass_blur", "glass_blur (σ, δ, n)"),
        ("defocus_blur", "defocus_blur (radius, alias)"),
        ("motion_blur", "motion_blur (radius, σ)"),
        ("fog", "fog (strength, decay)"),
        ("brightness", "brightness +V"),
        ("contrast", "contrast ×"),
        ("saturate", "saturate (×, +)"),
        ("pixelate", "pixelate"),
        ("jpeg_compression", "jpeg quality"),
    ],
)
def test_parameters_are_those_of_the_table_of_facts(shared, name, heading):
    for preset, numbers in facts(shared, heading).items():
        ours = [value for severity in PARAMETERS[preset][name] for value in severity.values()]
        assert ours == numbers, preset


def test_frost_weights_are_those_of_the_table_of_facts(shared):
    for preset, numbers in facts(shared, "frost (image, frost)").items():
        rows = PARAMETERS[preset]["frost"]
        assert [value for row in rows for value in (row["picture_weight"], row["frost_weight"])] == numbers, preset


def listed_below(shared, title, preset):
    """The numbers of one preset's line of the list under a title."""
    text = (shared / "CORRUPTIONS.md").read_text(encoding="utf-8").partition(f"\n{title} (")[2]
    line = next(line for line in text.splitlines() if line.startswith("- ") and preset in line.partition(":")[0])
    return [[float(number) for number in group.split(",")] for group in re.findall(r"\(([-\d., ]+)\)", line)]


@pytest.mark.parametrize("preset", ["tiny64", "imagenet224", "inception299"])
def test_snow_is_that_of_the_list_of_facts(shared, preset):
    assert [list(row.values()) for row in PARAMETERS[preset]["snow"]] == listed_below(shared, "snow", preset)


def test_snow_of_cifar_differs_in_the_pictures_weight_alone(shared):
    expected = [row[:-1] for row in listed_below(shared, "snow", "tiny64")]
    assert [list(row.values())[:-1] for row in PARAMETERS["cifar32"]["snow"]] == expected
    assert [row["picture_weight"] for row in PARAMETERS["cifar32"]["snow"]] == [0.95, 0.9, 0.9, 0.85, 0.8]


@pytest.mark.parametrize("preset", PRESETS)
def test_spatter_is_that_of_the_list_of_facts(shared, preset):
    """There one number is the strength of water, or the sigma of mud."""
    rows = [list(row.values()) for row in PARAMETERS[preset]["spatter"]]
    ours = [[*row[:4], row[4] + row[5], float(row[5] > 0)] for row in rows]
    assert ours == listed_below(shared, "spatter", preset)


@pytest.mark.parametrize(
    ("preset", "base"), [("cifar32", 32), ("tiny64", 64), ("imagenet224", 244), ("inception299", 360)]
)
def test_elastic_transform_is_that_of_the_list_of_facts(shared, preset, base):
    multiples = listed_below(shared, "elastic_transform", preset)
    ours = [list(row.values()) for row in PARAMETERS[preset]["elastic_transform"]]
    assert ours == [[number * base for number in row] for row in multiples]
