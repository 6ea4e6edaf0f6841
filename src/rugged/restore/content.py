"""The perceptual loss, which recipes call content loss: pictures compared by what a classifier sees in them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from rugged.core.errors import ConfigError
from rugged.core.files import sha256_file
from rugged.core.wording import counted
from rugged.engine import Fabric
from rugged.models import (
    ModelSpec,
    build,
    default_normalisation,
    load_model,
    located,
    preprocess,
    published_classes,
    resolve,
)
from rugged.restore.recipe import ContentRecipe
from rugged.results import RunFolder

_COARSEST = 3  # A map of fewer pixels a side says little of where things are; the answers say what they are.


@dataclass(frozen=True)
class Content:
    """A classifier that looks on.

    Attributes:
        name: What it is called in the ledger.
        fabric: Device and precision.
        module: The network, in evaluation mode; its weights stay as they are.
        spec: What it expects.
        layers: The modules whose outputs are compared.
        sha256: Of its file; None for published weights.
    """

    name: str
    fabric: Fabric
    module: nn.Module
    spec: ModelSpec
    layers: tuple[str, ...]
    sha256: str | None = None

    def compare(self, restored: Tensor, clean: Tensor) -> tuple[Tensor, Tensor]:
        """How far restored pictures lie from the clean ones.

        Args:
            restored: ``(N, 3, H, W)`` in levels; gradients flow through them.
            clean: The same, without gradients.

        Returns:
            Two numbers: the features' mean squared difference in units of their mean square, the mean over the layers;
            and the Kullback-Leibler divergence of the answers from those to the clean pictures.
        """
        with torch.no_grad():
            wanted, answers = self.look(clean)
        found, given = self.look(restored)
        distances = [
            functional.mse_loss(found[name].float(), wanted[name].float())
            / wanted[name].float().square().mean().clamp(min=1e-12)
            for name in self.layers
        ]
        divergence = functional.kl_div(
            given.log_softmax(1), answers.log_softmax(1), reduction="batchmean", log_target=True
        )
        return torch.stack(distances).mean() if distances else restored.new_zeros(()), divergence

    def look(self, pictures: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """The outputs of the layers, and the logits in float32, for pictures in levels."""
        with _recorded(self.module, self.layers) as seen, self.fabric.autocast():
            logits: Tensor = self.module(preprocess(pictures, self.spec))
        return seen, logits.float()


def open_content(recipe: ContentRecipe, fabric: Fabric, side: int) -> Content | None:
    """Load the classifier of a recipe's content loss; None where it has none.

    Args:
        recipe: Which one, and which of its layers.
        fabric: Device and precision.
        side: Of the pictures to be compared. A published network sees them at this size; one of rugged's own at the
            size it was trained for, since that is how it will see them.

    Raises:
        ModelError: It cannot be loaded.
        ConfigError: It does not take pictures of this size, has no such layers, or none to choose from.
    """
    if recipe.model is None or not (recipe.features or recipe.logits):
        return None
    path, sha256 = Path(located(recipe.model)), None
    if path.exists() or path.suffix == ".safetensors":
        file = RunFolder(path).model if path.is_dir() else path
        module, spec = load_model(file)
        sha256 = sha256_file(file)
        name = f"{spec.architecture} of {file.parent.name or file.name}"
    else:
        name = resolve(recipe.model)
        classes = published_classes(name) or 1000
        module = build(name, classes, pretrained=True)
        spec = ModelSpec(name, (), (), side, *default_normalisation(name))
    module.requires_grad_(False).eval().to(fabric.device)
    shapes = _shapes(module, spec, recipe.model)
    _require_layers(recipe.layers, shapes, recipe.model)
    layers = recipe.layers or _last_at_each_size(shapes, spec.input_size)
    if recipe.features and not recipe.layers and len(layers) < 2:
        raise ConfigError(
            f"{recipe.model} gives maps of {counted(len(layers), 'size')} from pictures of {spec.input_size} x "
            f"{spec.input_size} pixels, and the last one at each size would say little. Name modules in "
            f"content.layers (it ends in {', '.join([*shapes][-8:])}), or set content.features=0."
        )
    return Content(name, fabric, module, spec, tuple(layers), sha256)


def _shapes(module: nn.Module, spec: ModelSpec, source: str) -> dict[str, tuple[int, ...]]:
    """The shapes of what the modules give that give one tensor, in the order in which they are done."""
    names = [name for name, _ in module.named_modules() if name]
    device = next(module.parameters()).device
    try:
        with torch.no_grad(), _recorded(module, names) as seen:
            module(torch.zeros(1, 3, spec.input_size, spec.input_size, device=device))
    except Exception as error:  # Every network has its own way to refuse.
        raise ConfigError(
            f"content.model {source} does not take pictures of {spec.input_size} x {spec.input_size} pixels "
            f"({type(error).__name__}: {error}). Choose a network that takes any size, such as torchvision/vgg19, or "
            "one of rugged's own that was trained for its size."
        ) from error
    return {name: tuple(output.shape) for name, output in seen.items()}


def _require_layers(layers: Sequence[str], shapes: Mapping[str, tuple[int, ...]], source: str) -> None:
    for name in layers:
        if name not in shapes:
            raise ConfigError(
                f"content.layers names {name!r}, which {source} has not, or which gives no tensor. It has, for "
                f"example: {', '.join(sorted(shapes)[:8])}."
            )


def _last_at_each_size(shapes: Mapping[str, tuple[int, ...]], side: int) -> tuple[str, ...]:
    """Of the modules that give maps of one size, the last: it has seen the most of what is seen at this size."""
    last: dict[int, str] = {}
    for name, shape in shapes.items():
        # Squares only: of networks that keep channels last, the last two are a side and the channels.
        if len(shape) == 4 and _COARSEST <= shape[-2] == shape[-1] < side:
            last[shape[-1]] = name
    return tuple(last.values())


@contextmanager
def _recorded(module: nn.Module, names: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """The outputs of modules by name, as they are when each is done."""
    seen: dict[str, Tensor] = {}

    def keep(name: str):  # type: ignore[no-untyped-def]
        def hook(_module: nn.Module, _inputs: object, output: object) -> Tensor | None:
            if not isinstance(output, Tensor):
                return None
            seen.pop(name, None)
            seen[name] = output
            return output.clone()  # What follows may write into it.

        return hook

    held = [module.get_submodule(name).register_forward_hook(keep(name)) for name in names]
    try:
        yield seen
    finally:
        for handle in held:
            handle.remove()
