"""What moves and covers pixels: drawn as published, computed as torchvision computes it for one picture."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from scipy import stats
from torchvision.transforms import v2
from torchvision.transforms.v2 import InterpolationMode, functional

from rugged.train.augmentations import geometry
from rugged.train.augmentations.geometry import (
    MAPS,
    random_erasing,
    random_flip,
    random_resized_crop,
    random_rotation,
    random_shift,
    resample,
)

LIKELY = 1e-4  # least p-value: tests are seeded, so this only has to be rare


def pictures(count, height=6, width=9):
    torch.manual_seed(1)
    return torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8)


def test_half_of_the_images_are_mirrored():
    images = pictures(400)
    result = random_flip(images)
    same = (result == images).flatten(1).all(1)
    mirrored = (result == images.flip(-1)).flatten(1).all(1)
    assert (same ^ mirrored).all()
    assert 160 < mirrored.sum() < 240  # Within four standard deviations of 200.


def test_every_shift_is_drawn_and_fills_from_the_mirror():
    images = pictures(2000)
    padded = torch.nn.functional.pad(images.float(), (2, 2, 2, 2), mode="reflect").to(torch.uint8)
    windows = [padded[:, :, top : top + 6, left : left + 9] for top in range(5) for left in range(5)]
    torch.manual_seed(3)
    result = random_shift(images, 2)
    matches = torch.stack([(result == window).flatten(1).all(1) for window in windows])
    assert (matches.sum(0) == 1).all()  # Each image is exactly one of the 25 windows …
    counts = matches.sum(1)
    assert counts.min() > 80 - 4.5 * 8.8  # … and each window is drawn about 80 times.
    assert counts.max() < 80 + 4.5 * 8.8


def test_shifts_larger_than_the_picture_are_held_back():
    images = pictures(5, 2, 2)
    assert random_shift(images, 10).shape == images.shape
    assert torch.equal(random_shift(pictures(5, 1, 1), 4), pictures(5, 1, 1))


@pytest.fixture
def boxes(monkeypatch):
    """The boxes (top, left, height, width) that crops are made of, as they are drawn."""
    drawn, resize = [], geometry._resize_boxes

    def record(images, vertical, horizontal, size):
        (top, high), (left, wide) = vertical, horizontal
        drawn.append(torch.stack((top, left, high, wide), 1))
        return resize(images, vertical, horizontal, size)

    monkeypatch.setattr(geometry, "_resize_boxes", record)
    return drawn


@pytest.mark.parametrize(("height", "width", "size"), [(32, 40, 64), (64, 64, 64), (64, 48, 16), (5, 1, 7)])
def test_crops_are_resized_as_torchvision_resizes_them(boxes, height, width, size):
    images = pictures(40, height, width)
    result = random_resized_crop(images, size, smallest=0.05)
    assert result.shape == (40, 3, size, size)
    pairs = list(zip(images, boxes[0].tolist(), strict=True))
    of_bytes = torch.stack([functional.resized_crop(image, *box, [size, size]) for image, box in pairs])
    assert (result.int() - of_bytes.int()).abs().max() <= 1
    exact = torch.stack([functional.resized_crop(image.double(), *box, [size, size]) for image, box in pairs])
    assert (result - exact).abs().max() < 0.501  # rounded to the nearest level


@pytest.mark.parametrize(
    ("shape", "smallest", "ratio"),
    [((64, 64), 0.08, (3 / 4, 4 / 3)), ((40, 60), 0.08, (3 / 4, 4 / 3)), ((64, 64), 0.75, (4 / 3, 4 / 3))],
)  # The third: boxes as wide as the picture, or none.
def test_boxes_of_crops_are_distributed_as_torchvisions(boxes, shape, smallest, ratio):
    torch.manual_seed(1)
    random_resized_crop(torch.zeros(3000, 3, *shape, dtype=torch.uint8), 1, smallest=smallest, ratio=ratio)
    reference = v2.RandomResizedCrop(1, scale=(smallest, 1), ratio=ratio)
    picture = torch.zeros(3, *shape)
    torch.manual_seed(2)
    drawn = [reference.make_params([picture]) for _ in range(3000)]
    theirs = np.array([[box[key] for key in ("top", "left", "height", "width")] for box in drawn])
    ours = boxes[0].numpy()
    for column in range(4):
        assert stats.ks_2samp(ours[:, column], theirs[:, column]).pvalue > LIKELY
    for quantity in (lambda box: box[:, 2] * box[:, 3], lambda box: box[:, 2] / box[:, 3]):
        assert stats.ks_2samp(quantity(ours), quantity(theirs)).pvalue > LIKELY


@pytest.mark.parametrize(
    ("shape", "ratio"), [((10, 99), (3 / 4, 4 / 3)), ((99, 10), (1 / 2, 1)), ((30, 31), (1 / 2, 2))]
)
def test_where_no_box_fits_it_is_the_largest_in_the_middle(boxes, shape, ratio):
    """Of the whole area, and of nearly any ratio but the picture's own."""
    images = pictures(50, *shape)
    random_resized_crop(images, 8, smallest=1.0, ratio=ratio)
    box = v2.RandomResizedCrop(8, scale=(1, 1), ratio=ratio).make_params([images[0]])
    assert boxes[0].tolist() == [[box[key] for key in ("top", "left", "height", "width")]] * 50


MAGNITUDES = {
    "shear_x": [-0.99, -0.3, 0.0, 0.17, 0.613],
    "shear_y": [-0.99, -0.3, 0.0, 0.17, 0.613],
    "translate_x": [-32.0, -5.0, 0.0, 1.0, 12.0],
    "translate_y": [-32.0, -5.0, 0.0, 1.0, 12.0],
    "rotate": [-135.0, -14.2, 0.0, 7.7, 77.7],
}


def with_torchvision(name, image, magnitude, mode):
    affine = partial(functional.affine, image, angle=0.0, scale=1.0, interpolation=mode)
    slope = math.degrees(math.atan(magnitude))
    return {
        "shear_x": lambda: affine(translate=[0, 0], shear=[slope, 0.0], center=[0, 0]),
        "shear_y": lambda: affine(translate=[0, 0], shear=[0.0, slope], center=[0, 0]),
        "translate_x": lambda: affine(translate=[int(magnitude), 0], shear=[0.0, 0.0]),
        "translate_y": lambda: affine(translate=[0, int(magnitude)], shear=[0.0, 0.0]),
        "rotate": lambda: functional.rotate(image, magnitude, mode),
    }[name]()


@pytest.mark.parametrize("name", MAGNITUDES)
@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize("shape", [(32, 32), (21, 36)])
def test_maps_do_what_torchvisions_do(name, smooth, shape):
    images = pictures(5, *shape)
    mode = InterpolationMode.BILINEAR if smooth else InterpolationMode.NEAREST
    pairs = zip(images, MAGNITUDES[name], strict=True)
    expected = torch.stack([with_torchvision(name, image, magnitude, mode) for image, magnitude in pairs])
    maps = MAPS[name](torch.tensor(MAGNITUDES[name]), *shape)
    for laid_out in (images, images.contiguous(memory_format=torch.channels_last)):
        before = laid_out.clone()
        result = resample(laid_out, maps, smooth=smooth)
        assert torch.equal(laid_out, before)
        away = (result.int() - expected.int()).abs()
        if smooth:
            assert away.max() <= 1
            assert away.float().mean() < 0.01  # Half-way between two levels, too.
        else:  # Half-way between two pixels a last bit decides.
            assert (away > 0).any(1).float().mean() < 0.002


def test_black_comes_in_from_outside():
    images = torch.full((1, 3, 8, 8), 200, dtype=torch.uint8)
    result = resample(images, MAPS["translate_x"](torch.tensor([3.0]), 8, 8))
    assert (result[..., :3] == 0).all()
    assert (result[..., 3:] == 200).all()


def test_angles_are_uniform_and_pictures_are_turned_by_them(monkeypatch):
    images = pictures(4000, 12, 12)
    angles = []
    monkeypatch.setattr(
        geometry, "MAPS", {"rotate": lambda degrees, *size: angles.append(degrees) or MAPS["rotate"](degrees, *size)}
    )
    result = random_rotation(images, 15)
    degrees = angles[0].numpy()
    assert stats.kstest(degrees, stats.uniform(-15, 30).cdf).pvalue > LIKELY
    some = zip(images[:200], degrees[:200].tolist(), strict=True)
    expected = torch.stack([functional.rotate(image, angle) for image, angle in some])
    assert (result[:200] != expected).any(1).float().mean() < 0.002


def covered(images, result):
    """The rectangles (top, left, height, width) of changed pixels; zeros where there is none."""
    changed = (images != result).any(1)
    rows, columns = changed.any(2), changed.any(1)
    top, left = rows.byte().argmax(1), columns.byte().argmax(1)
    found = torch.stack((top, left, rows.sum(1), columns.sum(1)), 1)
    # One whole rectangle an image; in one pixel of 2**24 the new bytes are the old ones.
    assert (found[:, 2] * found[:, 3]).sum() - changed.sum() <= 3
    return found


@pytest.mark.parametrize(
    ("shape", "area", "ratio"),
    [((64, 64), (0.02, 0.33), (0.3, 3.3)), ((8, 60), (0.1, 0.33), (0.3, 3.3)), ((30, 40), (0.05, 0.2), (1, 4))],
)
def test_rectangles_are_distributed_as_torchvisions(shape, area, ratio):
    images = pictures(3000, *shape)
    ours = covered(images, random_erasing(images, 1.0, area=area, ratio=ratio)).numpy()
    reference = v2.RandomErasing(1.0, area, ratio)
    drawn = [reference.make_params([images[0]]) for _ in range(3000)]
    theirs = np.array([[0] * 4 if box["v"] is None else [box[key] for key in "ijhw"] for box in drawn])
    for column in range(4):
        assert stats.ks_2samp(ours[:, column], theirs[:, column]).pvalue > LIKELY
    for quantity in (lambda box: box[:, 2] * box[:, 3], lambda box: box[:, 2] / box[:, 3].clip(1)):
        assert stats.ks_2samp(quantity(ours), quantity(theirs)).pvalue > LIKELY


def test_rectangles_are_filled_with_uniform_bytes_and_the_rest_stays():
    images = torch.full((300, 3, 32, 32), 77, dtype=torch.uint8)
    result = random_erasing(images, 1.0, area=(0.3, 0.3), ratio=(1, 1))
    places = covered(images, result)
    assert (places[:, 2:] == round(math.sqrt(0.3 * 32 * 32))).all()
    pairs = zip(result, places.tolist(), strict=True)
    inside = torch.cat([image[:, top : top + high, left : left + wide] for image, (top, left, high, wide) in pairs], 1)
    for channel in inside.flatten(1):
        assert stats.chisquare(np.bincount(channel.numpy(), minlength=256)).pvalue > LIKELY
    assert abs(np.corrcoef(inside.flatten(1).numpy()) - np.eye(3)).max() < 0.02


def test_rectangles_that_never_fit_are_left_out():
    images = pictures(20, 30, 4)
    assert torch.equal(random_erasing(images, 1.0, area=(0.5, 0.5), ratio=(0.3, 0.3)), images)


def test_an_images_chance_to_be_covered_is_the_probability():
    images = pictures(2000, 16, 16)
    assert torch.equal(random_erasing(images, 0.0), images)
    count = int((random_erasing(images, 0.3) != images).flatten(1).any(1).sum())
    assert abs(count - 600) < 4.5 * math.sqrt(2000 * 0.3 * 0.7)


EVERY = {
    "flip": random_flip,
    "shift": partial(random_shift, pixels=3),
    "crop": partial(random_resized_crop, size=10),
    "rotation": partial(random_rotation, degrees=40),
    "erasing": partial(random_erasing, probability=0.7),
}


@pytest.mark.parametrize("name", EVERY)
def test_the_seed_decides_whatever_the_layout_and_inputs_stay(name):
    images = pictures(30, 12, 15)
    other_layout = images.contiguous(memory_format=torch.channels_last)
    torch.manual_seed(5)
    first = EVERY[name](images)
    torch.manual_seed(5)
    assert torch.equal(EVERY[name](other_layout), first)
    assert not torch.equal(EVERY[name](images), first)
    assert first.dtype == torch.uint8
    assert torch.equal(images, pictures(30, 12, 15))
    assert torch.equal(other_layout, images)


@pytest.mark.parametrize("name", EVERY)
def test_no_pictures_are_none(name):
    assert len(EVERY[name](pictures(0))) == 0
