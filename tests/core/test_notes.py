"""What is folded away, and what stays in sight."""

import numpy as np
from PIL import Image

from rugged.core.notes import FITTED, folded, prepared
from rugged.data import open_dataset

IN_SIGHT = [
    "Only severities 1, 3 of 1 to 5 were measured.",
    "Frost: procedural frost, not comparable with published numbers.",
    "The pictures have 32 × 32 pixels and the severities are those published for 64 × 64 (preset tiny64).",
    "Set aside (set_aside.csv): 3 truncated.",
    "Not read: 500 files that are not pictures in a class folder (500 .heic).",
    "Pictures enlarged to 64 x 64: 1,000.",
]


def test_preparations_are_counted_behind_every_warning():
    ways = [
        prepared("converted from palette to RGB", 15),
        prepared("turned upright as their EXIF data says", 1500),
        FITTED,
    ]
    assert ways[1] == "Pictures turned upright as their EXIF data says: 1,500."
    line = "Data: 3 preparations of the pictures (conversions and sizes), see `rugged data info`."
    assert folded([ways[0], *IN_SIGHT, *ways[1:]]) == [*IN_SIGHT, line]
    assert folded([ways[0], *IN_SIGHT]) == [*IN_SIGHT, ways[0]]
    assert folded(IN_SIGHT) == IN_SIGHT


def test_what_packing_notes_of_ordinary_pictures_is_folded(tmp_path):
    """Palette, greyscale, transparency, a large one: ordinary; one that has too few pixels is not."""
    folder = tmp_path / "pictures"
    for split in ("train", "val"):
        for name in "ab":
            (folder / split / name).mkdir(parents=True)
            pixels = np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8)
            image = Image.fromarray(pixels)
            image.save(folder / split / name / "rgb.png")
            image.convert("L").save(folder / split / name / "grey.png")
            image.convert("P").save(folder / split / name / "palette.png")
            image.convert("RGBA").resize((40, 40)).save(folder / split / name / "small.png")
    notes = folded(open_dataset(folder).notes)
    assert "Pictures enlarged to 224 x 224: 16." in notes
    assert notes[-1].startswith("Data: 3 preparations")
