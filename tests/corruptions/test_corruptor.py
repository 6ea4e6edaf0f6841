"""What stays the same while many pictures are corrupted, and what it says of them."""

import numpy as np
import pytest
import torch

from rugged.core.errors import CorruptionError
from rugged.corruptions import choose_corruptor, corrupt, transfer_of_motion

PICTURES = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 3, 24, 32), dtype=np.uint8))
IDS = ["a", "b"]


def test_pictures_are_those_of_corrupt():
    corruptor = choose_corruptor((24, 32), ["frost", "snow"], None, 7, "procedural")
    assert corruptor.textures_label == "procedural"
    for name in ("frost", "snow"):
        expected = corrupt(PICTURES, name, 3, preset="cifar32", seed=7, ids=IDS, textures="procedural")
        assert torch.equal(corruptor(PICTURES, name, 3, ids=IDS), expected)


def test_without_textures_no_frost_is_made_that_nothing_would_tell_of():
    corruptor = choose_corruptor((24, 32), ["snow"], None, 0, "procedural")
    assert corruptor.textures_label == "none"
    with pytest.raises(CorruptionError, match="no textures for frost: choose_corruptor finds them"):
        corruptor(PICTURES, "frost", 3, ids=IDS)


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"severity": 0}, "from 1 to 5, not 0"), ({"preset": "x"}, "no preset 'x'"), ({"ids": "ab"}, "one string")],
)
def test_the_transfer_of_motion_refuses_what_corrupt_refuses(changed, message):
    arguments = {"severity": 3, "preset": "tiny64", "seed": 0, "ids": IDS} | changed
    with pytest.raises(CorruptionError, match=message):
        transfer_of_motion(arguments.pop("severity"), size=(24, 32), **arguments)


def test_the_transfer_of_motion_takes_integers_of_any_kind():
    plain = transfer_of_motion(3, preset="tiny64", seed=1, ids=[0, 1], size=(24, 32))
    other = transfer_of_motion(np.int64(3), preset="tiny64", seed=np.int64(1), ids=np.arange(2), size=(24, 32))
    assert torch.equal(plain, other)


def test_what_large_pictures_need_is_not_kept():
    from rugged.corruptions import convolution, fields, fog

    caches = (convolution._spectrum, fog._amplitudes, fields._filter)
    large = PICTURES[:1].repeat(1, 1, 25, 20)  # 600 × 640
    before = [cache.cache_info().currsize for cache in caches]
    for name in ("defocus_blur", "fog", "elastic_transform", "spatter"):
        assert corrupt(large, name, 5, preset="imagenet224").shape == large.shape
    assert [cache.cache_info().currsize for cache in caches] == before
