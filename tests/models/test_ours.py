"""Every network of our own, by its name: its size, what it answers, and that all of it learns."""

import re
from pathlib import Path

import pytest
import torch

from rugged.models import build
from rugged.models.listing import measure
from rugged.models.zoo import OURS

DOCUMENT = Path(__file__).parents[2] / "docs" / "models.md"
CLASSES = 10


def layer(before, after, side, count=1):
    """Weights of so many convolutions without bias, and scale and shift of the batch norm behind each."""
    return count * (before * after * side**2 + 2 * after)


def linear(before, after):
    return before * after + after


def basic(before, after, blocks):
    """A group of basic blocks, two 3×3 convolutions each; a 1×1 convolution where the channels change."""
    shortcut = layer(before, after, 1) if before != after else 0
    return layer(before, after, 3) + layer(after, after, 3, 2 * blocks - 1) + shortcut


def bottleneck(before, inner, blocks):
    """A group of bottlenecks (1×1, 3×3, 1×1 to four times the channels) with a 1×1 convolution around the first."""
    after = 4 * inner
    first, others = layer(before, inner, 1), layer(after, inner, 1, blocks - 1)
    return first + others + layer(inner, inner, 3, blocks) + layer(inner, after, 1, blocks) + layer(before, after, 1)


def preactivated(before, after, blocks):
    """A group of basic blocks with a batch norm before each convolution, and none before the shortcut's."""
    norms = 2 * before + 2 * after * (2 * blocks - 1)
    convolutions = 9 * (before * after + (2 * blocks - 1) * after * after)
    return norms + convolutions + (before * after if before != after else 0)


def alexnet(first, second, third, last, hidden):
    convolutions = layer(3, first, 5) + layer(first, second, 5) + layer(second, third, 3)
    convolutions += layer(third, last, 3) + layer(last, last, 3)
    return convolutions + linear(9 * last, hidden) + linear(hidden, hidden) + linear(hidden, CLASSES)


RESIDUAL = {
    # He et al. 2016 (arXiv:1512.03385), table 1, behind one 3×3 convolution.
    "resnet18_64": layer(3, 64, 3)
    + basic(64, 64, 2) + basic(64, 128, 2) + basic(128, 256, 2) + basic(256, 512, 2) + linear(512, CLASSES),
    "resnet34_64": layer(3, 64, 3)
    + basic(64, 64, 3) + basic(64, 128, 4) + basic(128, 256, 6) + basic(256, 512, 3) + linear(512, CLASSES),
    "resnet50_64": layer(3, 64, 3)
    + bottleneck(64, 64, 3) + bottleneck(256, 128, 4) + bottleneck(512, 256, 6) + bottleneck(1024, 512, 3)
    + linear(2048, CLASSES),
    # He et al. 2016 (arXiv:1603.05027): the stem has no batch norm, the end has one.
    "preact_resnet18_64": 3 * 64 * 9
    + preactivated(64, 64, 2) + preactivated(64, 128, 2) + preactivated(128, 256, 2) + preactivated(256, 512, 2)
    + 2 * 512 + linear(512, CLASSES),
    # Zagoruyko & Komodakis 2016 (arXiv:1605.07146), table 1, with (28 - 4) / 6 = 4 blocks in a group.
    "wrn28_4_64": 3 * 16 * 9
    + preactivated(16, 64, 4) + preactivated(64, 128, 4) + preactivated(128, 256, 4)
    + 2 * 256 + linear(256, CLASSES),
}  # fmt: skip

PARAMETERS = {
    "alexnet64": alexnet(64, 192, 384, 256, 1024),
    "alexnet64_half": alexnet(32, 96, 192, 128, 512),
    # The stem of ResNet-D (He et al. 2019, arXiv:1812.01187) as timm's resnet10t has it, 12 and 16 channels.
    "resnet12_slim": layer(3, 12, 3) + layer(12, 16, 3) + layer(16, 32, 3)
    + basic(32, 32, 1) + basic(32, 96, 2) + basic(96, 128, 1) + basic(128, 192, 1) + linear(192, CLASSES),
    **RESIDUAL,
    **{f"{name}_blur": count for name, count in RESIDUAL.items()},  # A blur has nothing to learn.
}  # fmt: skip
"""By hand, for ten classes: a network that is added to ``OURS`` gets a line here, from its paper or its layers."""


def outline(name, classes=CLASSES):
    """A network that has shapes and no values."""
    with torch.device("meta"):
        return build(f"rugged/{name}", classes)


def test_the_table_has_every_network():
    assert set(PARAMETERS) == set(OURS), "a network of OURS and its line in PARAMETERS come and go together"


@pytest.mark.parametrize("name", OURS)
def test_has_the_parameters_counted_by_hand(name):
    assert sum(each.numel() for each in outline(name).parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("side", [32, 64])
@pytest.mark.parametrize("name", OURS)
def test_answers_for_small_pictures(name, side):
    model = outline(name, 7).eval()
    assert model(torch.empty(2, 3, side, side, device="meta")).shape == (2, 7)


@pytest.mark.parametrize("name", OURS)
def test_a_gradient_reaches_every_parameter(name):
    torch.manual_seed(0)
    model = build(f"rugged/{name}", 4)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # Branches that start at zero would hide what is in them.
            torch.nn.init.ones_(module.weight)
    logits = model(torch.randn(4, 3, 32, 32))
    torch.nn.functional.cross_entropy(logits, torch.arange(4)).backward()
    without = [key for key, each in model.named_parameters() if each.grad is None or not each.grad.any()]
    assert not without


def test_the_documents_table_names_each_with_what_it_costs():
    """Rows ``| `rugged/NAME` | parameters | multiply-adds | the same with blur |``, for 200 classes at 64 pixels."""
    rows = re.findall(r"^\| `rugged/(\w+)` \| (\S+) M \| (\S+) G \| (?:(\S+) G )?\|$", DOCUMENT.read_text(), re.M)
    shown = {name: (parameters, multiply_adds) for name, parameters, multiply_adds, _ in rows}
    shown |= {f"{name}_blur": (parameters, blurred) for name, parameters, _, blurred in rows if blurred}
    costs = {name: measure(f"rugged/{name}", 200, 64) for name in OURS}
    assert shown == {
        name: (f"{cost.parameters / 1e6:.2f}", f"{cost.multiply_adds / 1e9:.2f}") for name, cost in costs.items()
    }
