"""Losses agree with formulas written out and with scipy, and stay finite where probabilities vanish."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from scipy.special import log_softmax, softmax
from torch.nn import functional

from rugged.train.losses import cross_entropy, jensen_shannon


def logits(seed, count=6, classes=5, spread=3.0):
    return torch.randn(count, classes, generator=torch.Generator().manual_seed(seed)) * spread


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_cross_entropy_is_its_formula_for_hard_and_soft_targets(smoothing):
    answers, labels = logits(0), torch.tensor([0, 4, 2, 2, 1, 3])
    soft = functional.one_hot(labels, 5) * 0.7 + functional.one_hot(labels.roll(1), 5) * 0.3
    for given, distribution in ((labels, functional.one_hot(labels, 5)), (soft, soft)):
        smoothed = distribution.numpy() * (1 - smoothing) + smoothing / 5
        expected = -(smoothed * log_softmax(answers.double().numpy(), axis=1)).sum(1).mean()
        assert cross_entropy(answers, given, label_smoothing=smoothing).item() == pytest.approx(expected, rel=1e-5)


def test_two_views_agree_with_scipy():
    first, second = logits(1), logits(2)
    distances = [jensenshannon(p, q) for p, q in zip(softmax(first, axis=1), softmax(second, axis=1), strict=True)]
    assert jensen_shannon((first, second)).item() == pytest.approx(np.mean(np.square(distances)), rel=1e-5)


def test_three_views_agree_with_the_formula_written_out():
    views = tuple(logits(seed) for seed in range(3))
    total = 0.0
    for row in range(6):
        p = [softmax(view[row].double().numpy()) for view in views]
        mean = sum(p) / 3
        total += sum((each * np.log(each / mean)).sum() for each in p) / 3
    assert jensen_shannon(views).item() == pytest.approx(total / 6, rel=1e-5)


def test_agreement_costs_nothing_and_disagreement_at_most_ln_v():
    view = logits(3).requires_grad_()
    loss = jensen_shannon((view, view * 1, view + 7))
    loss.backward()
    assert abs(loss.item()) < 1e-6
    assert view.grad.abs().max() < 1e-6
    certain = torch.eye(3) * 1e4  # Each view is sure of another class.
    assert jensen_shannon(certain.split(1)).item() == pytest.approx(math.log(3))


def test_vanishing_probabilities_leave_value_and_gradient_finite():
    views = [(logits(seed) * 1e4).requires_grad_() for seed in range(3)]
    loss = jensen_shannon(views) + cross_entropy(views[0], torch.zeros(6, dtype=torch.int64))
    loss.backward()
    assert loss.isfinite()
    assert all(view.grad.isfinite().all() for view in views)


def test_a_gradient_reaches_what_float32_probabilities_cannot_show():
    """Both views are surer of class 0 than float32 can tell from certain; their odds differ by e^10 all the same."""
    first, second = torch.tensor([[120.0, 0.0]], requires_grad=True), torch.tensor([[130.0, 0.0]])
    jensen_shannon((first, second)).backward()
    assert first.grad.isfinite().all()
    close, other = (torch.tensor([[x, 0.0]], requires_grad=True) for x in (20.0, 30.0))
    jensen_shannon((close, other)).backward()
    # To first order in q = e^-20: q ln 2 / 2 is the divergence, and - q ln 2 / 2 its slope in the logit.
    assert close.grad[0, 0].item() == pytest.approx(-math.exp(-20) * math.log(2) / 2, rel=1e-3)


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_logits_are_judged_in_float32(dtype, autocast):
    views = [logits(seed, 64, 200).to(dtype) for seed in range(3)]
    labels = torch.arange(64)
    with torch.autocast("cpu", dtype, enabled=autocast):
        divergence, loss = jensen_shannon(views), cross_entropy(views[0], labels, label_smoothing=0.1)
    assert divergence.dtype == loss.dtype == torch.float32
    p = softmax(np.stack([view.double().numpy() for view in views]), axis=2)
    expected = (p * np.log(p / p.mean(0))).sum(2).mean()
    assert divergence.item() == pytest.approx(expected, rel=1e-5)
    exact = functional.cross_entropy(views[0].double(), labels, label_smoothing=0.1)
    assert loss.item() == pytest.approx(exact.item(), rel=1e-6)
