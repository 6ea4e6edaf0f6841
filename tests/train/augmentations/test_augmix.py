"""AugMix draws as the paper does, and mixes what its chains make."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torchvision.transforms.v2 import functional

from rugged.train.augmentations import augmix as module
from rugged.train.augmentations.augmix import alter, augmix
from rugged.train.augmentations.operations import ALL_OPERATIONS, AUGMIX_OPERATIONS

LIKELY = 1e-4


def pictures(count, height=16, width=20):
    torch.manual_seed(1)
    return torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8)


@pytest.fixture
def drawn(monkeypatch):
    """The names, choices and strengths that are drawn; nothing is applied."""
    calls = {}

    def record(images, names, choices, strengths, ranges, *, smooth):
        calls.update(names=names, choices=choices, strengths=strengths, ranges=ranges, smooth=smooth)
        return images

    monkeypatch.setattr(module, "apply_chosen", record)
    return calls


def test_one_to_three_operations_in_each_of_three_chains(drawn):
    augmix(pictures(1000, 2, 2))
    choices = drawn["choices"]
    assert drawn["names"] == AUGMIX_OPERATIONS
    assert drawn["smooth"]
    assert choices.shape == (3, 3000)
    used = choices >= 0
    assert (used[:-1] >= used[1:]).all()  # A chain that has ended stays so.
    assert stats.chisquare(np.bincount(used.sum(0), minlength=4)[1:]).pvalue > LIKELY
    assert (used.sum(0) > 0).all()
    assert stats.chisquare(np.bincount(choices[used], minlength=9)).pvalue > LIKELY
    for first, second in ((0, 1), (0, 2), (1, 2)):  # Chains of an image, and operations of a chain, are independent.
        lengths = used.sum(0).view(3, 1000).double().numpy()
        assert abs(np.corrcoef(lengths[first], lengths[second])[0, 1]) < 4.5 / math.sqrt(1000)
        both = used[first] & used[second]
        assert abs(np.corrcoef(choices[first][both], choices[second][both])[0, 1]) < 4.5 / math.sqrt(both.sum())


def test_width_and_depth_are_as_asked_for(drawn):
    augmix(pictures(10, 2, 2), width=5, depth=4, names=("identity", "rotate"))
    assert drawn["choices"].shape == (4, 50)
    assert (drawn["choices"] >= 0).all()
    augmix(pictures(10, 2, 2), width=1, depth=1)
    assert drawn["choices"].shape == (1, 10)


@pytest.mark.parametrize("severity", [1, 3, 10])
def test_levels_are_uniform_up_to_the_severity_and_signs_are_even(drawn, severity):
    augmix(pictures(500, 2, 2), severity=severity)
    strengths = drawn["strengths"].flatten().numpy()
    assert stats.kstest(abs(strengths) * 10, stats.uniform(0.1, severity - 0.1).cdf).pvalue > LIKELY
    assert stats.binomtest(int((strengths < 0).sum()), strengths.size).pvalue > LIKELY


def published(name, level, sign, height, width):
    """Magnitudes as the authors' program derives them from a level of ten."""
    whole = {"rotate": 30, "translate_x": width / 3, "translate_y": height / 3}
    if name in whole:
        return sign * int(level * whole[name] / 10)
    return {
        "shear_x": sign * level * 0.3 / 10,
        "shear_y": sign * level * 0.3 / 10,
        "posterize": 4 - int(level * 4 / 10),
        "solarize": 256 - int(level * 256 / 10),
    }.get(name, level * 1.8 / 10 + 0.1)


@pytest.mark.parametrize(
    "name", [name for name in ALL_OPERATIONS if name not in ("identity", "autocontrast", "equalize")]
)
def test_magnitudes_are_the_authors(drawn, name):
    augmix(pictures(1, 64, 50), names=(name,))
    levels = [(level, sign) for level in np.linspace(0.103, 9.97, 211).tolist() for sign in (1, -1)]
    strengths = torch.tensor([level / 10 * sign for level, sign in levels])
    expected = [published(name, level, sign, 64, 50) for level, sign in levels]
    torch.testing.assert_close(drawn["ranges"][name](strengths), torch.tensor(expected).float())


@pytest.mark.parametrize("alpha", [0.5, 1.0, 4.0])
def test_weights_are_beta_and_dirichlet(monkeypatch, alpha):
    """Of black images and one white copy of three, the result shows the copy's weight."""

    def one_white(images, *arguments, smooth):
        images[:2000] = 255
        return images

    monkeypatch.setattr(module, "apply_chosen", one_white)
    torch.manual_seed(1)
    found = augmix(torch.zeros(2000, 3, 1, 1, dtype=torch.uint8), alpha=alpha)[:, 0, 0, 0].numpy()
    random = np.random.default_rng(3)
    share, weights = random.beta(alpha, alpha, 20000), random.dirichlet([alpha] * 3, 20000)[:, 0]
    assert stats.ks_2samp(found, (255 * share * weights).round()).pvalue > LIKELY


@pytest.mark.parametrize("alpha", [0.5, 1.0, 4.0])
def test_all_chains_together_weigh_a_beta_share(monkeypatch, alpha):
    monkeypatch.setattr(module, "apply_chosen", lambda images, *arguments, smooth: images.fill_(255))
    torch.manual_seed(1)
    found = augmix(torch.zeros(2000, 3, 1, 1, dtype=torch.uint8), alpha=alpha)[:, 0, 0, 0].numpy()
    expected = (255 * np.random.default_rng(3).beta(alpha, alpha, 20000)).round()
    assert stats.ks_2samp(found, expected).pvalue > LIKELY


def test_results_lie_between_an_image_and_what_its_chain_makes():
    images = pictures(30) // 3 + 40
    result = augmix(images, width=1, depth=1, names=("autocontrast",)).double()
    ends = torch.stack([functional.autocontrast(image) for image in images]).double()
    way = ends - images
    shares = ((result - images) * way).sum((1, 2, 3)) / way.square().sum((1, 2, 3))
    mixed = images + shares[:, None, None, None] * way
    assert (result - mixed).abs().max() < 0.6  # rounded to levels
    assert shares.min() < 0.2
    assert shares.max() > 0.8


def test_what_nothing_is_done_to_stays():
    images = pictures(200)
    assert torch.equal(augmix(images, names=("identity",)), images)


def test_an_images_chance_to_be_treated_is_the_probability():
    images = pictures(800)
    assert torch.equal(augmix(images, probability=0.0), images)
    count = int((augmix(images, probability=0.3, names=("equalize",)) != images).flatten(1).any(1).sum())
    assert abs(count - 240) < 4.5 * math.sqrt(800 * 0.3 * 0.7)
    assert (augmix(images, names=("equalize",)) != images).flatten(1).any(1).float().mean() > 0.98


def test_the_seed_decides_whatever_the_layout_and_inputs_stay():
    images = pictures(40)
    other_layout = images.contiguous(memory_format=torch.channels_last)
    torch.manual_seed(5)
    first = augmix(images)
    torch.manual_seed(5)
    assert torch.equal(augmix(other_layout), first)
    assert not torch.equal(augmix(images), first)
    assert torch.equal(images, pictures(40))
    assert torch.equal(other_layout, images)


def test_everything_is_drawn_on_the_device(accelerator):
    images = pictures(64, 64, 64).to(accelerator)
    torch.manual_seed(3)
    result = augmix(images)
    assert result.device == accelerator
    torch.manual_seed(3)
    assert torch.equal(augmix(images), result)


def test_what_alters_a_copy_is_as_strong_as_its_severity_says():
    """At 3 of 10 the authors' program shifts by 64 / 3 · 0.3 pixels at most, and solarizes from 256 - 76 on."""
    torch.manual_seed(0)
    line = torch.zeros(400, 3, 64, 64, dtype=torch.uint8)
    line[..., 32] = 255
    found = alter(line, severity=3, names=("translate_x",)).amax(dim=(1, 2)).argmax(dim=1)
    assert (found.min(), found.max()) == (26, 38)
    levels = torch.arange(256, dtype=torch.uint8).expand(400, 3, 16, 256)
    solarized = alter(levels, severity=3, names=("solarize",))
    changed = (solarized != levels).flatten(0, 2).any(dim=0).nonzero().flatten()
    assert changed.min() == 180
    assert (solarized[:, :, :, 180:].amin(), solarized[:, :, :, :180].amax()) == (0, 179)
