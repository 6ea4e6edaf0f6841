"""The losses against numbers worked out by hand."""

import math

import pytest
import torch

from rugged.restore.losses import discriminator_loss, gate_loss, generator_loss, gradient_penalty, pixel_loss

REAL = torch.tensor([1.0, 3.0]).view(2, 1, 1, 1)
FAKE = torch.tensor([0.0, 2.0]).view(2, 1, 1, 1)


def test_pixel_losses():
    clean = torch.zeros(1, 3, 2, 2)
    apart = clean.clone()
    apart[0, 0, 0, 0] = -0.24
    assert pixel_loss(apart, clean, "l1").item() == pytest.approx(0.24 / 12)
    assert pixel_loss(clean, clean, "l1").item() == 0
    assert pixel_loss(clean, clean, "charbonnier").item() == pytest.approx(0.001)
    apart.fill_(0.00075)  # 3, 4, 5: √(0.00075² + 0.001²) = 0.00125
    assert pixel_loss(apart, clean, "charbonnier").item() == pytest.approx(0.00125)


def test_relativistic_average_least_squares():
    # Means: 2 of the real, 1 of the fake. Real ones lie -1 and 1 above the mean fake one less 1 and so on.
    assert discriminator_loss("ragan-ls", REAL, FAKE).item() == ((1 + 1) / 2 + (1 + 1) / 2) / 2
    assert generator_loss("ragan-ls", REAL, FAKE).item() == ((9 + 1) / 2 + (1 + 9) / 2) / 2


def test_relativistic_losses_are_least_where_each_side_wants_it():
    won = torch.full((2, 1, 1, 1), 0.5)
    assert discriminator_loss("ragan-ls", won, -won).item() == 0
    assert generator_loss("ragan-ls", -won, won).item() == 0


def test_wasserstein():
    assert discriminator_loss("wgan-gp", REAL, FAKE).item() == 1 - 2
    assert generator_loss("wgan-gp", REAL, FAKE).item() == -1


def test_gradient_penalty_of_a_linear_critic():
    """Its slope is the length of its weights, everywhere: here √(12 · 0.5²) = √3."""
    weights = torch.full((1, 3, 2, 2), 0.5)
    real, fake, mix = torch.rand(4, 3, 2, 2), torch.rand(4, 3, 2, 2), torch.rand(4, 1, 1, 1)
    # Two verdicts a picture, of which the score is the mean: twice and none of the weights.
    penalty = gradient_penalty(
        lambda x: torch.stack(((x * 2 * weights).sum((1, 2, 3)), 0 * x.sum((1, 2, 3))), 1), real, fake, mix
    )
    assert penalty.item() == pytest.approx((math.sqrt(3) - 1) ** 2, rel=1e-5)


def test_gradient_penalty_looks_between_the_pictures():
    """The slope of half the squared length is the picture itself: at a quarter of the way, its length there."""
    real, fake = torch.full((1, 1, 1, 4), 8.0), torch.zeros(1, 1, 1, 4)
    penalty = gradient_penalty(
        lambda x: x.square().sum((1, 2, 3))[:, None] / 2, real, fake, torch.full((1, 1, 1, 1), 0.25)
    )
    assert penalty.item() == pytest.approx((math.sqrt(4 * 2.0**2) - 1) ** 2)


def test_gradient_penalty_teaches_the_critic():
    """d/da (a·√4 - 1)² = 2 (2a - 1) · 2, by way of a second derivative."""
    scale = torch.tensor(1.5, requires_grad=True)
    pictures = torch.rand(3, 1, 2, 2)
    gradient_penalty(
        lambda x: scale * x.sum((1, 2, 3))[:, None], pictures, pictures.flip(0), torch.rand(3, 1, 1, 1)
    ).backward()
    assert scale.grad.item() == pytest.approx(2 * (2 * 1.5 - 1) * 2, rel=1e-5)


def test_the_gate_is_judged_by_cross_entropy():
    damaged = torch.tensor([True, False])
    assert gate_loss(torch.zeros(2), damaged).item() == pytest.approx(math.log(2))
    assert gate_loss(torch.tensor([math.log(3), math.log(3)]), damaged).item() == pytest.approx(
        -(math.log(0.75) + math.log(0.25)) / 2
    )
