"""What there is to choose from: every architecture with its weights, input size, parameters and multiply-adds."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import timm
import torch
import torchvision
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

from rugged.core.errors import ModelError
from rugged.core.hints import did_you_mean, nearest
from rugged.models.zoo import OURS, build, published_side

_OUR_SIZE = 64
"""Side of the pictures that our own networks are made for; no weights of theirs expect another."""


RECOMMENDED: Mapping[str, tuple[str, ...]] = {
    "From scratch on small pictures": (
        "rugged/resnet18_64",
        "rugged/resnet34_64",
        "rugged/resnet50_64",
        "rugged/preact_resnet18_64",
        "rugged/wrn28_4_64",
    ),
    "In minutes on two cores": ("rugged/resnet12_slim",),
    "Baseline of CE and mCE": ("rugged/alexnet64", "rugged/alexnet64_half"),
    "Pretrained, to fine-tune": (
        "torchvision/alexnet",
        "torchvision/squeezenet1_0",
        "torchvision/resnet18",
        "torchvision/densenet121",
        "timm/tf_efficientnet_b0.ap_in1k",
    ),
}
"""Where to start: the networks of this project's recipes, by what they are for."""


@dataclass(frozen=True)
class Architecture:
    """One that can be trained.

    Attributes:
        name: ``source/name``, as ``rugged.models.build`` takes it.
        weights: Names of its sets of pretrained weights, the default first; empty where there are none.
        input_size: Side in pixels of the square pictures that the default weights expect.
    """

    name: str
    weights: tuple[str, ...]
    input_size: int


@dataclass(frozen=True)
class Cost:
    """What a network costs.

    Attributes:
        parameters: Number of parameters.
        multiply_adds: For one picture: half of the FLOPs. None where the network does not take the size.
    """

    parameters: int
    multiply_adds: int | None


def list_architectures() -> list[Architecture]:
    """Every architecture of the three sources: ours, torchvision's, timm's."""
    ours = [Architecture(f"rugged/{name}", (), _OUR_SIZE) for name in OURS]
    return [*ours, *_torchvision(), *_timm()]


def list_published() -> list[Architecture]:
    """Every set of timm's weights, under the name that chooses it: ``timm/resnet18.a1_in1k``."""
    names = timm.list_pretrained()
    return [Architecture(f"timm/{name}", (name.partition(".")[2],), published_side("timm", name)) for name in names]


def find_architectures(pattern: str = "", *, pretrained: bool = False) -> list[Architecture]:
    """Architectures by a part of their name; where none fits, sets of weights by a part of theirs.

    Args:
        pattern: A part of the name, or with ``*``, ``?`` or ``[…]`` the whole of it, with or without the source; in
            small letters or capitals.
        pretrained: Only those with pretrained weights.

    Raises:
        ModelError: Nothing fits; the nearest names are given.
    """
    every = list_architectures()
    fitting = _fitting(every, pattern) or _fitting(list_published(), pattern)
    if not fitting:
        raise ModelError(f"No architecture fits {pattern!r}. {_advice(every, pattern)}")
    found = [each for each in fitting if each.weights or not pretrained]
    if not found:
        raise ModelError(
            f"{len(fitting)} fit {pattern!r}, such as {fitting[0].name}, but none has pretrained weights. "
            "Search without --pretrained, or for another name."
        )
    return found


def measure(name: str, num_classes: int, size: int) -> Cost:
    """Count a network's parameters and multiply-adds without memory for either.

    Args:
        name: A name that ``rugged.models.resolve`` knows.
        num_classes: Outputs of the head.
        size: Side of the picture in pixels.

    Source: ``torch.utils.flop_counter``: convolutions, matrix products and attention; the rest is not counted.
    """
    model = _build_without_memory(name, num_classes).eval().requires_grad_(False)
    counter = FlopCounterMode(display=False)
    try:
        with counter:
            model(torch.empty(1, 3, size, size, device="meta"))
    except Exception:  # A network of another library says in its own way that it does not take this size.
        return Cost(count_parameters(model), None)
    return Cost(count_parameters(model), counter.get_total_flops() // 2)


def _build_without_memory(name: str, num_classes: int) -> nn.Module:
    try:
        with torch.device("meta"):
            return build(name, num_classes)
    except NotImplementedError:  # RegNets compute their widths with tensors, which must then hold values.
        with _ParametersOnMeta():
            return build(name, num_classes).to("meta")


class _ParametersOnMeta(TorchFunctionMode):
    """Layers make their parameters with ``torch.empty``: here these are given a shape and no memory."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        options = dict(kwargs or {})
        if func is torch.empty and options.get("device") is None:
            options["device"] = "meta"
        return func(*args, **options)


def count_parameters(model: nn.Module) -> int:
    """How many numbers a network learns."""
    return sum(parameter.numel() for parameter in model.parameters())


def _torchvision() -> Iterator[Architecture]:
    for name in torchvision.models.list_models(module=torchvision.models):
        published = torchvision.models.get_model_weights(name)
        default = published.DEFAULT
        others = (weights.name for weights in published if weights is not default)
        yield Architecture(f"torchvision/{name}", (default.name, *others), published_side("torchvision", name))


def _timm() -> Iterator[Architecture]:
    published: dict[str, list[str]] = defaultdict(list)
    for full in timm.list_pretrained():
        name, _, tag = full.partition(".")
        published[name].append(tag)
    for name in timm.list_models():
        config: Any = timm.get_pretrained_cfg(name)
        tags = sorted(published[name], key=config.tag.__ne__)  # The default first, the others as they come.
        yield Architecture(f"timm/{name}", tuple(tags), published_side("timm", name))


def _fitting(architectures: Sequence[Architecture], pattern: str) -> list[Architecture]:
    pattern, names = pattern.lower(), [(each, each.name.lower()) for each in architectures]
    if not any(sign in pattern for sign in "*?["):
        return [each for each, name in names if pattern in name]
    return [each for each, name in names if any(fnmatchcase(part, pattern) for part in (name, name.partition("/")[2]))]


def _advice(architectures: Sequence[Architecture], pattern: str) -> str:
    full = {each.name.partition("/")[2]: each.name for each in reversed(architectures)}
    guesses = [full[name] for name in nearest(pattern.rpartition("/")[2].strip("*").lower(), full, 5)]
    return did_you_mean(
        guesses,
        "Give a part of a name, or a pattern such as 'timm/convnext*'; `rugged models` alone shows where to start.",
    )
