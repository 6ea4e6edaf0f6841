"""TrivialAugment draws what torchvision's does, as often, and makes of it what torchvision makes."""

import math

import pytest
import torch
from scipy import stats
from torchvision.transforms import v2
from torchvision.transforms.v2 import InterpolationMode

from rugged.train.augmentations.operations import ALL_OPERATIONS, COLOUR
from rugged.train.augmentations.trivial import trivial_augment

REFERENCE = v2.TrivialAugmentWide()
THEIR_NAMES = {"saturate": "Color", "autocontrast": "AutoContrast"}


def pictures(count, height=16, width=20):
    torch.manual_seed(1)
    return torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8)


def grey_noise(count, *shape):
    """Levels from 52 to 179, none of them a threshold of solarize: there a last bit decides."""
    images = pictures(count, *shape) // 2 + 52
    return images + (images % 17 == 0)


def with_torchvision(name, image):
    """What torchvision makes of an image at each magnitude that it draws: 62 with signs, 31 without, or 1."""
    theirs = THEIR_NAMES.get(name, name.title().replace("_", ""))
    magnitudes, signed = REFERENCE._AUGMENTATION_SPACE[theirs]
    drawn = [0.0] if (found := magnitudes(31, *image.shape[1:])) is None else found.tolist()
    # One of their 31 shifts is 15.999999, which they cut to 15.
    values = [sign * round(value, 5) for sign in ((1, -1) if signed else (1,)) for value in drawn]
    apply = REFERENCE._apply_image_or_video_transform
    return torch.stack([apply(image, theirs, value, InterpolationMode.NEAREST, REFERENCE._fill) for value in values])


@pytest.mark.parametrize("name", ALL_OPERATIONS)
def test_every_magnitude_is_drawn_as_often_as_by_torchvision_and_does_the_same(name):
    image = grey_noise(1)[0]
    candidates = with_torchvision(name, image)
    kinds, kind = candidates.unique(dim=0, return_inverse=True)  # Where whole numbers are cut, some are the same.
    result = trivial_augment(image.expand(3000, -1, -1, -1), names=(name,))
    away = torch.cdist(result.flatten(1).float(), kinds.flatten(1).float(), p=1)
    nearest = away.argmin(1)
    different = result.int() - kinds[nearest].int()
    if name in COLOUR:
        assert different.abs().max() <= 1
    # Levels of the last bit before they are cut; pixels half-way between two others.
    assert (different != 0).float().mean() < 0.005
    expected = torch.bincount(kind).double() * (len(result) / len(kind))
    found = torch.bincount(nearest, minlength=len(kinds))
    if len(kinds) > 1:
        assert stats.chisquare(found.numpy(), expected.numpy()).pvalue > 1e-4
    else:
        assert found.item() == 3000


def test_each_operation_is_drawn_as_often_as_the_others_and_images_are_spared():
    images = grey_noise(1200)
    kinds = [trivial_augment(images, names=(name,)) for name in ("autocontrast", "equalize", "identity")]
    torch.manual_seed(4)
    names = ("autocontrast", "identity", "equalize", "brightness")
    result = trivial_augment(images, names=names, probability=0.75)
    matches = torch.stack([(result == kind).flatten(1).all(1) for kind in kinds]).sum(1).tolist()
    one = 0.75 / 4
    for found, share in zip(matches, (one, one, 0.25 + one + one / 31), strict=True):  # brightness times 1 is in 31
        assert abs(found - 1200 * share) < 4.5 * math.sqrt(1200 * share * (1 - share))


def test_all_fourteen_are_drawn_by_default():
    image = grey_noise(1, 36, 36)  # No shift makes it all black.
    result = trivial_augment(image.expand(700, -1, -1, -1))
    for name in ALL_OPERATIONS[1:]:
        kinds = with_torchvision(name, image[0]).unique(dim=0)
        kinds = kinds[(kinds.int() - image.int()).abs().amax((1, 2, 3)) > 2]  # What changes nothing could be any's.
        away = torch.cdist(result.flatten(1).float(), kinds.flatten(1).float(), p=1).amin(1)
        drawn = int((away < 0.3 * image.numel()).sum())
        assert 20 < drawn < 80, name  # about 50, or less where weak magnitudes change nothing


def test_probability_0_changes_nothing_and_1_everything():
    images = pictures(60)
    assert torch.equal(trivial_augment(images, probability=0.0), images)
    changed = trivial_augment(images, names=("equalize",), probability=1.0)
    assert (changed != images).flatten(1).any(1).all()


def test_the_seed_decides_whatever_the_layout_and_inputs_stay():
    images = pictures(80)
    other_layout = images.contiguous(memory_format=torch.channels_last)
    torch.manual_seed(5)
    first = trivial_augment(images)
    torch.manual_seed(5)
    assert torch.equal(trivial_augment(other_layout), first)
    assert not torch.equal(trivial_augment(images), first)
    assert torch.equal(images, pictures(80))
    assert torch.equal(other_layout, images)


def test_the_result_is_new_memory():
    images = pictures(4)
    assert trivial_augment(images, probability=0.0).data_ptr() != images.data_ptr()


def test_everything_is_drawn_on_the_device(accelerator):
    images = pictures(64, 64, 64).to(accelerator)
    torch.manual_seed(3)
    result = trivial_augment(images)
    assert result.device == accelerator
    torch.manual_seed(3)
    assert torch.equal(trivial_augment(images), result)
