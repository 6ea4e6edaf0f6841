"""One training run: from a recipe and a data set to a run folder with a finished model."""

from dataclasses import replace
from pathlib import Path

from rugged.core.configuration import dump
from rugged.core.errors import RunError
from rugged.core.files import exclusive
from rugged.core.progress import say
from rugged.core.stopping import stop_on_signal
from rugged.data import Dataset
from rugged.engine import Device, describe, make_fabric
from rugged.results import RunFolder
from rugged.train.augment import settle_textures
from rugged.train.manifest import Manifest, read_manifest
from rugged.train.recipe import Recipe
from rugged.train.trainer import Trainer, checkpoint_file


def train(recipe: Recipe, dataset: Dataset, folder: Path, *, device: Device = "auto", command: str = "") -> RunFolder:
    """Train a model, or go on with a training that was interrupted.

    Args:
        recipe: What to do.
        dataset: On which pictures.
        folder: The run folder. A finished run of the same recipe on the same data is left as it is.
        device: Where.
        command: The command line, for the manifest.

    Returns:
        The run folder, with a finished model in it.

    Raises:
        ModelError: The network cannot learn at this input size or batch size. The folder stays free.
        RunError: The folder holds another run or is in use, or loss or weights are no longer finite.
        Interrupted: A signal came; the next call goes on where this one stopped.
    """
    fabric = make_fabric(device, recipe.precision)
    augment, textures = settle_textures(recipe.augment)
    recipe = replace(recipe, precision=describe(fabric)["precision"], augment=augment)
    run = RunFolder(folder)
    with exclusive(run.lock, f"train into {folder}"):
        earlier = _earlier(run, recipe, dataset)
        if earlier is not None and earlier.status == "finished" and run.model.exists():
            say(f"{folder} is already trained: {run.model}")
            return run
        trainer = Trainer.prepare(fabric, recipe, dataset, run, earlier, textures, command)
        with stop_on_signal() as stop:
            trainer.loop.run(trainer.step, trainer.end_epoch, stop)
        trainer.finish()
    return run


def _earlier(run: RunFolder, recipe: Recipe, dataset: Dataset) -> Manifest | None:
    """The manifest of this training's earlier sessions; None where nothing has been learned in the folder yet."""
    if not (run.model.exists() or checkpoint_file(run).exists()):
        if (run.recipe.exists() or run.metrics.exists()) and not run.manifest.exists():
            raise RunError(
                f"{run.path} holds a recipe or metrics but no manifest: no run of ours. Choose another --out."
            )
        if run.manifest.exists():
            read_manifest(run.manifest)  # Somebody else's manifest is refused, not overwritten.
        return None
    if not (run.recipe.exists() and run.manifest.exists()):
        raise RunError(f"{run.path} holds a model but no recipe and manifest. Choose another folder with --out.")
    manifest = read_manifest(run.manifest)
    if run.recipe.read_bytes() != dump(recipe).encode():
        raise RunError(
            f"{run.path} holds a run of another recipe (see {run.recipe}). Choose another folder with --out."
        )
    if (found := manifest.dataset.content_hash) != dataset.content_hash:
        raise RunError(
            f"{run.path} holds a run on other data (content {found[:12]}…, here {dataset.content_hash[:12]}…). "
            "Choose another folder with --out."
        )
    return manifest
