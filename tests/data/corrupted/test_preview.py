"""The page shows the corrupted pictures themselves, in their places."""

from itertools import combinations

import numpy as np
import pytest
import torch
from PIL import Image

from rugged.core.catalogue import BENCHMARK, EXTRA, PROCEDURAL_NOTE, preset_for, size_note
from rugged.core.errors import DataError
from rugged.corruptions import corrupt
from rugged.data import drawing
from rugged.data.corrupted import preview
from rugged.data.corrupted.preview import PreviewPicture, draw_preview, picture_of, read_picture
from rugged.data.dataset import Split


def find(page, picture, scale):
    """Where an enlarged picture stands on the page: (top, left) of each copy."""
    pixels = np.asarray(page).astype(np.int32)
    wanted = picture.repeat(scale, 0).repeat(scale, 1).astype(np.int32)
    height, width = wanted.shape[:2]
    corner = (pixels[: -height + 1, : -width + 1] == wanted[0, 0]).all(2)
    corner &= (pixels[height - 1 :, width - 1 :] == wanted[-1, -1]).all(2)
    places = zip(*np.nonzero(corner), strict=True)
    return [(y, x) for y, x in places if (pixels[y : y + height, x : x + width] == wanted).all()]


def test_every_cell_is_what_corrupt_gives(dataset):
    picture = picture_of(dataset, dataset.val, "cat/val0003")
    page = draw_preview(picture, corruptions=("contrast", "gaussian_noise", "saturate"), severities=(1, 4), seed=9)
    clean = np.array(dataset.val.images[dataset.val.ids.index("cat/val0003")])
    clean_places = find(page, clean, 8)
    assert len(clean_places) == 3
    images = torch.from_numpy(clean).permute(2, 0, 1)[None]
    for (top, left), name in zip(clean_places, ("gaussian_noise", "contrast", "saturate"), strict=True):
        columns = [left]
        for severity in (1, 4):
            shown = corrupt(images, name, severity, seed=9, ids=["cat/val0003"])[0].permute(1, 2, 0).numpy()
            ((y, x),) = find(page, shown, 8)
            assert y == top
            columns.append(x)
        assert columns == sorted(columns)


@pytest.mark.parametrize("size", [(12, 400), (400, 12), (16, 16)])
@pytest.mark.parametrize("severities", [(3,), (1, 2, 3, 4, 5)])
def test_all_that_is_written_can_be_read(monkeypatch, size, severities):
    """What there is to note stands at the head; no line lies over another or beyond the page."""
    boxes = {}

    def write(draw, where, text, font_size, fill=None, anchor="la"):
        boxes[text] = draw.textbbox(where, text, font=drawing._font(font_size), anchor=anchor)

    monkeypatch.setattr(preview, "write", write)
    picture = PreviewPicture(np.zeros((*size, 3), np.uint8), "a", "a.png")
    page = draw_preview(picture, corruptions=("brightness", "frost"), severities=severities, textures="procedural")
    notes = size_note(preset_for(*size), *size), f"Textures: {PROCEDURAL_NOTE}."
    assert {*notes, "WEATHER", "Brightness", "clean"} <= boxes.keys()
    for left, top, right, bottom in boxes.values():
        assert min(left, top) >= 0
        assert right <= page.width
        assert bottom <= page.height
    for one, other in combinations(boxes.values(), 2):
        assert min(one[2], other[2]) <= max(one[0], other[0]) or min(one[3], other[3]) <= max(one[1], other[1])


def test_every_published_corruption_is_in_a_group():
    assert tuple(name for members in preview._GROUPS.values() for name in members) == BENCHMARK + EXTRA


def test_a_corruption_of_ones_own_stands_under_a_heading_of_its_own(monkeypatch):
    """The set ``extra`` leaves it out, so it is not shown as one of that."""
    written = []
    monkeypatch.setattr(preview, "write", lambda draw, where, text, *_, **__: written.append((where[1], text)))
    monkeypatch.setattr(preview, "choose_corruptions", lambda names: names)
    monkeypatch.setattr(preview, "choose_corruptor", lambda *_: Unchanged())
    draw_preview(PreviewPicture(np.zeros((16, 16, 3), np.uint8), "a", "a.png"), corruptions=("saturate", "dead_pixels"))
    lines = [text for _, text in sorted(written) if text in ("EXTRA", "Saturate", "OTHERS", "Dead pixels")]
    assert lines == ["EXTRA", "Saturate", "OTHERS", "Dead pixels"]


class Unchanged:
    """A corruptor that knows every name and does nothing."""

    preset, seed = "tiny64", 0

    def __call__(self, images, *_, **__):
        return images

    def notes(self, *_):
        return ()


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)])
def test_a_bright_and_colourful_picture_is_chosen_whatever_the_order(dataset, order):
    """Not the one with the strongest fields of grey, nor the one whose colours are as varied but fine, or dark."""
    colours, greys = np.zeros((2, 16, 16, 3), np.uint8)
    colours[:, :8], colours[:, 8:] = (255, 0, 0), (0, 0, 255)
    greys[:, 8:] = 255
    images = np.stack([greys, colours[:, [0, 8] * 8], colours, colours // 4])
    split = Split("val", images, np.zeros(4, np.int64), ("ant/greys", "ant/fine", "ant/colours", "ant/dark"))
    assert picture_of(dataset, split.take(order)).id == "ant/colours"


def test_a_picture_that_is_not_there_is_told(dataset):
    with pytest.raises(
        DataError, match=r"no picture 'cat/x' in the val split of made; its ids look like 'ant/val0000'"
    ):
        picture_of(dataset, dataset.val, "cat/x")
    with pytest.raises(DataError, match="is empty"):
        picture_of(dataset, dataset.val.take([]))


def test_a_picture_file_keeps_its_size_up_to_a_limit(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "small.png")
    picture = read_picture(tmp_path / "small.png")
    np.testing.assert_array_equal(picture.pixels, pixels)
    page = draw_preview(picture, corruptions=("contrast",), severities=(2,))
    assert len(find(page, pixels, 3)) == 1
    Image.fromarray(pixels).resize((2000, 1200)).save(tmp_path / "large.png")
    large = read_picture(tmp_path / "large.png")
    assert large.pixels.shape == (307, 512, 3)
    assert "reduced" in large.caption
    assert read_picture(tmp_path / "large.png", 64).pixels.shape == (64, 64, 3)


def test_what_is_no_picture_is_told(tmp_path):
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(DataError, match="not a picture"):
        read_picture(tmp_path / "text.png")
    with pytest.raises(DataError, match="unreadable \\(No such file"):
        read_picture(tmp_path / "nowhere.png")
