"""One training run: from a recipe and a data set to a run folder with a finished model."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer

from rugged.core.errors import ConfigError
from rugged.core.files import exclusive, expanded
from rugged.core.progress import say
from rugged.core.shipped import require_recipe
from rugged.corruptions import Textures
from rugged.data import Dataset, as_dataset, development_split
from rugged.data.packed import require_run_apart
from rugged.engine import Device, Fabric, Loop, PlacedSplit, by_the_first, describe, make_fabric
from rugged.engine.averaging import make_average
from rugged.engine.claiming import Claim, require_companions, train_into
from rugged.engine.log import Log
from rugged.engine.manifest import Manifest, TrainedOn
from rugged.engine.optimize import make_optimizer
from rugged.engine.sharing import shared_batch_size
from rugged.models import ModelSpec
from rugged.models.loading import brief
from rugged.results import RunFolder
from rugged.train.augment import Sources, gather, settle_textures
from rugged.train.learner import Learner
from rugged.train.network import find_origin, make_network, specify, try_out
from rugged.train.recipe import Recipe, load_recipe
from rugged.train.trainer import COLUMNS, Trainer

_MUCH = 1 / 4
"""Of the training pictures, held out: what a reader may want to know."""

_FEW_STEPS = 300
"""A network that began from nothing and ended there was trained for so many, or for fewer."""


def train(
    recipe: Recipe,
    dataset: Dataset | str | Path,
    folder: str | Path,
    *,
    device: Device = "auto",
    tensorboard: bool = False,
    command: str = "",
) -> RunFolder:
    """Train a model, or go on with a training that was interrupted.

    Started by ``torchrun``, several processes share every batch; the folder must then be one that all of them see.

    Args:
        recipe: What to do.
        dataset: On which pictures: opened, or as ``rugged.open_dataset`` takes them.
        folder: The run folder. A finished run of the same recipe on the same data is left as it is.
        device: Where.
        tensorboard: Write events for TensorBoard too.
        command: The command line, for the manifest.

    Returns:
        The run folder, with a finished model in it.

    Raises:
        ConfigError: A device, a precision or a package that is wanted is not here, or ``recipe`` is no ``Recipe``.
        DataError: There are no training pictures, a class has too few for the development split, or the folder lies
            in the data.
        ModelError: The network cannot learn at this input size or batch size. The folder stays free.
        RunError: The folder holds another run or is in use, or loss or weights are no longer finite.
        Interrupted: A signal came; the next call goes on where this one stopped.
    """
    require_recipe(recipe, Recipe)
    dataset, folder = as_dataset(dataset), expanded(folder)
    require_run_apart(folder, dataset)
    with ExitStack() as held:
        held.callback(
            torch.use_deterministic_algorithms,
            torch.are_deterministic_algorithms_enabled(),
            warn_only=torch.is_deterministic_algorithms_warn_only_enabled(),
        )
        fabric = make_fabric(device, recipe.precision, deterministic=recipe.deterministic, keep_memory=True)
        augment, textures = settle_textures(recipe.augment)
        recipe = replace(recipe, precision=describe(fabric)["precision"], augment=augment)
        run = RunFolder(folder)
        log = Log(run.metrics, COLUMNS, run.events if tensorboard else None)
        by_the_first(fabric, lambda: held.enter_context(exclusive(run.lock, f"train into {folder}")))
        recipe = _with_earlier_micro_batch(run, recipe)
        with _compiler_named(recipe):
            train_into(
                fabric, run, run.model, recipe, dataset.content_hash,
                lambda earlier: prepare(fabric, recipe, dataset, run, earlier, textures, log, command),
            )  # fmt: skip
    return run


def prepare(
    fabric: Fabric,
    recipe: Recipe,
    dataset: Dataset,
    run: RunFolder,
    earlier: Manifest | None,
    textures: Textures | None,
    log: Log,
    command: str,
) -> Trainer:
    """Make everything ready to learn, and write nothing: what cannot be trained must not claim the folder."""
    train_indices, dev_indices = development_split(dataset.train, recipe.development_per_class)
    resumed = earlier is not None and run.checkpoint.exists()
    origin = earlier.origin if earlier is not None and resumed else find_origin(recipe)
    spec = specify(recipe, dataset, origin)
    model = make_network(fabric, recipe, spec, resumed=resumed)
    batch_size = shared_batch_size(fabric, recipe.batch_size, len(train_indices))
    pictures = PlacedSplit.place(dataset.train, fabric.device)  # First, for they take room from what is tried next.
    recipe = try_out(fabric, recipe, model, spec, dataset.size, batch_size)
    side = spec.input_size if recipe.augment.resized_crop is not None else max(dataset.size)
    sources = gather(recipe.augment, textures, side, fabric)
    companions = {} if sources.restorer is None else {"augment.restore": sources.restorer.sha256}
    require_companions(run, earlier, companions)
    optimizer = make_optimizer(model, recipe.optimizer)
    learner = _make_learner(fabric, recipe, spec, model, optimizer, sources)
    loop = Loop(
        epochs=recipe.epochs,
        batch_size=batch_size,
        images=len(train_indices),
        seed=recipe.seed,
        fabric=fabric,
        modules=learner.modules,
        optimizers={"model": optimizer},
        checkpoint=run.checkpoint,
        fetched_ahead=pictures.fetched_ahead,
    )
    by_the_first(fabric, lambda: _say_if_little_is_left(recipe, loop, len(dev_indices)))
    by_the_first(fabric, lambda: _say_if_classes_are_absent(dataset))
    trained_on = TrainedOn(dataset.name, dataset.content_hash, dataset.notes)
    manifest = earlier or Manifest("training", spec.architecture, trained_on, origin, companions)
    return Trainer(
        recipe=recipe,
        run=run,
        learner=learner,
        loop=loop,
        pictures=pictures,
        rows=train_indices,
        development=dataset.train.take(dev_indices),
        claim=Claim(run, recipe, manifest, command),
        log=log,
    )


def _say_if_little_is_left(recipe: Recipe, loop: Loop, held_out: int) -> None:
    """Tell, before a small folder is trained on, what a recipe for large ones makes of it."""
    total = loop.images + held_out
    if held_out > _MUCH * total:
        say(
            f"Note: {held_out:,} of {total:,} training pictures are held out to watch progress, "
            f"{recipe.development_per_class} a class. A smaller development_per_class leaves more to learn from."
        )
    if loop.steps < _FEW_STEPS and not (recipe.model.pretrained or recipe.model.weights):
        say(
            f"Note: {loop.steps:,} steps in all are few for a network that begins from nothing. More epochs or a "
            "smaller batch_size make more of them; with few steps, a lower optimizer.lr."
        )


def _say_if_classes_are_absent(dataset: Dataset) -> None:
    """Tell which classes of a data set a network will not know: those of validation pictures alone."""
    there = np.unique(dataset.train.labels)
    absent = [info.name for label, info in enumerate(dataset.classes) if label not in there]
    if absent:
        say(
            f"Note: {len(absent):,} of {len(dataset.classes):,} classes have no training pictures, and will not be "
            f"learned: {', '.join(absent[:5])}{' …' if len(absent) > 5 else ''}."
        )


def _make_learner(
    fabric: Fabric, recipe: Recipe, spec: ModelSpec, model: nn.Module, optimizer: Optimizer, sources: Sources
) -> Learner:
    average = make_average(model) if recipe.average.decay else None
    if recipe.compile:
        model.compile()
    module, moved = fabric.setup(model, optimizer)
    return Learner(
        fabric=fabric, recipe=recipe, spec=spec, sources=sources,
        model=model, module=module, optimizer=moved, average=average,
    )  # fmt: skip


@contextmanager
def _compiler_named(recipe: Recipe) -> Iterator[None]:
    """Say what a compilation that failed is about: it comes with the first step, and speaks of torch's insides."""
    if not recipe.compile:
        yield
        return
    from torch._dynamo.exc import BackendCompilerFailed  # It takes a second to import, and few ask for it.

    try:
        yield
    except BackendCompilerFailed as error:
        raise ConfigError(
            f"torch.compile failed ({brief(error)}). It needs a C++ compiler on a CPU, and Triton on a GPU. Install "
            "what is missing, or set compile = false."
        ) from error


def _with_earlier_micro_batch(run: RunFolder, recipe: Recipe) -> Recipe:
    """Where the recipe leaves it open, what an earlier session found: batch norms would notice another size."""
    if recipe.micro_batch != 0 or not (run.recipe.exists() and (run.checkpoint.exists() or run.model.exists())):
        return recipe
    try:
        return replace(recipe, micro_batch=load_recipe(run.recipe).micro_batch)
    except ConfigError:  # Another run's, or damaged: the comparison will say so.
        return recipe
