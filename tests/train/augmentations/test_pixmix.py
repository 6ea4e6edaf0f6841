"""PixMix: the paper's rounds, weights and operations, each picture's its own."""

import numpy as np
import pytest
import torch
from scipy import stats

from rugged.core.errors import ConfigError
from rugged.train.augmentations import pixmix as module
from rugged.train.augmentations.pixmix import pixmix


def pictures(count, side=6):
    torch.manual_seed(1)
    return torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8)


def same(images):
    return images


def test_sums_and_products_are_the_papers():
    torch.manual_seed(2)
    levels, partners = torch.rand(2, 50, 3, 4, 4) * 255
    levels[0], partners[1] = 0, 0
    own, other = module._weights(50, 3, torch.device("cpu"))
    a, b, x, y = (values.double() for values in (own, other, levels / 255, partners / 255))
    added = (a * (2 * x - 1) + b * (2 * y - 1) + 1) / 2
    multiplied = (2 * x) ** a * (2 * y).clamp(min=1e-37) ** b / 2
    result = module._add(levels.clone(), partners.clone(), own, other) / 255
    assert torch.allclose(result.double(), added, atol=1e-5)
    result = module._multiply(levels.clone(), partners.clone(), own, other) / 255
    assert torch.allclose(result.double().clamp(0, 1), multiplied.clamp(0, 1), atol=1e-5)


def test_sums_and_products_are_drawn_alike_and_clipped(monkeypatch):
    monkeypatch.setattr(module, "_add", lambda levels, *_: levels.fill_(300))
    monkeypatch.setattr(module, "_multiply", lambda levels, *_: levels.fill_(-1))
    result = module._mix(torch.ones(1000, 3, 2, 2), torch.ones(1000, 3, 2, 2), 3.0)
    added = (result == 255).flatten(1).all(1)
    assert (added ^ (result == 0).flatten(1).all(1)).all()
    assert 430 < added.sum() < 570  # Within four and a half standard deviations of 500.


def test_each_picture_is_mixed_with_its_partner_by_its_weights(monkeypatch):
    """Sum or product: with weights of 0 and 1 the partner is left, with 1 and 0 the picture."""
    levels, partners = pictures(40).clamp(min=1).float(), pictures(40).flip(0).clamp(min=1).float()
    own = (torch.arange(40) % 3 == 0).float()[:, None, None, None]
    monkeypatch.setattr(module, "_weights", lambda *_: (own, 1 - own))
    expected = torch.where(own.bool(), levels, partners)
    assert torch.allclose(module._mix(levels.clone(), partners.clone(), 3.0), expected, atol=1e-3)


@pytest.mark.parametrize("beta", [3.0, 0.5])
def test_weights_are_drawn_from_beta_distributions(beta):
    torch.manual_seed(4)
    own, other = (weights.flatten().double().numpy() for weights in module._weights(20_000, beta, torch.device("cpu")))
    between = own <= 1
    assert 9700 < between.sum() < 10_300
    assert ((other >= 0) == between).all()
    few, rest = stats.beta(1, beta), stats.beta(beta, 1)
    for numbers, distribution in (
        (own[between], rest), (other[between], few), (own[~between] - 1, few), (-other[~between], few),
    ):  # fmt: skip
        assert stats.kstest(numbers, distribution.cdf).pvalue > 1e-3
    assert abs(np.corrcoef(own[between], other[between])[0, 1]) < 0.05


def test_every_number_of_rounds_is_as_likely(monkeypatch):
    monkeypatch.setattr(module, "_mix", lambda levels, partners, beta: levels + 1)
    images = pictures(2000) // 2
    torch.manual_seed(3)
    result = pixmix(images, pictures(3), same)
    rounds = result.int() - images.int()
    assert (rounds == rounds[:, :1, :1, :1]).all()
    counts = rounds[:, 0, 0, 0].bincount(minlength=5)
    assert len(counts) == 5
    assert ((counts - 400).abs() < 4.5 * 17.9).all()
    assert abs(np.corrcoef(np.arange(2000), rounds[:, 0, 0, 0])[0, 1]) < 0.1


def test_pictures_copies_and_fractals_take_their_turns(monkeypatch):
    monkeypatch.setattr(module, "_mix", lambda levels, partners, beta: partners)
    images, mixers = pictures(1000), pictures(9)[5:] ^ 1
    torch.manual_seed(3)
    result = pixmix(images, mixers, lambda some: 255 - some, rounds=1)
    kinds = [(result == kind).flatten(1).all(1) for kind in (images, 255 - images)]
    kinds.append((result[:, None] == mixers).flatten(2).all(2).any(1))
    matches = torch.stack(kinds)
    assert (matches.sum(0) == 1).all()
    # Without a round the picture or its copy, with one a fractal or the copy.
    expected = torch.tensor([250.0, 500.0, 250.0])
    assert ((matches.sum(1) - expected).abs() < 4.5 * (expected * (1 - expected / 1000)).sqrt()).all()


def test_a_picture_stays_with_one_fractal(monkeypatch):
    monkeypatch.setattr(module, "_mix", lambda levels, partners, beta: levels + partners)
    mixers = torch.stack([torch.full((3, 4, 4), value, dtype=torch.uint8) for value in (10, 13)])
    result = pixmix(torch.zeros(2000, 3, 4, 4, dtype=torch.uint8), mixers, same)
    assert set(result.unique().tolist()) == {0, 10, 20, 30, 40, 13, 26, 39, 52}


def test_every_window_of_every_fractal_is_drawn():
    mixers = torch.arange(2 * 3 * 6 * 5, dtype=torch.uint8).view(2, 3, 6, 5)
    torch.manual_seed(6)
    windows = module._windows(mixers, 1800, 4, 4)
    every = [
        mixers[which, :, top : top + 4, left : left + 4] for which in (0, 1) for top in range(3) for left in (0, 1)
    ]
    matches = torch.stack([(windows == window).flatten(1).all(1) for window in every])
    assert (matches.sum(0) == 1).all()
    assert ((matches.sum(1) - 150).abs() < 4.5 * 11.8).all()


def test_mixing_little_of_a_fractal_changes_little():
    """The larger beta, the less is mixed in."""
    images, mixers = pictures(200), pictures(200).flip(0)
    changes = [(pixmix(images, mixers, same, beta=beta).float() - images).abs().mean() for beta in (1, 10, 10_000)]
    assert changes[0] > changes[1] > changes[2]
    assert changes[2] < 0.2


def test_probability_0_changes_nothing_and_one_half_a_half():
    images, mixers = pictures(400), torch.zeros(1, 3, 6, 6, dtype=torch.uint8)
    assert torch.equal(pixmix(images, mixers, same, probability=0.0), images)
    changed = (pixmix(images, mixers, lambda some: some ^ 255, rounds=0, probability=0.5) != images).flatten(1).any(1)
    assert 60 < changed.sum() < 140  # Half of a half.


def test_the_seed_decides_whatever_the_layout_and_inputs_stay_as_they_are():
    images, mixers = pictures(30), pictures(8)
    before = images.clone(), mixers.clone()
    torch.manual_seed(5)
    first = pixmix(images, mixers, lambda some: some.flip(-1))
    assert first.is_contiguous()
    torch.manual_seed(5)
    layout = images.contiguous(memory_format=torch.channels_last)
    assert torch.equal(pixmix(layout, mixers, lambda some: some.flip(-1)), first)
    assert not torch.equal(pixmix(images, mixers, lambda some: some.flip(-1)), first)
    assert torch.equal(images, before[0])
    assert torch.equal(mixers, before[1])


def test_pictures_are_mixed_on_the_device(accelerator):
    images, mixers = pictures(100).to(accelerator), pictures(8, 9).to(accelerator)
    torch.manual_seed(5)
    first = pixmix(images, mixers, lambda some: some.flip(-1))
    assert first.device == accelerator
    torch.manual_seed(5)
    assert torch.equal(pixmix(images, mixers, lambda some: some.flip(-1)), first)
    assert (first != images).flatten(1).any(1).sum() > 70


def test_small_mixers_are_refused():
    with pytest.raises(ConfigError, match=r"\(6, 6\).*\(5, 5\).*caller has to draw larger fractals, or to resize"):
        pixmix(pictures(2), pictures(2, 5), same)
