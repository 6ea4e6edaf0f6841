"""Decisions made on the CPU reach a device without anybody waiting for it."""

import sys
import warnings
from functools import partial

import pytest
import torch
from tests.stand_in import DEVICE, stand_in_device

from rugged.train.augmentations.augmix import augmix
from rugged.train.augmentations.fourier import fourier_mix
from rugged.train.augmentations.geometry import (
    random_erasing,
    random_flip,
    random_resized_crop,
    random_rotation,
    random_shift,
)
from rugged.train.augmentations.noise import p_norm_noise
from rugged.train.augmentations.picking import send, take
from rugged.train.augmentations.pixmix import pixmix
from rugged.train.augmentations.prime import colour_curve, prime, random_filter, random_warp
from rugged.train.augmentations.recipe import NORMS
from rugged.train.augmentations.trivial import trivial_augment


def pixmixed(images):
    return pixmix(images, images.repeat(1, 1, 2, 2), trivial_augment)


AUGMENTATIONS = {
    "prime": prime,
    "filter": random_filter,
    "warp": random_warp,
    "curve": colour_curve,
    "pixmix": pixmixed,
    "fourier": partial(fourier_mix, probability=1.0),
    "noise": partial(p_norm_noise, norms=NORMS),
    "trivial": trivial_augment,
    "augmix": augmix,
    "flip": random_flip,
    "shift": partial(random_shift, pixels=4),
    "crop": partial(random_resized_crop, size=16),
    "rotation": partial(random_rotation, degrees=15),
    "erasing": partial(random_erasing, probability=0.5),
}


def pictures(count):
    torch.manual_seed(1)
    return torch.randint(0, 256, (count, 3, 24, 24), dtype=torch.uint8)


def test_pictures_are_taken_in_the_order_given():
    images = pictures(5)
    taken = take(images, torch.tensor([3, 0, 3]))
    assert torch.equal(taken, torch.stack((images[3], images[0], images[3])))
    taken.zero_()
    assert torch.equal(images, pictures(5))


def test_a_gpu_is_not_waited_for(monkeypatch):
    calls = []
    monkeypatch.setattr(torch.Tensor, "to", lambda values, device, **how: calls.append((str(device), how)) or values)
    send(torch.zeros(2), torch.device("cuda"))
    assert calls == [("cuda", {"non_blocking": True})]


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_nothing_is_copied_in_any_other_way(name, monkeypatch):
    real = torch.Tensor.to

    def watched(values, *arguments, **options):
        if any(isinstance(value, torch.device) for value in (*arguments, *options.values())):
            assert sys._getframe(1).f_code is send.__code__
        return real(values, *arguments, **options)

    images = pictures(40)
    monkeypatch.setattr(torch.Tensor, "to", watched)
    monkeypatch.setattr(torch.Tensor, "cuda", None)
    monkeypatch.setattr(torch.Tensor, "cpu", None)
    AUGMENTATIONS[name](images)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_nobody_waits_for_what_stands_for_a_gpu(name):
    with stand_in_device() as record:
        images = pictures(200).to(DEVICE)
        AUGMENTATIONS[name](images)  # What is set up once may wait.
        assert record.waits
        record.clear()
        AUGMENTATIONS[name](images)
        assert record.waits == []


@pytest.mark.gpu
@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_nobody_waits_for_a_gpu(name):
    images = pictures(200).cuda()
    AUGMENTATIONS[name](images)  # What is set up once may wait.
    try:
        with warnings.catch_warnings(action="ignore"):  # PyTorch calls the mode a prototype, once.
            torch.cuda.set_sync_debug_mode("error")
        AUGMENTATIONS[name](images)
    finally:
        torch.cuda.set_sync_debug_mode("default")
