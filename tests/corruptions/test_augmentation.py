"""Random corruption for training: the benchmark's kernels, each picture with a corruption of its own."""

import numpy as np
import pytest
import torch

from rugged.core.catalogue import ALL, EXTRA
from rugged.core.errors import CorruptionError
from rugged.corruptions import corrupt, corrupt_randomly
from rugged.corruptions.augmentation import DeviceStream
from rugged.corruptions.request import as_choices


def pictures(count, side=16):
    torch.manual_seed(1)
    return torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8)


def test_every_choice_is_drawn_as_often_as_the_others():
    """Of corruptions without chance the result tells which was drawn."""
    images, names, severities = pictures(900), ("brightness", "contrast", "pixelate"), (1, 3)
    kinds = [corrupt(images, name, severity) for name in names for severity in severities]
    torch.manual_seed(7)
    result = corrupt_randomly(images, names, severities, probability=2 / 3)
    matches = torch.stack([(result == kind).flatten(1).all(1) for kind in (*kinds, images)])
    assert (matches.sum(0) == 1).all()
    counts = matches.sum(1).double()
    expected = torch.tensor([100.0] * 6 + [300.0])
    assert ((counts - expected).abs() < 4.5 * (expected * (1 - expected / 900)).sqrt()).all()


def test_together_a_batch_draws_from_few_pairs_and_an_image_from_all():
    images, names, severities = pictures(24), ("brightness", "contrast", "pixelate"), (1, 3)
    kinds = torch.stack([corrupt(images, name, severity) for name in names for severity in severities])
    torch.manual_seed(2)
    counts = []
    for _ in range(300):
        result = corrupt_randomly(images, names, severities, together=8)
        counts.append((kinds == result).flatten(2).all(2).sum(1))
        assert counts[-1].sum() == 24
        assert (counts[-1] > 0).sum() <= 3
    total = torch.stack(counts).double().sum(0)
    # Of a batch's 24 images a pair gets 8 ± sqrt(24 · 1/3 · 2/3) with chance 1/2, else none: a spread of 4.32.
    assert ((total - 1200).abs() < 4 * 4.32 * 300**0.5).all()


def test_the_seed_decides_and_inputs_stay_as_they_are():
    images = pictures(40)
    before = images.clone()
    torch.manual_seed(3)
    first = corrupt_randomly(images, ["gaussian_noise", "fog", "motion_blur"])
    torch.manual_seed(3)
    assert torch.equal(corrupt_randomly(images, ["gaussian_noise", "fog", "motion_blur"]), first)
    assert not torch.equal(corrupt_randomly(images, ["gaussian_noise", "fog", "motion_blur"]), first)
    assert torch.equal(images, before)


def test_probability_0_changes_nothing_and_1_everything():
    images = pictures(30)
    assert torch.equal(corrupt_randomly(images, ["contrast"], probability=0.0), images)
    changed = corrupt_randomly(images, ["contrast"], [5], probability=1.0)
    assert torch.equal(changed, corrupt(images, "contrast", 5))


def test_noise_is_as_strong_as_its_parameter_says_and_differs_between_pictures():
    images = torch.full((64, 3, 32, 32), 128, dtype=torch.uint8)
    torch.manual_seed(6)
    noisy = corrupt_randomly(images, ["gaussian_noise"], [1], preset="tiny64").double()
    assert noisy.std() / 255 == pytest.approx(0.04, rel=0.02)
    flat = noisy.flatten(1)
    assert np.abs(np.corrcoef(flat.numpy()) - np.eye(64)).max() < 5 / np.sqrt(flat.shape[1])


def test_bits_are_uniform():
    torch.manual_seed(4)
    stream = DeviceStream(8, torch.device("cpu"))
    halfwords = stream.halfwords(8192, torch.int32)
    assert halfwords.dtype == torch.int32
    assert 0 <= halfwords.min() < 100
    assert 65435 < halfwords.max() <= 65535
    assert halfwords.double().mean() == pytest.approx(32767.5, rel=0.01)
    words = stream.words(4096)
    ones = torch.stack([(words >> bit) & 1 for bit in range(64)]).double().mean((1, 2))
    assert (ones - 0.5).abs().max() < 5 * 0.5 / np.sqrt(words.numel())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], (1,)), "at least one corruption"),
        ((["fog"], ()), "at least one severity"),
        (("fog", np.array(3)), "severity must be a whole number"),
        (("fog", torch.tensor(3)), "severity must be a whole number"),
        ((["fog"], 7), "whole number from 1 to 5, not 7"),
        ((["fgo"], (1,)), "Did you mean 'fog'"),
        ((["fog"], (6,)), "not 6"),
    ],
)
def test_what_cannot_be_drawn_from_is_refused(arguments, message):
    with pytest.raises(CorruptionError, match=message):
        corrupt_randomly(pictures(2), *arguments)


def test_sets_stand_for_their_corruptions():
    assert as_choices("extra", 1) == (EXTRA, (1,))
    names, _ = as_choices(["extra", "fog", "all", "fog"], [1, 2])
    assert names[: len(EXTRA) + 1] == (*EXTRA, "fog")
    assert sorted(names) == sorted(ALL)
    assert as_choices(["fog", "snow", "fog"], 1)[0] == ("fog", "snow", "fog")  # Twice as likely, in the order given.
    images = pictures(3)
    torch.manual_seed(0)
    drawn = corrupt_randomly(images, "extra", 2)
    torch.manual_seed(0)
    assert torch.equal(drawn, corrupt_randomly(images, EXTRA, 2))


def test_one_to_choose_from_needs_no_list():
    images = pictures(4)
    assert torch.equal(corrupt_randomly(images, "contrast", 2), corrupt(images, "contrast", 2))
    for wrong in (0, "a", float("nan"), 2.0):
        with pytest.raises(CorruptionError, match=f"at least 1 image to be corrupted together, not '?{wrong}"):
            corrupt_randomly(images, "fog", together=wrong)


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan"), "often"])
def test_impossible_probabilities_are_refused(probability):
    with pytest.raises(CorruptionError, match="probability from 0 to 1"):
        corrupt_randomly(pictures(2), ["fog"], probability=probability)


def test_everything_is_drawn_on_the_device(accelerator):
    images, names = pictures(64, 64).to(accelerator), ["gaussian_noise", "glass_blur", "fog", "elastic_transform"]
    torch.manual_seed(3)
    result = corrupt_randomly(images, names)
    assert result.device == accelerator
    assert (result != images).flatten(1).any(1).all()
    torch.manual_seed(3)
    assert torch.equal(corrupt_randomly(images, names), result)
