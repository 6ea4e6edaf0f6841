"""Residual networks for small pictures, plain and with anti-aliased downsampling, by the names of the zoo."""

import copy

import pytest
import torch
import torchvision
from torchvision.models.resnet import BasicBlock, Bottleneck

from rugged.models import build

RESIDUAL = ("resnet18_64", "resnet34_64", "resnet50_64", "preact_resnet18_64", "wrn28_4_64")
EVERY = tuple(f"rugged/{name}{ending}" for name in RESIDUAL for ending in ("", "_blur"))
LIGHT = tuple(name for name in EVERY if "18" in name or "wrn" in name)

IMAGENET_STEM, SMALL_STEM = 64 * 3 * 7 * 7, 64 * 3 * 3 * 3


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


def outline(name, classes):
    """A network that has shapes and no values."""
    with torch.device("meta"):
        return build(name, classes)


@pytest.mark.parametrize("blur", ["", "_blur"])
@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50"])
@pytest.mark.parametrize("classes", [10, 200])
def test_parameters_are_torchvisions_but_for_the_stem(name, classes, blur):
    with torch.device("meta"):
        theirs = torchvision.models.get_model(name, num_classes=classes)
    assert count(outline(f"rugged/{name}_64{blur}", classes)) == count(theirs) - IMAGENET_STEM + SMALL_STEM


def test_resnet18_has_the_published_number_of_parameters():
    """11.17 M for CIFAR-10, as every implementation with this stem counts, and 11.27 M for Tiny ImageNet."""
    assert count(outline("rugged/resnet18_64", 10)) == 11_173_962
    assert count(outline("rugged/resnet18_64", 200)) == 11_271_432


@pytest.mark.parametrize("side", [32, 47, 64, 96])
@pytest.mark.parametrize("name", EVERY)
def test_answers_for_every_size_of_small_pictures(name, side):
    model = outline(name, 7).eval()
    assert model(torch.empty(2, 3, side, side, device="meta")).shape == (2, 7)


@pytest.mark.parametrize("name", EVERY)
def test_the_last_features_have_an_eighth_of_the_side(name):
    """All of the stem's pixels are kept and three halvings follow; the wide network has two."""
    model = outline(name, 7).eval()
    sides = []
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.register_forward_hook(lambda _, __, output: sides.append(output.shape[-1]))
    model(torch.empty(1, 3, 64, 64, device="meta"))
    assert max(sides) == 64
    assert min(sides) == (16 if "wrn" in name else 8)


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_torchvisions_weights_fit_all_but_the_stem_and_the_head(name):
    theirs = torchvision.models.get_model(name).state_dict()
    body = {key: tensor for key, tensor in theirs.items() if not key.startswith(("conv1.", "fc."))}
    model = build(f"rugged/{name}_64", 200)
    missing, unexpected = model.load_state_dict(body, strict=False)
    assert (set(missing), unexpected) == ({"conv1.weight", "fc.weight", "fc.bias"}, [])


def test_the_network_is_torchvisions_behind_another_stem():
    """Their own network, given our stem's result in place of theirs, gives our answer."""
    torch.manual_seed(0)
    ours = build("rugged/resnet18_64", 5).eval()
    for parameter in ours.parameters():  # Branches that start at zero would hide what is in them.
        torch.nn.init.normal_(parameter, std=0.05)
    theirs = torchvision.models.resnet18(num_classes=5).eval()
    theirs.load_state_dict({k: v for k, v in ours.state_dict().items() if k != "conv1.weight"}, strict=False)
    images = torch.randn(2, 3, 40, 40)
    stem = torch.nn.functional.conv2d(images, ours.conv1.weight, padding=1)
    theirs.conv1 = theirs.maxpool = torch.nn.Identity()
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(stem))


@pytest.mark.parametrize("name", ["resnet18_64", "resnet50_64"])
def test_every_block_starts_as_its_shortcut(name):
    blocks = [each for each in build(f"rugged/{name}", 5).eval().modules() if isinstance(each, BasicBlock | Bottleneck)]
    assert len(blocks) in (8, 16)
    for block in blocks:
        features = torch.rand(1, block.conv1.in_channels, 4, 4)
        with torch.no_grad():
            shortcut = features if block.downsample is None else block.downsample(features).relu()
            torch.testing.assert_close(block(features), shortcut)


@pytest.mark.parametrize("name", LIGHT)
def test_learns_in_channels_last_as_in_the_usual_layout(name):
    torch.manual_seed(0)
    model = build(name, 4)
    twin = copy.deepcopy(model).to(memory_format=torch.channels_last)
    images = torch.randn(4, 3, 32, 32)
    outputs = []
    for each, batch in ((model, images), (twin, images.contiguous(memory_format=torch.channels_last))):
        optimizer = torch.optim.SGD(each.parameters(), lr=0.01)
        for _ in range(2):
            torch.nn.functional.cross_entropy(each(batch), torch.arange(4)).backward()
            assert all(parameter.grad is not None for parameter in each.parameters())
            optimizer.step()
            optimizer.zero_grad()
        outputs.append(each(batch))
    torch.testing.assert_close(*outputs, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("name", LIGHT)
def test_features_stay_in_channels_last(name):
    """A layer that leaves the layout would cost two copies of its features, there and back."""
    model = build(name, 4).to(memory_format=torch.channels_last).eval()
    left = []

    def watch(module, _, output):
        if output.ndim == 4 and not output.is_contiguous(memory_format=torch.channels_last):
            left.append(module)

    for module in model.modules():
        module.register_forward_hook(watch)
    with torch.no_grad():
        model(torch.randn(2, 3, 32, 32).contiguous(memory_format=torch.channels_last))
    assert [module for module in left if not isinstance(module, torch.nn.AdaptiveAvgPool2d)] == []


@pytest.mark.parametrize("name", [name for name in LIGHT if name.endswith("_blur")])
def test_is_one_graph(name):
    """What depends on values would break it, and torch.compile would gain little."""
    model = build(name, 4).eval()
    images = torch.randn(2, 3, 32, 32)
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    with torch.no_grad():
        torch.testing.assert_close(compiled(images), model(images))


def test_the_slim_network_is_timms_with_fewer_channels_and_one_block_more():
    """Its parameters' names are resnet10t's, plus those of the block."""
    slim, full = (dict(outline(name, 10).named_parameters()) for name in ("rugged/resnet12_slim", "timm/resnet10t"))
    assert {name for name in slim if not name.startswith("layer2.1.")} == set(full)
    assert all(slim[name].numel() <= full[name].numel() for name in full)
    assert sum(each.numel() for each in slim.values()) < count(outline("torchvision/resnet18", 10)) / 9


def test_half_of_an_alexnets_channels_are_a_quarter_of_its_weights():
    half, full = (
        sum(each.numel() for _, each in outline(name, 10).named_parameters() if each.dim() > 1)
        for name in ("rugged/alexnet64_half", "rugged/alexnet64")
    )
    assert 0.25 < half / full < 0.26  # The first layer's input and the last one's output stay.
