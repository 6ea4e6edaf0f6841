"""What holds for every sequence: reproducible bytes, untouched inputs, helpful errors."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rugged.core.errors import CorruptionError
from rugged.perturbations import ALL_SEQUENCES, DIFFICULTIES, PRESETS, compares_with_first, perturb

DRAWS = ("gaussian_noise", "shot_noise", "snow", "speckle_noise", "spatter")


def pictures(count, height=64, width=64):
    generator = torch.Generator().manual_seed(count + height + width)
    images = torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8, generator=generator)
    images[:, :, : height // 3] = 120
    return images


@pytest.mark.parametrize("name", ALL_SEQUENCES)
@settings(max_examples=3)
@given(st.permutations(range(5)), st.integers(1, 5), st.sampled_from(DIFFICULTIES))
def test_bytes_do_not_depend_on_batch_or_order(name, order, size, difficulty):
    images, ids = pictures(5, 32, 32), [f"class/{number}" for number in range(5)]
    whole = perturb(images, name, difficulty=difficulty, seed=5, ids=ids)
    for part in (order[start : start + size] for start in range(0, 5, size)):
        ours = perturb(images[part], name, difficulty=difficulty, seed=5, ids=[ids[number] for number in part])
        assert torch.equal(ours, whole[part])


@pytest.mark.parametrize("name", ALL_SEQUENCES)
def test_pieces_of_a_large_batch_fit_together(name, monkeypatch):
    """A batch that is worked on in pieces gives the bytes of one that is not."""
    images = pictures(7, 32, 32)
    whole = perturb(images, name)
    monkeypatch.setattr("rugged.perturbations.engine._IN_CACHE", 2 * 3 * 32 * 32)
    assert torch.equal(perturb(images, name), whole)


@pytest.mark.parametrize("name", ALL_SEQUENCES)
def test_layout_does_not_matter_and_inputs_stay(name):
    images = pictures(2, 40, 33)
    before = images.clone()
    expected = perturb(images, name, preset="cifar32")
    strided = torch.zeros(4, 3, 80, 33, dtype=torch.uint8)[::2, :, 1::2]
    strided.copy_(images)
    for same in (images.contiguous(memory_format=torch.channels_last), strided):
        assert torch.equal(perturb(same, name, preset="cifar32"), expected)
    assert torch.equal(images, before)


@pytest.mark.parametrize("name", ALL_SEQUENCES)
def test_what_the_draws_depend_on(name):
    images = pictures(1, 32, 32).expand(3, -1, -1, -1)
    first, second, again = perturb(images, name, ids=["a", "b", "a"])
    assert torch.equal(first, again)
    assert torch.equal(first, second) != (name in DRAWS)
    assert torch.equal(first, perturb(images[:1], name, ids=["a"], seed=1)[0]) != (name in DRAWS)


@pytest.mark.parametrize("name", ALL_SEQUENCES)
def test_difficulty_changes_noise_alone(name):
    images = pictures(1, 32, 32)
    easy, hard = (perturb(images, name, difficulty=difficulty) for difficulty in (1, 3))
    assert torch.equal(easy, hard) != compares_with_first(name)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (90, 41)])
@pytest.mark.parametrize("name", ALL_SEQUENCES)
def test_any_size_is_framed(name, size):
    for preset in ("cifar32", "tiny64"):
        side = PRESETS[preset].side
        assert perturb(pictures(1, *size), name, preset=preset).shape[2:] == (3, side, side)


def test_no_pictures_give_no_sequences():
    assert perturb(pictures(0), "rotate").shape == (0, 31, 3, 64, 64)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "rotation"}, r"no perturbation sequence 'rotation'\. Did you mean 'rotate'\?"),
        ({"name": "fog"}, "no perturbation sequence 'fog'"),
        ({"preset": "tiny"}, r"no preset with sequences 'tiny'\. Did you mean 'tiny64'\?"),
        ({"preset": "inception299"}, "no preset with sequences 'inception299'"),
        ({"difficulty": 4}, "difficulty must be 1, 2 or 3, not 4"),
        ({"difficulty": True}, "difficulty must be 1, 2 or 3, not True"),
        ({"difficulty": 2.0}, r"difficulty must be 1, 2 or 3, not 2\.0"),
        ({"difficulty": "2"}, "difficulty must be 1, 2 or 3, not '2'"),
        ({"seed": 0.5}, "seed must be an integer"),
        ({"ids": ["a", "b"]}, "2 ids for 1 images"),
    ],
)
def test_errors_say_what_to_do(arguments, message):
    with pytest.raises(CorruptionError, match=message):
        perturb(pictures(1), **{"name": "rotate", **arguments})


def test_floating_point_pictures_are_refused():
    with pytest.raises(CorruptionError, match="uint8"):
        perturb(torch.rand(1, 3, 64, 64), "rotate")


@pytest.mark.parametrize("name", ALL_SEQUENCES)
def test_a_gpu_gives_the_same(name, accelerator):
    for images in (pictures(3), pictures(2, 150, 97), pictures(48)):  # the last are not few for a GPU: host._FEW
        here, there = perturb(images, name), perturb(images.to(accelerator), name).cpu()
        assert (here == there).double().mean() >= 0.999
