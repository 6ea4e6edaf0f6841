"""Framing against torchvision's Resize and CenterCrop, and what is left alone."""

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms

from rugged.perturbations.catalogue import PRESETS
from rugged.perturbations.framing import look


def batch_of(array):
    return torch.from_numpy(array.transpose(2, 0, 1)[None].copy())


@pytest.mark.parametrize("size", [(375, 500), (501, 333), (300, 300), (40, 57), (257, 256), (1, 5)])
@pytest.mark.parametrize("preset", PRESETS)
def test_as_torchvision_does(preset, size):
    framing = PRESETS[preset]
    array = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    whole = transforms.Resize(framing.shorter)(Image.fromarray(array))
    view = look(batch_of(array), framing)
    np.testing.assert_array_equal(view.whole[0].permute(1, 2, 0), np.asarray(whole))
    np.testing.assert_array_equal(
        view.frame[0].permute(1, 2, 0), np.asarray(transforms.CenterCrop(framing.side)(whole))
    )


def test_a_picture_of_the_frames_size_stays_as_it_is():
    for framing in PRESETS.values():
        images = torch.randint(0, 256, (2, 3, framing.side, framing.side), dtype=torch.uint8)
        view = look(images, framing)
        for same in (view.original, view.whole, view.frame):
            assert torch.equal(same, images)
