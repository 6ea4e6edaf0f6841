"""The network of a training: built, begun from weights, fitted to the recipe, and tried before anything is written."""

import copy
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from rugged.core.errors import ConfigError, ModelError
from rugged.core.files import sha256_file
from rugged.data import Dataset
from rugged.engine import Fabric, seed_step
from rugged.engine.manifest import Origin
from rugged.models import (
    ModelSpec,
    build,
    default_normalisation,
    freeze_body,
    head_parameters,
    located,
    preprocess,
    resolve,
    spec_of_weights,
    training_mode,
)
from rugged.models.depthwise import quicken_depthwise
from rugged.models.loading import brief
from rugged.models.recomputing import recompute_activations
from rugged.models.split_norm import split_batch_norms
from rugged.train.augment import operations
from rugged.train.progressive_resizing import sides_shown
from rugged.train.recipe import Recipe, portions

_FULL = ("ALLOC_FAILED", "out of memory")
_KEPT_PER_WEIGHT = 3  # two numbers of the optimizer's, and the average


def find_origin(recipe: Recipe) -> Origin | None:
    """What a training begins from: weights with what they expect and have been through; None where chance decides.

    Raises:
        ModelError: There is no such architecture or file of weights.
    """
    if recipe.model.weights:
        path = Path(located(recipe.model.weights))
        spec = spec_of_weights(path)
        if spec is not None:
            return Origin(path.name, sha256_file(path), spec.mean, spec.std, spec.training_operations)
        label, sha256 = f"weights of {path.name}", sha256_file(path)
    elif recipe.model.pretrained:
        label, sha256 = f"published weights of {resolve(recipe.model.architecture)}", None
    else:
        return None
    # What weights that others have trained have seen is not known: the ledger says which they are.
    return Origin(label, sha256, *default_normalisation(recipe.model.architecture), (label,))


def specify(recipe: Recipe, dataset: Dataset, origin: Origin | None) -> ModelSpec:
    """What the model file will say of the model. What earlier training did to its weights stays in the ledger.

    Raises:
        ConfigError: Pictures would not grow.
        ModelError: There is no such architecture.
    """
    side = recipe.model.input_size or min(dataset.size)
    mean, std = (origin.mean, origin.std) if origin else default_normalisation(recipe.model.architecture)
    grown = ("resize",) if len(sides_shown(recipe, side)) > 1 else ()
    adversarial = ("adversarial",) if recipe.adversarial.steps else ()
    inherited = origin.training_operations if origin else ()
    done = (*inherited, *operations(recipe.augment), *grown, *adversarial, *dataset.corruptions)
    return ModelSpec(
        architecture=resolve(recipe.model.architecture),
        classes=tuple(info.id for info in dataset.classes),
        class_names=tuple(info.name for info in dataset.classes),
        input_size=side,
        mean=recipe.model.mean or mean,
        std=recipe.model.std or std,
        training_operations=tuple(dict.fromkeys(done)),
    )


def make_network(fabric: Fabric, recipe: Recipe, spec: ModelSpec, *, resumed: bool = False) -> nn.Module:
    """Build the network on its device, ready to learn.

    Args:
        fabric: Device and precision.
        recipe: What to do.
        spec: Of the model.
        resumed: All its weights will come from a checkpoint, so those that it began from are not looked for.

    Raises:
        ModelError: It cannot be built, its weights cannot be had, or it lacks what the recipe wants of it.
    """
    seed_step(recipe.seed, -1)
    model = build(spec.architecture, len(spec.classes)) if resumed else _begin(recipe, spec)
    if recipe.model.frozen:
        freeze_body(model)
    if recipe.adversarial.steps:
        split_batch_norms(model)
    if recipe.checkpoint_activations:
        recompute_activations(model)
    if fabric.device.type == "cpu":
        quicken_depthwise(model)
    training_mode(model)
    return model.to(fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def _begin(recipe: Recipe, spec: ModelSpec) -> nn.Module:
    weights = located(recipe.model.weights) if recipe.model.weights else None
    model = build(spec.architecture, len(spec.classes), pretrained=recipe.model.pretrained, weights=weights)
    before = spec_of_weights(weights) if weights else None
    if before is not None and before.classes != spec.classes and len(before.classes) == len(spec.classes):
        _renew_head(model, spec)
    return model


def _renew_head(model: nn.Module, spec: ModelSpec) -> None:
    """Forget what the head knew of other classes, of which there happened to be as many."""
    fresh = build(spec.architecture, len(spec.classes)).state_dict()
    model.load_state_dict({name: fresh[name] for name in head_parameters(model)}, strict=False)


def try_out(
    fabric: Fabric, recipe: Recipe, model: nn.Module, spec: ModelSpec, size: tuple[int, int], batch_size: int
) -> Recipe:
    """See that the network can learn from the batches and sizes that a recipe has for it.

    Args:
        fabric: Device, precision, and the processes that share a batch.
        recipe: What to do.
        model: On the device.
        spec: The network's input.
        size: Height and width of the data's pictures.
        batch_size: Of all processes together.

    Returns:
        The recipe, with the micro batch that was found where it leaves that open.

    Raises:
        ConfigError: Not even one image fits.
        ModelError: The network does not take such batches.
    """
    processes = fabric.world_size
    recipe = settle_micro_batch(fabric, recipe, model, spec, -(-batch_size // processes))
    portion = smallest_portion(recipe, batch_size // processes)
    if recipe.augment.resized_crop is not None and not recipe.augment.plain_epochs:
        size = (spec.input_size, spec.input_size)  # The crop's, and no picture comes in its own.
    images = torch.zeros(min(portion, 2), 3, *size, device=fabric.device)
    images.requires_grad_(recipe.adversarial.steps > 0)  # The attack goes back to the pictures, through their resizing.
    for side in sides_shown(recipe, spec.input_size):
        rehearse(fabric, model, images, replace(spec, input_size=side), portion)
    return recipe


def rehearse(fabric: Fabric, model: nn.Module, images: Tensor, spec: ModelSpec, portion: int) -> None:
    """Put a few pictures through a copy of the network, as training will.

    Args:
        fabric: Device and precision.
        model: On the device.
        images: ``(N, 3, H, W)`` float32 on the device; with a gradient if training asks for theirs.
        spec: The network, and the size that it sees them in.
        portion: The fewest pictures that training will put through it at once.

    Raises:
        ModelError: The network does not take such pictures, or so few.
    """
    architecture, side = spec.architecture, spec.input_size
    try:
        with fabric.autocast():
            # A copy, since batch norm learns from what passes through.
            answers = copy.deepcopy(model)(preprocess(images, spec))
        answers.float().sum().backward()
    except Exception as error:  # Every network has its own way to refuse.
        if "deterministic" in str(error):
            raise ModelError(
                f"{architecture} would be trained with an operation that has no deterministic form on this device "
                f"({brief(error)}). Set deterministic = false, or train on the CPU, which is deterministic anyway."
            ) from error
        raise ModelError(
            f"{architecture} cannot be trained on {side}×{side} pixels in portions of {portion} "
            f"({type(error).__name__}: {error}). Set model.input_size (and growth.start) to a size that it takes (many "
            "networks are made for 224), or where portions of 1 are too few, raise batch_size or micro_batch, or start "
            "fewer processes."
        ) from error


def smallest_portion(recipe: Recipe, share: int) -> int:
    """The fewest images that will pass through the network at once, of the ``share`` that a process gets of a batch."""
    return share // portions(recipe, share)


def settle_micro_batch(fabric: Fabric, recipe: Recipe, model: nn.Module, spec: ModelSpec, share: int) -> Recipe:
    """Find the most images that pass through the network at once, where the recipe leaves that open.

    Args:
        fabric: Device and precision.
        recipe: What to do.
        model: On the device.
        spec: The network's input.
        share: Images of a batch that this process gets: the most that are tried, then half of them, and so on.

    Returns:
        The recipe, with what was found.

    Raises:
        ConfigError: Not even one image fits.
    """
    if recipe.micro_batch != 0:
        return recipe
    # Views of a picture pass together, and so does its adversarial copy as far as memory goes.
    passes = (3 if recipe.augment.augmix.consistency else 1) + (1 if recipe.adversarial.steps else 0)
    size = share
    while not _all_agree(fabric, _fits(fabric, model, spec, size * passes)):
        if size == 1:
            raise ConfigError(
                f"{spec.architecture} at {spec.input_size}×{spec.input_size} pixels does not fit into the memory of "
                "this device even image by image. Set checkpoint_activations = true, or a smaller model.input_size."
            )
        size = -(-size // 2)
    return replace(recipe, micro_batch=size)


def _all_agree(fabric: Fabric, fits: bool) -> bool:
    """Whether it fits in every process: all must take the same portions."""
    if fabric.world_size == 1:
        return fits
    misfits = torch.tensor(0 if fits else 1, device=fabric.device)
    torch.distributed.all_reduce(misfits)
    return int(misfits) == 0


def _fits(fabric: Fabric, model: nn.Module, spec: ModelSpec, count: int) -> bool:
    """Whether a step over so many images finds memory. A copy takes it, with all that is kept for each weight."""
    probe = copy.deepcopy(model)
    try:
        room = [torch.empty_like(weight) for weight in probe.parameters() for _ in range(_KEPT_PER_WEIGHT)]
        images = torch.zeros(count, 3, spec.input_size, spec.input_size, device=fabric.device)
        with fabric.autocast():
            loss = probe(images).float().square().sum()
        loss.backward()
        room.clear()
    except RuntimeError as error:  # Libraries beneath torch have words of their own for full memory.
        if not (isinstance(error, torch.OutOfMemoryError) or any(word in str(error) for word in _FULL)):
            raise
        return False
    finally:
        del probe
        if fabric.device.type == "cuda":
            torch.cuda.empty_cache()
    return True
