"""A second set of batch norms works like a second network that shares everything else."""

import copy

import pytest
import timm
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import checkpoint

from rugged.core.errors import ModelError
from rugged.engine.checkpoints import load_checkpoint, save_checkpoint
from rugged.models import ModelSpec, build, load_model, save_model
from rugged.models.split_norm import auxiliary, merge_batch_norms, split_batch_norms

NAMES = ["torchvision/resnet18", "timm/mobilenetv3_small_050"]  # In timm's the batch norms hold the activation.


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Conv2d(4, 4, 3, bias=False),
        nn.BatchNorm2d(4),
        nn.Flatten(),
        nn.Linear(4 * 16, 5),
    )


def pictures(seed=1, count=4, side=8):
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def is_norm(model, name):
    return isinstance(model.get_submodule(name.rpartition(".")[0]), nn.modules.batchnorm._BatchNorm)


def unsettle(model):
    """Make the second set another one, in every tensor."""
    torch.manual_seed(9)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if ".auxiliary." in name and tensor.is_floating_point():
                tensor.mul_(torch.rand_like(tensor) + 0.5).add_(0.1)


def second_network(model):
    """What a split network is on its second set, as a network of its own."""
    state = model.state_dict()
    plain = merge_batch_norms(model)
    plain.load_state_dict({name: state.get(_second(name), state[name]) for name in plain.state_dict()})
    return plain


def _second(name):
    parent, _, last = name.rpartition(".")
    return f"{parent}.auxiliary.{last}"


@pytest.mark.parametrize("convert", [None, nn.SyncBatchNorm.convert_sync_batchnorm], ids=["plain", "synchronised"])
@pytest.mark.parametrize("name", NAMES)
def test_it_is_two_networks_that_share_their_convolutions(name, convert):
    """Outputs, statistics and gradients of two plain networks; shared weights get the sum of both gradients."""
    torch.manual_seed(0)
    model = build(name, 5)
    split_batch_norms(model)
    if convert is not None:
        model = (timm.layers.convert_sync_batchnorm if "timm" in name else convert)(model)
    unsettle(model)
    model = model.to(memory_format=torch.channels_last)
    first, second = merge_batch_norms(model), second_network(model)
    clean, other = (pictures(seed, side=32).to(memory_format=torch.channels_last) for seed in (1, 2))

    answers = [model(clean)]
    with auxiliary(model):
        answers.append(model(other))
    sum(answer.square().sum() for answer in answers).backward()
    expected = [first(clean), second(other)]
    for answer, right in zip(answers, expected, strict=True):
        right.square().sum().backward()
        assert torch.equal(answer, right)
    assert not torch.allclose(model(other), expected[1])

    learnt = dict(model.named_parameters())
    theirs = dict(second.named_parameters())
    for key, parameter in first.named_parameters():
        if is_norm(first, key):
            assert torch.equal(learnt[key].grad, parameter.grad)
            assert torch.equal(learnt[_second(key)].grad, theirs[key].grad)
        else:
            torch.testing.assert_close(learnt[key].grad, parameter.grad + theirs[key].grad, atol=1e-3, rtol=1e-3)


def test_each_pass_moves_the_statistics_of_its_own_set():
    model = nn.Sequential(nn.BatchNorm2d(3))
    split_batch_norms(model)
    clean, other = pictures(1), pictures(2) * 3 + 1
    model(clean)
    with auxiliary(model):
        model(other)
        model(other)
    state = model.state_dict()
    mean, variance = other.mean((0, 2, 3)), other.var((0, 2, 3))
    torch.testing.assert_close(state["0.running_mean"], 0.1 * clean.mean((0, 2, 3)))
    torch.testing.assert_close(state["0.auxiliary.running_mean"], 0.19 * mean)  # 1 - 0.9².
    torch.testing.assert_close(state["0.auxiliary.running_var"], 0.81 + 0.19 * variance)
    assert (state["0.num_batches_tracked"], state["0.auxiliary.num_batches_tracked"]) == (1, 2)


@pytest.mark.parametrize("name", NAMES)
def test_copies_start_equal_and_the_plain_network_comes_back(name):
    torch.manual_seed(0)
    model = build(name, 5).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    split_batch_norms(model)
    added = model.state_dict().keys() - before.keys()
    assert {_second(key) for key in before if is_norm(model, key)} == added
    assert all(torch.equal(model.state_dict()[_second(key)], before[key]) for key in before if _second(key) in added)
    plain = merge_batch_norms(model)
    assert list(plain.state_dict()) == list(before)
    assert all(torch.equal(value, before[key]) for key, value in plain.state_dict().items())
    assert plain.state_dict().keys() != model.state_dict().keys()  # The network itself goes on.


def test_a_model_file_knows_nothing_of_it(tmp_path):
    model = build("timm/resnet10t", 3).to(memory_format=torch.channels_last)
    split_batch_norms(model)
    spec = ModelSpec("timm/resnet10t", tuple("abc"), tuple("abc"), 32)
    save_model(tmp_path / "model.safetensors", merge_batch_norms(model), spec)
    loaded, _ = load_model(tmp_path / "model.safetensors")
    with torch.no_grad():
        assert torch.equal(loaded(pictures(side=32)), model.eval()(pictures(side=32)))


def test_optimizers_move_the_set_that_was_used():
    model = network()
    split_batch_norms(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = copy.deepcopy(model.state_dict())
    with auxiliary(model):
        model(pictures()).square().sum().backward()
    optimizer.step()
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {name for name in before if not is_norm(model, name)}


def test_copies_are_independent():
    model = network()
    split_batch_norms(model)
    before = copy.deepcopy(model.state_dict())
    clone = copy.deepcopy(model)
    with torch.no_grad(), auxiliary(clone):
        clone(pictures())
        clone[1].weight.zero_()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert (clone[1].auxiliary.weight == 0).all()
    assert (clone[1].weight == 1).all()


def test_checkpoints_keep_both_sets(tmp_path):
    model, fresh = network(), network(seed=5)
    split_batch_norms(model)
    split_batch_norms(fresh)
    unsettle(model)
    save_checkpoint(tmp_path / "checkpoint", {"model": model}, {}, {})
    load_checkpoint(tmp_path / "checkpoint", {"model": fresh}, {})
    with auxiliary(model), auxiliary(fresh):
        assert torch.equal(model(pictures()), fresh(pictures()))
    assert torch.equal(model(pictures()), fresh(pictures()))


def test_contexts_nest():
    model = network().eval()
    split_batch_norms(model)
    unsettle(model)
    plain, second = model(pictures()), second_network(model)(pictures())
    with auxiliary(model):
        with auxiliary(model):
            assert torch.equal(model(pictures()), second)
        assert torch.equal(model(pictures()), second)
    assert torch.equal(model(pictures()), plain)


def test_an_error_within_the_context_ends_it():
    model = network().eval()
    split_batch_norms(model)
    unsettle(model)
    plain = model(pictures())
    with pytest.raises(RuntimeError, match="channels"), auxiliary(model):
        model(pictures()[:, :2])
    assert torch.equal(model(pictures()), plain)


def test_norms_without_parameters_or_statistics_and_frozen_ones():
    model = nn.Sequential(nn.BatchNorm2d(3, affine=False), nn.BatchNorm2d(3, track_running_stats=False))
    model[1].weight.requires_grad_(False)
    split_batch_norms(model)
    assert set(model[0].auxiliary.state_dict()) == {"running_mean", "running_var", "num_batches_tracked"}
    assert set(model[1].auxiliary.state_dict()) == {"weight", "bias"}
    assert not model[1].auxiliary.weight.requires_grad
    with auxiliary(model):
        model(pictures()).sum().backward()
    assert model[1].auxiliary.bias.grad is not None
    assert model[1].bias.grad is None


@pytest.mark.parametrize("name", ["torchvision/squeezenet1_0", "timm/vit_tiny_patch16_224"])
def test_networks_without_batch_norm_are_refused(name):
    with pytest.raises(ModelError, match=r"no batch norm.*resnet18"):
        split_batch_norms(build(name, 5))


@pytest.fixture
def distributed():
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


def test_both_passes_in_one_step_under_distributed_training(distributed):
    """DistributedDataParallel refuses a parameter that is ready twice, and statistics overwritten between passes."""
    model = network()
    split_batch_norms(model)
    unsettle(model)
    alone = copy.deepcopy(model)
    wrapped = DistributedDataParallel(model, broadcast_buffers=False)
    for each in (wrapped, alone):
        for _ in range(2):  # The second step fails where the first left a gradient unreduced.
            each.zero_grad()
            loss = each(pictures(1)).square().mean()
            with auxiliary(each):
                loss = loss + each(pictures(2)).square().mean()
            loss.backward()
    for mine, right in zip(model.parameters(), alone.parameters(), strict=True):
        assert torch.equal(mine.grad, right.grad)
    assert all(torch.equal(value, alone.state_dict()[name]) for name, value in model.state_dict().items())


def test_activation_checkpointing_within_the_context():
    model = network().eval()  # In training the second computation would count twice in the statistics.
    split_batch_norms(model)
    unsettle(model)
    kept = copy.deepcopy(model)
    with auxiliary(model):
        checkpoint(model, pictures(), use_reentrant=False).square().sum().backward()
    with auxiliary(kept):
        kept(pictures()).square().sum().backward()
    assert torch.equal(model[1].auxiliary.weight.grad, kept[1].auxiliary.weight.grad)
    assert model[1].weight.grad is None
