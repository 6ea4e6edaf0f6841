"""Averages against closed forms and torch's own, statistics against the pictures' true ones."""

import math

import pytest
import timm
import torch
from torch import nn
from torch.nn import functional
from torch.optim import swa_utils

from rugged.engine.averaging import make_average, reestimate_batch_norms, update_average
from rugged.engine.checkpoints import load_checkpoint, save_checkpoint
from rugged.models.split_norm import auxiliary, split_batch_norms


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5))


def number(value):
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, value)
    return model


def learn(model, step):
    """Stand in for a training step: other weights, other statistics."""
    torch.manual_seed(step)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    model.train()(torch.randn(4, 3, 8, 8))


def test_the_average_is_a_network_at_rest():
    model = network().train()
    average = make_average(model)
    assert not any(module.training for module in average.modules())
    assert not any(parameter.requires_grad for parameter in average.parameters())
    assert model.training
    assert all(parameter.requires_grad for parameter in model.parameters())
    learn(model, 0)
    assert not torch.equal(average[0].weight, model[0].weight)


def test_a_constant_is_its_own_average_to_the_last_bit():
    model = network()
    average = make_average(model)
    for step in range(50):
        update_average(average, model, 0.99, step)
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in average.state_dict().items())


def test_after_the_warm_up_weights_count_by_a_geometric_series():
    average = make_average(number(0.0))
    for step in range(100, 120):  # 101 / 110 lies above 0.8: no warm-up any more.
        update_average(average, number(1.0), 0.8, step)
    assert average.weight.item() == pytest.approx(1 - 0.8**20)


def test_the_start_is_forgotten_as_the_warm_up_says():
    average = make_average(number(1.0))
    for step in range(8):
        update_average(average, number(0.0), 0.999, step)
    # The product of (1 + s) / (10 + s) for s from 0 to 7.
    assert average.weight.item() == pytest.approx(math.factorial(8) * math.factorial(9) / math.factorial(17), rel=1e-5)


def test_it_agrees_with_torchs_average_in_float32_with_buffers_copied():
    model = network()
    theirs = swa_utils.AveragedModel(model, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.9))
    average = make_average(model)
    theirs.update_parameters(model)  # Copies, the first time.
    for step in range(1000, 1020):
        learn(model, step)
        theirs.update_parameters(model)
        update_average(average, model, 0.9, step)
    for mine, right in zip(average.parameters(), theirs.parameters(), strict=True):
        assert mine.dtype == torch.float32
        assert not mine.requires_grad  # Else a graph of the whole training would hang on it.
        torch.testing.assert_close(mine, right)
    for mine, right in zip(average.buffers(), model.buffers(), strict=True):
        assert torch.equal(mine, right)
        assert mine is not right
    assert average[1].num_batches_tracked == 20


def test_an_average_from_a_checkpoint_goes_on_bit_for_bit(tmp_path):
    through, model = make_average(network()), network()
    for step in range(10):
        if step == 4:
            save_checkpoint(tmp_path / "checkpoint", {"model": model, "average": through}, {}, {})
        learn(model, step)
        update_average(through, model, 0.9, step)
    model, resumed = network(seed=7), make_average(network(seed=7))
    load_checkpoint(tmp_path / "checkpoint", {"model": model, "average": resumed}, {})
    for step in range(4, 10):
        learn(model, step)
        update_average(resumed, model, 0.9, step)
    assert all(torch.equal(value, through.state_dict()[name]) for name, value in resumed.state_dict().items())


def test_one_batch_gives_the_pictures_own_mean_and_variance():
    images = torch.randn(64, 3, 8, 8) * 3 + 2
    norm = nn.BatchNorm2d(3)
    norm.running_var.fill_(float("nan"))  # What stood there before must not count, not even broken.
    reestimate_batch_norms(norm, [images], norm)
    torch.testing.assert_close(norm.running_mean, images.mean((0, 2, 3)))
    torch.testing.assert_close(norm.running_var, images.var((0, 2, 3)))


def test_batches_count_alike():
    images = torch.randn(64, 3, 8, 8).cumsum(0) / 10
    norm = nn.Sequential(nn.BatchNorm2d(3))
    batches = images.split(16)
    reestimate_batch_norms(norm, iter(batches), norm)
    torch.testing.assert_close(norm[0].running_mean, images.mean((0, 2, 3)))
    torch.testing.assert_close(norm[0].running_var, torch.stack([each.var((0, 2, 3)) for each in batches]).mean(0))
    assert norm[0].num_batches_tracked == 4


@pytest.mark.parametrize("name", ["resnet10t", "mobilenetv3_small_050"])
def test_it_agrees_with_torchs_own_throughout_a_network(name):
    torch.manual_seed(0)
    ours = timm.create_model(name, num_classes=5)
    theirs = make_average(ours)
    images = torch.rand(24, 3, 32, 32) * 255
    reestimate_batch_norms(ours, images.split(8), lambda batch: ours(batch / 255))
    swa_utils.update_bn([each / 255 for each in images.split(8)], theirs)
    for key, value in ours.state_dict().items():
        torch.testing.assert_close(value, theirs.state_dict()[key])


class Parent(nn.Module):
    """Dropout in every form that networks have: a module, a function, and within timm's batch norm."""

    def __init__(self):
        super().__init__()
        self.dropout = nn.Dropout(0.9)
        self.plain = nn.BatchNorm2d(3)
        self.active = timm.layers.BatchNormAct2d(3, drop_layer=lambda: nn.Dropout(0.9))
        self.last = nn.BatchNorm2d(3)

    def forward(self, images):
        images = functional.dropout(self.dropout(images), 0.9, self.training)
        return self.last(self.active(self.plain(images)))


def test_only_batch_norms_see_training_mode_and_everything_is_given_back():
    model = Parent().train()
    model.plain.eval()
    model.plain.momentum = None
    model.last.momentum = 0.3
    modes = [module.training for module in model.modules()]
    images = torch.randn(32, 3, 6, 6) + 1
    reestimate_batch_norms(model, [images], model)
    torch.testing.assert_close(model.plain.running_mean, images.mean((0, 2, 3)))
    normalised = functional.batch_norm(images, None, None, training=True)
    torch.testing.assert_close(model.last.running_mean, normalised.relu().mean((0, 2, 3)))
    assert [module.training for module in model.modules()] == modes
    assert (model.plain.momentum, model.active.momentum, model.last.momentum) == (None, 0.1, 0.3)
    with pytest.raises(RuntimeError, match="running_mean"):
        reestimate_batch_norms(model, [images, images[:, :2]], model)
    assert [module.training for module in model.modules()] == modes
    assert (model.plain.momentum, model.active.momentum, model.last.momentum) == (None, 0.1, 0.3)


def test_the_set_in_use_is_measured_and_weights_stay():
    model = network()
    split_batch_norms(model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    images, answers = torch.randn(16, 3, 8, 8), []
    with auxiliary(model):
        reestimate_batch_norms(model, [images], lambda batch: answers.append(model(batch)))
    assert not answers[0].requires_grad
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {f"1.auxiliary.{name}" for name in ("running_mean", "running_var", "num_batches_tracked")}


def test_nothing_to_measure_changes_nothing():
    model = nn.Sequential(nn.BatchNorm2d(3))
    model[0].running_mean.fill_(5)
    reestimate_batch_norms(model, [], model)
    assert (model[0].running_mean == 5).all()
    without = nn.Sequential(nn.BatchNorm2d(3, track_running_stats=False), nn.GroupNorm(1, 3))
    reestimate_batch_norms(without, iter([torch.zeros(2, 3, 4, 4)]), lambda batch: pytest.fail("has none to measure"))
