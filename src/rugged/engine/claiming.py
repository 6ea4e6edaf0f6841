"""A run folder from its first claim to its last entry: a training goes on with its own earlier sessions alone."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from torch import nn

from rugged.core.configuration import NONE, by_full_key, dump, load
from rugged.core.environment import versions
from rugged.core.errors import ConfigError, RunError
from rugged.core.files import read_text, sha256_file, write_text
from rugged.core.progress import format_seconds, say
from rugged.core.stopping import stop_on_signal
from rugged.engine.devices import Fabric, by_the_first, describe, require_same
from rugged.engine.loop import Loop, Work
from rugged.engine.manifest import Manifest, Session, read_manifest, write_manifest
from rugged.engine.randomness import generators_given_back
from rugged.models import count_parameters
from rugged.results import RunFolder

FinalFigures = dict[str, dict[str, float]]

_NAMED = 4
"""Differences between two recipes that a message names."""


class Training(Work[Any], Protocol):
    """What is ready to learn.

    Attributes:
        loop: Where it stands.
    """

    loop: Loop

    def finish(self) -> None:
        """Save what was learned."""


def train_into(
    fabric: Fabric,
    run: RunFolder,
    finished: Path,
    recipe: Any,
    content_hash: str,
    prepare: Callable[[Manifest | None], Training],
) -> None:
    """Train to the end in a run folder that the caller has locked, unless that has been done.

    Args:
        fabric: The processes.
        run: The run folder.
        finished: The file in it that a finished training leaves.
        recipe: The resolved recipe, a dataclass.
        content_hash: Of the data.
        prepare: Makes everything ready, from the manifest of earlier sessions where there are any, and writes nothing.

    Raises:
        RunError: The folder holds another run, or something else; or loss or weights are no longer finite.
        Interrupted: A signal came; the next call goes on where this one stopped.
    """
    earlier = earlier_sessions(run, finished, recipe, content_hash)
    require_same(fabric, "recipe, data or folder", f"{run.path.resolve()} {content_hash} {dump(recipe)}")
    if earlier is not None and earlier.status == "finished" and finished.exists():
        if fabric.is_global_zero:
            say(f"{run.path} is already trained: {finished}")
        return
    with generators_given_back(fabric.device):
        training = prepare(earlier)
        fabric.barrier()  # All have read what stands in the folder before the first one writes.
        with stop_on_signal() as stop:
            training.loop.run(training, stop)
        by_the_first(fabric, training.finish)


def earlier_sessions(run: RunFolder, finished: Path, recipe: Any, content_hash: str) -> Manifest | None:
    """The manifest of this training's earlier sessions; None where nothing has been learned in the folder yet.

    Args:
        run: The run folder.
        finished: The file in it that a finished training leaves.
        recipe: The resolved recipe, a dataclass.
        content_hash: Of the data.

    Raises:
        RunError: The folder holds another run, or something else.
    """
    for other in (run.model, run.restorer):
        if other != finished and other.exists():
            raise RunError(f"{run.path} holds a run of another kind: {other}. Choose another folder with --out.")
    if not (finished.exists() or run.checkpoint.exists()):
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
    if changed := _changed(run.recipe, recipe):
        more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
        raise RunError(
            f"{run.path} holds a run of another recipe: {'; '.join(changed[:_NAMED])}{more}. Choose another folder "
            "with --out."
        )
    if (found := manifest.dataset.content_hash) != content_hash:
        raise RunError(
            f"{run.path} holds a run on other data (content {found[:12]}…, here {content_hash[:12]}…). "
            "Choose another folder with --out."
        )
    return manifest


def require_companions(run: RunFolder, earlier: Manifest | None, companions: dict[str, str]) -> None:
    """See that the other networks that take part are those of the earlier sessions, and not trained anew since.

    Raises:
        RunError: One is another.
    """
    for key, sha256 in companions.items():
        before = sha256 if earlier is None else earlier.companions.get(key, sha256)
        if before != sha256:
            raise RunError(
                f"{run.path} was begun beside another {key} ({before[:12]}…, here {sha256[:12]}…). Put the earlier "
                "file back, or choose another folder with --out."
            )


def _changed(path: Path, recipe: Any) -> list[str]:
    """What a saved recipe says otherwise, a phrase a key."""
    try:
        saved = by_full_key(load(type(recipe), read_text(path), source=str(path)))
    except (ConfigError, OSError, UnicodeDecodeError) as error:
        return [f"{path} cannot be read ({error})"]
    wanted = by_full_key(recipe)
    return [
        f"{key} is {saved.get(key, NONE)}, here {wanted.get(key, NONE)}"
        for key in dict.fromkeys((*saved, *wanted))
        if saved.get(key) != wanted.get(key)
    ]


@dataclass
class Claim:
    """A session's claim on its run folder: made once the checkpoint has said where the session begins.

    Attributes:
        run: The run folder.
        recipe: The resolved recipe, a dataclass.
        manifest: Of the earlier sessions; of this one too, once the claim is made.
        command: The command line, for the manifest.
    """

    run: RunFolder
    recipe: Any
    manifest: Manifest
    command: str
    _made: bool = False

    def make_once(self, fabric: Fabric, first_step: int) -> None:
        """Write whose the folder is, unless this session has done so; of several processes the first one does."""
        if fabric.is_global_zero and not self._made:
            session = Session(self.command, first_step, versions(), describe(fabric))
            self.manifest = replace(self.manifest, status="training", sessions=(*self.manifest.sessions, session))
            # The manifest first: a kill between the two would leave a recipe alone, which is nobody's run.
            write_manifest(self.run.manifest, self.manifest)
            write_text(self.run.recipe, dump(self.recipe))
        self._made = True


def require_finite(module: nn.Module, what: str, advice: str) -> None:
    """See that no weight is infinite or no number: saved, it would be where every later session begins.

    Args:
        module: The network.
        what: It and where it was trained, for the message.
        advice: What to do.

    Raises:
        RunError: Some are.
    """
    broken = [name for name, value in module.state_dict().items() if not value.isfinite().all()]
    if broken:
        raise RunError(f"{what} came to weights that are not finite ({', '.join(broken[:3])}). {advice}")


def complete(
    run: RunFolder, file: Path, module: nn.Module, manifest: Manifest, seconds: float, epoch: int, final: FinalFigures
) -> None:
    """Enter a finished training in the manifest, and say where its result is.

    Args:
        run: The run folder.
        file: The finished model or restorer in it.
        module: Its network.
        manifest: With all sessions.
        seconds: Of training.
        epoch: That the weights come from, counted from 1.
        final: Figures by split.
    """
    finished = replace(
        manifest,
        status="finished",
        seconds=round(seconds, 1),
        parameters=count_parameters(module),
        sha256=sha256_file(file),
        epoch=epoch,
        final=final,
    )
    write_manifest(run.manifest, finished)
    say(f"Trained in {format_seconds(seconds)}: {file}")
