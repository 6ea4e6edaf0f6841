"""Each operation on levels equals torchvision's, picture by picture."""

import pytest
import torch
from torchvision.transforms.v2 import functional

from rugged.train.augmentations import colour

FACTORS = {
    "brightness": functional.adjust_brightness,
    "saturate": functional.adjust_saturation,
    "contrast": functional.adjust_contrast,
    "sharpness": functional.adjust_sharpness,
}


def pictures(height=17, width=24):
    """Noise, noise in a narrow range, smooth ramps, few levels, black, white and one level: two of each."""
    torch.manual_seed(1)
    noise = torch.randint(0, 256, (2, 3, height, width))
    ramp = torch.linspace(0, 200, width).expand(2, 3, height, width) + torch.rand(2, 3, height, 1) * 50
    steps = torch.randint(0, 3, (2, 3, height, width)) * 100
    flat = [torch.full((2, 3, height, width), level) for level in (0, 255, 90)]
    return torch.cat([noise, noise // 8 + 100, ramp.long(), steps, *flat]).to(torch.uint8)


def one_by_one(function, images, *magnitudes):
    columns = [column.tolist() for column in magnitudes]
    return torch.stack([function(image, *values) for image, *values in zip(images, *columns, strict=True)])


def layouts(images):
    return images.contiguous(), images.contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("name", FACTORS)
@pytest.mark.parametrize("shape", [(17, 24), (3, 3), (2, 5), (1, 1)])
def test_factors_do_what_torchvisions_do(name, shape):
    images = pictures(*shape)
    factors = torch.linspace(0, 2, len(images))[torch.randperm(len(images))]
    expected = one_by_one(FACTORS[name], images, factors)
    for laid_out in layouts(images):
        before = laid_out.clone()
        result = getattr(colour, name)(laid_out, factors)
        assert result.dtype == torch.uint8
        assert torch.equal(laid_out, before)
        different = result != expected
        assert (result.int() - expected.int()).abs().max() <= 1
        assert different.float().mean() < 0.005  # A last bit before levels are cut.


@pytest.mark.parametrize("name", FACTORS)
def test_a_factor_of_one_changes_nothing(name):
    images = pictures()
    assert torch.equal(getattr(colour, name)(images, torch.ones(len(images))), images)


def test_bits_and_thresholds_are_each_pictures_own():
    images = pictures()
    bits = torch.arange(len(images)) % 9
    thresholds = torch.tensor([0.0, 0.5, 1, 37.4, 99.9, 100, 101, 127.5, 128, 200, 254, 254.5, 255, 255])
    posterized, solarized = (
        one_by_one(function, images, values)
        for function, values in ((functional.posterize, bits), (functional.solarize, thresholds))
    )
    for laid_out in layouts(images):
        assert torch.equal(colour.posterize(laid_out, bits), posterized)
        assert torch.equal(colour.posterize(laid_out, bits.float()), posterized)
        assert torch.equal(colour.solarize(laid_out, thresholds), solarized)
        assert torch.equal(laid_out, images)


def test_a_threshold_above_white_inverts_nothing():
    images = pictures()
    assert torch.equal(colour.solarize(images, torch.full((len(images),), 256.0)), images)
    assert torch.equal(colour.solarize(images, torch.full((len(images),), 255.5)), images)


@pytest.mark.parametrize("name", ["autocontrast", "equalize"])
@pytest.mark.parametrize("shape", [(17, 24), (64, 64), (1, 1)])
def test_ranges_and_frequencies_do_what_torchvisions_do(name, shape):
    images = pictures(*shape)
    expected = one_by_one(getattr(functional, name), images)
    for laid_out in layouts(images):
        assert torch.equal(getattr(colour, name)(laid_out), expected)
        assert torch.equal(laid_out, images)
