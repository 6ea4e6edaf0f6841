"""Attacks against theory: for a linear network the worst picture is known."""

import copy

import pytest
import scipy.stats
import torch
from torch import nn
from torch.nn import functional

from rugged.models.split_norm import auxiliary, split_batch_norms
from rugged.train.adversarial import attack, under_attack

SHAPE = (3, 5, 4)


def linear(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(60, 2))


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(48, 4)
    )


def scaled(model):
    return lambda values: model(values / 255 - 0.5)


def pictures(count=8, shape=SHAPE):
    """With many values at the ends of the range, where the ball is cut."""
    generator = torch.Generator().manual_seed(3)
    return (torch.rand(count, *shape, generator=generator) * 355 - 50).clamp(0, 255)


@pytest.mark.parametrize("radius", [0.5, 4.0, 300.0])
def test_of_a_linear_network_the_corner_of_the_ball_is_found(radius):
    """Two classes: the loss grows with the other class's logit less the true one's, so with the sign of its weights."""
    model, values, targets = linear(), pictures(), torch.arange(8) % 2
    found = attack(scaled(model), values, targets, steps=9, step_size=radius / 4, radius=radius)
    weights = model[1].weight.detach()
    uphill = (weights[1 - targets] - weights[targets]).view(8, *SHAPE).sign()
    assert torch.equal(found, (values + radius * uphill).clamp(0, 255))
    losses = [functional.cross_entropy(scaled(model)(each), targets, reduction="none") for each in (values, found)]
    assert (losses[1] > losses[0]).all()


@pytest.mark.parametrize("steps", [0, 1, 5])
@pytest.mark.parametrize("step_size", [0.3, 50.0])
def test_ball_and_range_hold_always(steps, step_size):
    model, values, targets = network().eval(), pictures(), torch.arange(8) % 4
    kept = values.clone()
    found = attack(scaled(model), values, targets, steps=steps, step_size=step_size, radius=2.5)
    assert torch.equal(values, kept)
    assert not values.requires_grad
    assert not found.requires_grad
    assert (found - values).abs().max() <= 2.5 + 2e-5  # Half a unit in the last place of 255.
    assert found.min() >= 0
    assert found.max() <= 255
    assert not torch.equal(found, values)


def test_the_start_is_uniform_and_steps_are_as_long_as_said():
    model, values, targets = linear(), torch.full((50, *SHAPE), 100.0), torch.zeros(50, dtype=torch.int64)
    starts = {}
    for steps in (0, 1):
        torch.manual_seed(5)
        starts[steps] = attack(scaled(model), values, targets, steps=steps, step_size=0.25, radius=3) - 100
    assert scipy.stats.kstest(starts[0].flatten().numpy(), scipy.stats.uniform(-3, 6).cdf).pvalue > 0.001
    free = starts[0].abs() < 2.7  # These do not meet the ball's surface.
    torch.testing.assert_close(
        (starts[1] - starts[0]).abs()[free], torch.full((int(free.sum()),), 0.25), atol=2e-5, rtol=0
    )


def test_no_radius_no_change_and_the_seed_decides():
    model, values, targets = linear(), pictures(), torch.arange(8) % 2
    assert torch.equal(attack(scaled(model), values, targets, steps=2, step_size=1, radius=0), values)
    results = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        results.append(attack(scaled(model), values, targets, steps=1, step_size=0.5, radius=3))
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


def test_soft_targets_are_attacked_likewise():
    model, values, targets = network().eval(), pictures(), torch.arange(8) % 4
    results = []
    for given in (targets, functional.one_hot(targets, 4).float()):
        torch.manual_seed(1)
        results.append(attack(scaled(model), values, given, steps=3, step_size=1, radius=4))
    torch.testing.assert_close(*results)
    model, even = linear(), torch.full((8, 2), 0.5)
    # The loss grows as logits part: away from the plane between the classes, on whichever side a picture lies.
    values = torch.where(torch.arange(8)[:, None, None, None] < 4, 100.0, 20.0).expand(8, *SHAPE) + pictures() / 4
    found = attack(scaled(model), values, even, steps=8, step_size=0.5, radius=0.2)
    apart = (model[1].weight[1] - model[1].weight[0]).detach().view(SHAPE)
    sides = (scaled(model)(values).diff(dim=1)[:, :, None, None]).sign()
    assert torch.equal(found, (values + 0.2 * sides * apart.sign()).clamp(0, 255))


def test_nothing_of_the_network_moves():
    model = network().train()
    split_batch_norms(model)
    model[5].eval()
    modes = [module.training for module in model.modules()]
    before = copy.deepcopy(model.state_dict())
    with under_attack(model):
        attack(scaled(model), pictures(), torch.arange(8) % 4, steps=3, step_size=1, radius=4)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert [module.training for module in model.modules()] == modes


def test_under_attack_the_second_set_answers_in_evaluation_mode():
    model = network()
    split_batch_norms(model)
    with auxiliary(model), torch.no_grad():
        model(torch.randn(16, *SHAPE) * 2 + 1)
    with under_attack(model):
        answers = model(pictures() / 255)
    model.eval()
    with auxiliary(model):
        assert torch.equal(answers, model(pictures() / 255))
    assert not torch.allclose(answers, model(pictures() / 255))


def test_a_picture_is_attacked_for_itself():
    """Its neighbours in the batch do not matter."""
    model, values, targets, seen = network(), pictures(), torch.arange(8) % 4, []
    for batch in (values, torch.cat([values[:1], 255 - values[1:]])):
        torch.manual_seed(2)
        with under_attack(model):
            seen.append(attack(scaled(model), batch, targets, steps=4, step_size=1, radius=4))
    assert torch.equal(seen[0][0], seen[1][0])
    assert not torch.equal(seen[0][1], seen[1][1])


def test_weights_learn_the_same_after_an_attack_under_autocast():
    """Autocast keeps rounded copies of weights, which the attack's graph shares with that of the training step."""
    gradients = []
    for attacked in (False, True):
        model = network()
        with torch.autocast("cpu", torch.bfloat16):
            if attacked:
                with under_attack(model):
                    found = attack(scaled(model), pictures(), torch.arange(8) % 4, steps=3, step_size=1, radius=4)
                assert found.dtype == torch.float32
            torch.manual_seed(4)
            logits = scaled(model)(pictures())
            assert logits.dtype == torch.bfloat16
            loss = functional.cross_entropy(logits.float(), torch.arange(8) % 4)
        loss.backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    assert all(torch.equal(plain, after) for plain, after in zip(*gradients, strict=True))


def test_channels_last_pictures_keep_their_layout():
    values = pictures().to(memory_format=torch.channels_last)
    model = network().to(memory_format=torch.channels_last).eval()
    found = attack(scaled(model), values, torch.arange(8) % 4, steps=2, step_size=1, radius=4)
    assert found.is_contiguous(memory_format=torch.channels_last)
