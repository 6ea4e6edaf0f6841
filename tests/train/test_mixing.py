"""Mixed pictures and their targets tell the same story."""

import random

import numpy as np
import pytest
import scipy.stats
import torch
from torch.nn import functional

from rugged.train.losses import cross_entropy
from rugged.train.mixing import mix, mix_ledger

MIXUP = {"mixup_alpha": 0.4, "cutmix_alpha": 0.0, "probability": 1.0}
CUTMIX = {"mixup_alpha": 0.0, "cutmix_alpha": 1.0, "probability": 1.0}
BOTH = {"mixup_alpha": 0.2, "cutmix_alpha": 1.0, "probability": 0.6}


def batch(count=5, height=12, width=17):
    """Pictures that are one level each, which says whose pixel it is; labels are the pictures' numbers."""
    levels = 10.0 ** torch.arange(count)
    return levels[:, None, None, None].expand(count, 3, height, width).contiguous(), torch.arange(count)


def test_mixup_adds_neighbours_as_the_targets_say():
    torch.manual_seed(0)
    shares = []
    for _ in range(500):
        images, labels = batch()
        mixed, targets = mix(images, labels, classes=7, **MIXUP)
        share = targets[0, 0].item()
        shares.append(share)
        expected = share * functional.one_hot(labels, 7) + (1 - share) * functional.one_hot(labels.roll(1), 7)
        torch.testing.assert_close(targets, expected)
        torch.testing.assert_close(mixed, share * images + (1 - share) * images.roll(1, 0))
    assert scipy.stats.kstest(shares, scipy.stats.beta(0.4, 0.4).cdf).pvalue > 0.001


def test_cutmix_puts_in_a_rectangle_as_large_as_the_targets_say():
    torch.manual_seed(1)
    areas = []
    for _ in range(300):
        images, labels = batch()
        mixed, targets = mix(images, labels, classes=5, **CUTMIX)
        foreign = mixed != images
        assert torch.equal(mixed[foreign], images.roll(1, 0)[foreign])
        assert (foreign == foreign[0, 0]).all()  # The same place in every picture and channel.
        inside = foreign[0, 0]
        rows, columns = inside.any(1), inside.any(0)
        assert torch.equal(inside, rows[:, None] & columns)
        assert all(line.int().diff().abs().sum() <= 2 for line in (rows, columns))  # No gaps.
        area = inside.float().mean()
        areas.append(area.item())
        expected = (1 - area) * functional.one_hot(labels, 5) + area * functional.one_hot(labels.roll(1), 5)
        torch.testing.assert_close(targets, expected)
    assert max(areas) > 0.5
    assert min(areas) < 0.1


@pytest.mark.parametrize("kind", [MIXUP, CUTMIX], ids=["mixup", "cutmix"])
def test_views_of_a_picture_are_mixed_alike(kind):
    images, labels = batch()
    mixed, _ = mix(torch.cat([images, images * 2, images * 4], 1), labels, classes=5, **kind)
    for factor, view in zip((1, 2, 4), mixed.split(3, 1), strict=True):
        assert torch.equal(view, mixed[:, :3] * factor)  # Powers of two: no rounding.


def test_neighbours_of_one_class_keep_it():
    images, _ = batch()
    for kind in (MIXUP, CUTMIX):
        _, targets = mix(images, torch.full((5,), 3), classes=4, **kind)
        torch.testing.assert_close(targets, functional.one_hot(torch.full((5,), 3), 4).float())


def test_batches_are_mixed_with_the_probability_given_and_in_either_way_as_often():
    torch.manual_seed(2)
    counts = {"none": 0, "mixup": 0, "cutmix": 0}
    for _ in range(1000):
        images, labels = batch(2, 16, 16)
        mixed, targets = mix(images, labels, classes=2, **BOTH)
        if targets.max(1).values.eq(1).all() and torch.equal(mixed, images):
            counts["none"] += 1
        else:
            counts["cutmix" if torch.isin(mixed, images).all() else "mixup"] += 1
    # Within four standard deviations; CutMix draws an empty rectangle, and MixUp a share of one, now and then.
    assert 0.34 * 1000 < counts["none"] < 0.55 * 1000
    assert 0.24 * 1000 < counts["mixup"] < 0.36 * 1000
    assert 0.20 * 1000 < counts["cutmix"] < 0.36 * 1000


@pytest.mark.parametrize("off", [{"probability": 0.0}, {"mixup_alpha": 0.0, "cutmix_alpha": 0.0}])
def test_off_means_unchanged(off):
    images, labels = batch()
    mixed, targets = mix(images, labels, classes=9, **{**BOTH, **off})
    assert torch.equal(mixed, images)
    assert torch.equal(targets, functional.one_hot(labels, 9).float())
    assert targets.dtype == torch.float32
    assert mix_ledger(**{**BOTH, **off}) == ()


def test_the_ledger_lists_what_is_used():
    assert mix_ledger(**BOTH) == ("mixup", "cutmix")
    assert mix_ledger(**MIXUP) == ("mixup",)
    assert mix_ledger(**CUTMIX) == ("cutmix",)


@pytest.mark.parametrize("kind", [MIXUP, CUTMIX], ids=["mixup", "cutmix"])
def test_pytorchs_seed_alone_decides_and_inputs_stay_as_they_are(kind):
    torch.manual_seed(4)
    images = torch.rand(6, 3, 20, 20).to(memory_format=torch.channels_last)
    labels = torch.randint(0, 3, (6,))
    kept = images.clone(), labels.clone()
    results = []
    for other in (0, 1):
        np.random.seed(other)
        random.seed(other)
        torch.manual_seed(5)
        results.append(mix(images, labels, classes=3, **kind))
    assert all(torch.equal(first, second) for first, second in zip(*results, strict=True))
    assert not torch.equal(mix(images, labels, classes=3, **kind)[0], results[0][0])
    assert torch.equal(images, kept[0])
    assert torch.equal(labels, kept[1])
    assert results[0][0].is_contiguous(memory_format=torch.channels_last)


def test_smoothing_in_the_loss_is_smoothing_before_mixing():
    torch.manual_seed(6)
    logits, labels = torch.randn(5, 8), torch.tensor([1, 1, 0, 7, 3])
    _, targets = mix(batch()[0], labels, classes=8, **MIXUP)
    share = targets[2, 0]  # Its neighbour is of another class.
    losses = [
        functional.cross_entropy(logits, each, label_smoothing=0.1, reduction="none")
        for each in (labels, labels.roll(1))
    ]
    expected = (share * losses[0] + (1 - share) * losses[1]).mean()
    torch.testing.assert_close(cross_entropy(logits, targets, label_smoothing=0.1), expected)


@pytest.mark.parametrize("kind", [MIXUP, CUTMIX], ids=["mixup", "cutmix"])
def test_a_gpu_mixes_the_same(kind, accelerator):
    results = []
    for device in (torch.device("cpu"), accelerator):
        torch.manual_seed(7)
        images, labels = batch()
        results.append(mix(images.to(device), labels.to(device), classes=5, **kind))
    for here, there in zip(*results, strict=True):
        assert there.device == accelerator
        torch.testing.assert_close(there.cpu(), here)
