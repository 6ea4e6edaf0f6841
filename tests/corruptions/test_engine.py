"""What holds for every corruption: reproducible bytes, untouched inputs, any size, helpful errors."""

import functools
import os
import subprocess
import sys
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.stand_in import DEVICE, stand_in_device

from rugged.core.catalogue import PARAMETERS, PRESETS
from rugged.core.errors import CorruptionError
from rugged.corruptions import ALL, streams
from rugged.corruptions import corrupt as corrupt_with_textures
from rugged.corruptions import replay as replay_with_textures
from rugged.corruptions.registry import KERNELS

SEVERITIES = (1, 2, 3, 4, 5)
SMALLEST = {"elastic_transform": 3}

corrupt = functools.partial(corrupt_with_textures, textures="procedural")
replay = functools.partial(replay_with_textures, textures="procedural")


def pictures(count, height=64, width=64, seed=0):
    """Make pictures with noise, flat areas at all levels, black and white."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (count, 3, height, width), dtype=np.uint8)
    images[:, :, : height // 2] = random.integers(0, 256, (count, 3, 1, 1), dtype=np.uint8)
    images[:, :, :, : width // 4] = random.choice([0, 255], (count, 1, 1, 1))
    return torch.from_numpy(images)


def test_every_kernel_has_parameters_in_every_preset():
    for preset in PRESETS:
        assert set(PARAMETERS[preset]) == set(KERNELS) == set(ALL)


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=8, deadline=None)
@given(st.permutations(range(23)), st.integers(1, 23), st.sampled_from(SEVERITIES), st.sampled_from([*PRESETS]))
def test_bytes_do_not_depend_on_batch_or_order(name, order, size, severity, preset):
    """All 23 pictures at once on one side; on the other parts in another order, cut into chunks of five."""
    images, ids = pictures(23), [f"class/{i}" for i in range(23)]
    at_once = {count: replace(KERNELS[name], at_once=count * images[0].numel()) for count in (5, 23)}
    with mock.patch.dict(KERNELS, {name: at_once[23]}):
        whole = corrupt(images, name, severity, preset=preset, seed=5, ids=ids)
    parts = [order[start : start + size] for start in range(0, 23, size)]
    with mock.patch.dict(KERNELS, {name: at_once[5]}):
        for part in parts:
            ours = corrupt(images[part], name, severity, preset=preset, seed=5, ids=[ids[i] for i in part])
            assert torch.equal(ours, whole[part])


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("preset", ["tiny64", "imagenet224"])
def test_bytes_do_not_depend_on_memory_layout(name, preset):
    images = pictures(3, 20, 33)
    sliced = torch.zeros(6, 3, 40, 33, dtype=torch.uint8)[::2, :, 1::2]
    sliced.copy_(images)
    for severity in SEVERITIES:
        expected = corrupt(images, name, severity, preset=preset)
        assert expected.is_contiguous()
        for same in (images.contiguous(memory_format=torch.channels_last), sliced, images.flip(1).flip(1)):
            ours = corrupt(same, name, severity, preset=preset)
            assert ours.is_contiguous()
            assert torch.equal(ours, expected)


@pytest.mark.parametrize("name", ALL)
def test_bytes_do_not_depend_on_the_number_of_threads(name):
    images, threads = pictures(12, 96, 80), torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = [corrupt(images, name, severity, preset="imagenet224") for severity in SEVERITIES]
        torch.set_num_threads(3)
        together = [corrupt(images, name, severity, preset="imagenet224") for severity in SEVERITIES]
    finally:
        torch.set_num_threads(threads)
    assert all(map(torch.equal, alone, together))


@pytest.mark.parametrize("name", ALL)
def test_inputs_are_not_modified(name):
    images = pictures(4)
    before = images.clone()
    array = images[0].permute(1, 2, 0).numpy().copy()
    array.flags.writeable = False
    for severity in SEVERITIES:
        ours = corrupt(images, name, severity)
        assert torch.equal(images, before)
        assert ours.data_ptr() != images.data_ptr()
        assert ours.is_contiguous()
        replay(array, name, severity, preset="tiny64", random_state=np.random.RandomState(0))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3), (31, 17), (70, 40)])
def test_any_size_is_allowed(name, preset, size):
    images = pictures(2, *size)
    if min(size) < SMALLEST.get(name, 1):
        with pytest.raises(CorruptionError, match=rf"{name} needs pictures of at least"):
            corrupt(images, name, 1, preset=preset)
        return
    for severity in SEVERITIES:
        ours = corrupt(images, name, severity, preset=preset)
        assert ours.shape == images.shape
        assert ours.dtype == torch.uint8


DRAWING = [name for name in ALL if KERNELS[name].draw]


@pytest.mark.parametrize("name", DRAWING)
def test_seed_id_and_severity_change_the_draws(name):
    images = pictures(1)

    def drawn(**other):
        return corrupt(images, name, **({"severity": 3, "preset": "tiny64", "seed": 0, "ids": ["a"]} | other))

    assert torch.equal(drawn(), drawn())
    for other in ({"seed": 1}, {"ids": ["b"]}, {"severity": 4}):
        assert (drawn(**other) != drawn()).double().mean() > 0.02


def test_ids():
    images = torch.full((3, 3, 16, 16), 128, dtype=torch.uint8)
    plain = corrupt(images, "gaussian_noise", 1)
    assert torch.equal(plain, corrupt(images, "gaussian_noise", 1, ids=np.arange(3)))
    assert torch.equal(plain, corrupt(images, "gaussian_noise", 1, ids=torch.arange(3)))
    assert not torch.equal(plain, corrupt(images, "gaussian_noise", 1, ids=["0", "1", "2"]))
    equal = corrupt(images, "gaussian_noise", 1, ids=["a", "b", "a"])
    assert torch.equal(equal[0], equal[2])
    assert not torch.equal(equal[0], equal[1])


@pytest.mark.parametrize("name", DRAWING)
def test_words_made_by_tensor_arithmetic_give_the_same_bytes(monkeypatch, name):
    images = pictures(5, 20, 30)
    expected = corrupt(images, name, 3)
    monkeypatch.setattr(streams, "numpy_words", streams.torch_words)
    assert torch.equal(corrupt(images, name, 3), expected)


@pytest.mark.slow
def test_bytes_do_not_depend_on_the_instructions_of_the_processor(tmp_path):
    """The same in another process that may use no wide vectors and no fused multiplication and addition."""
    code = "import sys; from tests.corruptions.test_engine import write_each; write_each(sys.argv[1])"
    plain = {"ATEN_CPU_CAPABILITY": "default", "OPENCV_CPU_DISABLE": "AVX2,FMA3", "MKL_CBWR": "COMPATIBLE"}
    subprocess.run([sys.executable, "-c", code, tmp_path / "theirs.npz"], check=True, env=os.environ | plain)
    write_each(tmp_path / "ours.npz")
    ours, theirs = np.load(tmp_path / "ours.npz"), np.load(tmp_path / "theirs.npz")
    for name in ALL:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


def write_each(path):
    images = pictures(4)
    np.savez(path, **{name: corrupt(images, name, 3).numpy() for name in ALL})


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(("preset", "count"), [("tiny64", 4), ("tiny64", 48), ("imagenet224", 1), ("imagenet224", 8)])
def test_a_gpu_gives_the_same_bytes(name, preset, count, accelerator):
    """Few pictures and many: ``host._FEW`` says up to how many values a GPU goes other ways."""
    images = pictures(count, PRESETS[preset], PRESETS[preset])
    for severity in SEVERITIES:
        expected = corrupt(images, name, severity)
        ours = corrupt(images.to(accelerator), name, severity)
        assert ours.device == accelerator
        difference = (ours.cpu().int() - expected.int()).abs()
        assert difference.max() <= 1
        # What stands for a GPU goes its ways, with the CPU's arithmetic.
        assert (difference == 0).double().mean() >= (0.999 if accelerator.type == "cuda" else 1)


@pytest.mark.parametrize("name", ALL)
def test_a_gpu_is_not_told_more_of_more_pictures(name):
    """Operations are done with all of them at once: their number is what a GPU waits for."""
    images = pictures(192, 64, 64)
    with stand_in_device() as record:
        there = images.to(DEVICE)
        corrupt(there, name, 5)  # What is made once is no part of it.
        numbers = []
        for count in (48, 192):
            record.clear()
            corrupt(there[:count], name, 5)
            numbers.append(len(record.launched))
    assert 0 < numbers[1] <= 1.3 * numbers[0]


def test_preset_is_chosen_by_size_unless_named():
    images = pictures(2, 40, 300)
    assert torch.equal(corrupt(images, "contrast", 1), corrupt(images, "contrast", 1, preset="cifar32"))
    assert not torch.equal(corrupt(images, "contrast", 1), corrupt(images, "contrast", 1, preset="tiny64"))


def test_no_images_give_no_images():
    assert corrupt(torch.zeros(0, 3, 8, 8, dtype=torch.uint8), "contrast", 1).shape == (0, 3, 8, 8)


IMAGES = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2], "contrast", 1), r"\(N, 3, H, W\) uint8 tensor, not list"),
        ((IMAGES.numpy(), "contrast", 1), r"torch.from_numpy"),
        ((IMAGES.float(), "contrast", 1), r"dtype torch.float32.*round\(\).to\(torch.uint8\)"),
        ((IMAGES[0], "contrast", 1), r"shape \(3, 8, 8\)"),
        ((IMAGES.permute(0, 2, 3, 1), "contrast", 1), r"shape \(2, 8, 8, 3\).*permute\(0, 3, 1, 2\)"),
        ((IMAGES[..., :0], "contrast", 1), r"no pixels"),
        ((IMAGES, 7, 1), r"no corruption 7"),
        ((IMAGES, "extra", 1), r"'extra' is a set of corruptions; expected one of them: speckle_noise"),
        ((IMAGES, "contrats", 1), r"'contrats'.*Did you mean 'contrast'\?.*There are: gaussian_noise"),
        ((IMAGES, "contrast", 0), r"severity.*1 to 5, not 0"),
        ((IMAGES, "contrast", 6), r"not 6"),
        ((IMAGES, "contrast", True), r"not True"),
        ((IMAGES, "contrast", 2.5), r"not 2.5"),
        ((IMAGES, "contrast", "3"), r"not '3'"),
    ],
)
def test_errors_say_what_was_found_and_what_was_expected(arguments, message):
    with pytest.raises(CorruptionError, match=message):
        corrupt(*arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "tiny46"}, r"'tiny46'.*Did you mean 'tiny64'\?"),
        ({"ids": ["a"]}, r"1 ids for 2 images"),
        ({"ids": "ab"}, r"one string"),
        ({"ids": 5}, r"not int"),
        ({"ids": iter("ab")}, r"a list or another sequence"),
        ({"preset": ["tiny64"]}, r"no preset \['tiny64'\]"),
        ({"ids": [0.5, 1]}, r"an id must be an integer or a string, not 0.5"),
        ({"seed": 1.5}, r"seed must be an integer, not 1.5"),
    ],
)
def test_errors_of_options(options, message):
    with pytest.raises(CorruptionError, match=message):
        corrupt(IMAGES, "contrast", 1, **options)


@pytest.mark.parametrize(
    "image", [None, np.zeros((8, 8, 3)), np.zeros((3, 8, 8), np.uint8), np.zeros((8, 8), np.uint8)]
)
def test_replay_refuses_what_is_not_one_picture(image):
    with pytest.raises(CorruptionError, match=r"one \(H, W, 3\) uint8 array, not"):
        replay(image, "contrast", 1, preset="tiny64", random_state=np.random.RandomState(0))


def test_replay_refuses_pictures_without_pixels():
    with pytest.raises(CorruptionError, match="no pixels"):
        replay(np.zeros((0, 8, 3), np.uint8), "contrast", 1, preset="tiny64", random_state=np.random.RandomState(0))


@pytest.mark.parametrize("name", ["gaussian_noise", "glass_blur"])
def test_replay_refuses_generators_of_other_streams(name):
    with pytest.raises(CorruptionError, match=r"must be a numpy.random.RandomState, not Generator"):
        replay(np.zeros((8, 8, 3), np.uint8), name, 1, preset="tiny64", random_state=np.random.default_rng(0))


def test_textures_of_another_type_are_refused():
    with pytest.raises(CorruptionError, match=r"textures must be a folder, 'procedural' or None, not int"):
        corrupt_with_textures(IMAGES, "frost", 1, textures=5)
