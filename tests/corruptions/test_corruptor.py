"""What stays the same while many pictures are corrupted, and what it says of them."""

import importlib
from functools import partial
from hashlib import sha256

import numpy as np
import pytest
import torch

from rugged.core.catalogue import PARAMETERS, SEVERITIES
from rugged.core.errors import CorruptionError
from rugged.corruptions import choose_corruptor, corrupt, transfer_of_motion
from rugged.corruptions.registry import KERNELS, Corruption

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


def test_a_corruption_of_ones_own_is_known_by_its_parameters_and_its_file(tmp_path, monkeypatch):
    """A benchmark finds by it that cells are of what the corruption was before."""
    file = tmp_path / "kernel_of_mine.py"
    file.write_text("def darken(images, _, *, by):\n    return images - by\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(KERNELS, "darken", Corruption(importlib.import_module("kernel_of_mine").darken))
    corruptor = choose_corruptor((64, 64), [], None, 0, None)
    found = []
    for by in (1, 2):
        monkeypatch.setitem(PARAMETERS["tiny64"], "darken", [{"by": by * severity} for severity in SEVERITIES])
        found.append(corruptor.provenance("darken", 3))
    assert found[0] == {"parameters": {"by": 3}, "kernel_sha256": sha256(file.read_bytes()).hexdigest()}
    assert found[1] == {**found[0], "parameters": {"by": 6}}
    file.write_text(file.read_text().replace("-", "+"))
    assert corruptor.provenance("darken", 3) == {**found[1], "kernel_sha256": sha256(file.read_bytes()).hexdigest()}
    monkeypatch.setitem(KERNELS, "darken", Corruption(partial(KERNELS["darken"].apply, None)))
    assert corruptor.provenance("darken", 3)["parameters"] == {"by": 6}
    assert all(corruptor.provenance(name, 3) == {} for name in ("clean", "fog", "saturate"))
