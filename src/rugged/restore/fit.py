"""One training of a restorer: from a recipe and pairs to a run folder with a finished restorer."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from rugged.core.files import exclusive, expanded
from rugged.core.shipped import require_recipe
from rugged.data import Dataset, as_dataset
from rugged.data.packed import require_run_apart
from rugged.engine import Device, Fabric, Loop, by_the_first, describe, make_fabric, seed_step
from rugged.engine.averaging import make_average
from rugged.engine.claiming import Claim, require_companions, train_into
from rugged.engine.log import Log
from rugged.engine.manifest import Manifest
from rugged.engine.optimize import make_optimizer
from rugged.engine.sharing import shared_batch_size
from rugged.models import RestorerSpec, make_restorer
from rugged.models.restoring import Discriminator
from rugged.restore.content import Content, open_content
from rugged.restore.drawn import draw_pairs, settle_textures
from rugged.restore.folders import PairFolder, take_pairs
from rugged.restore.learner import Learner
from rugged.restore.pairs import Pairs, Provenance
from rugged.restore.recipe import RestoreRecipe
from rugged.restore.trainer import COLUMNS, Trainer
from rugged.results import RunFolder


def train(
    recipe: RestoreRecipe,
    source: Dataset | PairFolder | str | Path,
    folder: str | Path,
    *,
    device: Device = "auto",
    command: str = "",
) -> RunFolder:
    """Train a restorer, or go on with a training that was interrupted.

    Started by ``torchrun``, several processes share every batch; the folder must then be one that all of them see.

    Args:
        recipe: What to do.
        source: The pictures to corrupt, opened or as ``rugged.open_dataset`` takes them; or pairs of pictures.
        folder: The run folder. A finished run of the same recipe on the same data is left as it is.
        device: Where.
        command: The command line, for the manifest.

    Returns:
        The run folder, with a finished restorer in it.

    Raises:
        ConfigError: A device, a crop or a layer that is wanted is not here, or ``recipe`` is none of a restorer.
        DataError: Pictures cannot be read, or are too few, or the folder lies in the data.
        ModelError: The content loss's classifier cannot be loaded.
        RunError: The folder holds another run or is in use, or loss or weights are no longer finite.
        Interrupted: A signal came; the next call goes on where this one stopped.
    """
    require_recipe(recipe, RestoreRecipe)
    source = source if isinstance(source, PairFolder) else as_dataset(source)
    folder = expanded(folder)
    fabric = make_fabric(device, recipe.precision, keep_memory=True)
    recipe = replace(recipe, precision=describe(fabric)["precision"])
    if isinstance(source, Dataset):
        require_run_apart(folder, source)
        recipe = settle_textures(recipe)
    run = RunFolder(folder)
    with ExitStack() as held:
        by_the_first(fabric, lambda: held.enter_context(exclusive(run.lock, f"train into {folder}")))
        train_into(
            fabric, run, run.restorer, recipe, source.content_hash,
            lambda earlier: prepare(fabric, recipe, source, run, earlier, command),
        )  # fmt: skip
    return run


def prepare(
    fabric: Fabric,
    recipe: RestoreRecipe,
    source: Dataset | PairFolder,
    run: RunFolder,
    earlier: Manifest | None,
    command: str,
) -> Trainer:
    """Make everything ready to learn, and write nothing: what cannot be trained must not claim the folder."""
    make_pairs = draw_pairs if isinstance(source, Dataset) else take_pairs
    pairs: Pairs = make_pairs(recipe, source, fabric.device)  # type: ignore[arg-type]
    content = open_content(recipe.content, fabric, min(pairs.provenance.picture_size))
    companions = {"content.model": content.sha256} if content is not None and content.sha256 is not None else {}
    require_companions(run, earlier, companions)
    spec = specify(recipe, pairs.provenance, content)
    learner = make_learner(fabric, recipe, spec, content)
    loop = Loop(
        epochs=recipe.epochs,
        batch_size=shared_batch_size(fabric, recipe.batch_size, len(pairs)),
        images=len(pairs),
        seed=recipe.seed,
        fabric=fabric,
        modules=learner.modules,
        optimizers=learner.optimizers,
        checkpoint=run.checkpoint,
        fetched_ahead=pairs.fetched_ahead,
        longest_epoch=recipe.epoch_pictures,
    )
    manifest = earlier or Manifest("training", "rugged/restorer", pairs.provenance.trained_on, companions=companions)
    return Trainer(
        recipe=recipe,
        spec=spec,
        run=run,
        learner=learner,
        loop=loop,
        pairs=pairs,
        claim=Claim(run, recipe, manifest, command),
        log=Log(run.metrics, COLUMNS),
    )


def make_learner(fabric: Fabric, recipe: RestoreRecipe, spec: RestorerSpec, content: Content | None) -> Learner:
    """Build both networks on the device, with what moves them."""
    seed_step(recipe.seed, -1)
    adversary = recipe.adversary
    generator = _placed(make_restorer(spec), fabric.device)
    optimizers = {"generator": make_optimizer(generator, recipe.optimizer)}
    discriminator = None
    if adversary.loss != "none" and adversary.weight:
        discriminator = _placed(Discriminator(adversary.width, spectral=adversary.loss == "ragan-ls"), fabric.device)
        optimizers["discriminator"] = make_optimizer(discriminator, adversary.optimizer)
    average = make_average(generator) if recipe.average else None
    return Learner(
        fabric=fabric, recipe=recipe, content=content,
        generator=generator, discriminator=discriminator, optimizers=optimizers, average=average,
    )  # fmt: skip


def _placed(network: nn.Module, device: torch.device) -> nn.Module:
    placed: nn.Module = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return placed.train()


def specify(recipe: RestoreRecipe, shown: Provenance, content: Content | None) -> RestorerSpec:
    """What the restorer's file will say of it."""
    losses = {f"{recipe.pixel.loss} × {recipe.pixel.weight:g}": recipe.pixel.weight}
    if content is not None:
        losses[f"features × {recipe.content.features:g}"] = recipe.content.features
        losses[f"logits × {recipe.content.logits:g}"] = recipe.content.logits
    if recipe.adversary.loss != "none":
        losses[f"{recipe.adversary.loss} × {recipe.adversary.weight:g}"] = recipe.adversary.weight
    losses[f"gate × {recipe.gate:g}"] = recipe.gate
    return RestorerSpec(
        width=recipe.generator.width,
        blocks=recipe.generator.blocks,
        blocks_up=recipe.generator.blocks_up,
        dataset=shown.trained_on.name,
        picture_size=shown.picture_size,
        corruptions=shown.corruptions,
        severities=shown.severities,
        preset=shown.preset,
        losses=tuple(loss for loss, weight in losses.items() if weight),
        content_model=None if content is None else content.name,
    )
