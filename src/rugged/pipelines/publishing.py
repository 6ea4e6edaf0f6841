"""From a run folder to its model card, and to the Hugging Face hub."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import tomli_w

from rugged.core.errors import ModelError, ResultsError
from rugged.core.files import read_text, require_replaceable, sha256_file
from rugged.core.parsing import parse_toml
from rugged.core.progress import say
from rugged.engine import make_fabric, open_subject
from rugged.models.hub import MODEL_FILE, require_repository, share
from rugged.report.card import SOMEBODYS, figures_in, hash_in, write_card
from rugged.results import Classes, RunFolder, read_summary
from rugged.results.summary import summary_text


def card_of(folder: Path, out: Path | None = None, repository: str = SOMEBODYS, replace: bool = False) -> Path:
    """Write the model card of a run.

    Args:
        folder: The run folder. Nothing in it is computed anew.
        out: The file; None is ``card.md`` in the run folder.
        repository: On the hub, for the lines on use.
        replace: Whether it may take the place of a file that says anything else.

    Returns:
        The file.

    Raises:
        ConfigError: There is such a file that says anything else, or that is no card by its name.
        ModelError: There is no model in it.
        ResultsError: The summary is damaged, or about another model.
    """
    run = RunFolder(folder)
    if not run.model.is_file():
        raise ModelError(f"{folder} holds no model: there is no {run.model.name} in it. Name a run folder, trained.")
    if out is not None:
        require_replaceable(out, ".md", ".markdown", ".txt")
    name = read_summary(run.summary).model.name if run.summary.exists() else run.name
    subject = open_subject(folder, name, None, make_fabric("cpu", "fp32", tuned=False))
    ids, names = zip(*((info.id, info.name) for info in subject.classes), strict=True)
    return write_card(run, subject.facts, Classes(ids, names), out or run.card, repository, replace)


def push(folder: Path, repository: str, *, private: bool = False) -> str:
    """Share a run's model on the Hugging Face hub: model, card, recipe and summary.

    No picture, no prediction and no checkpoint leaves the machine, and neither do its command lines and paths.

    Args:
        folder: The run folder. A ``card.md`` in it is shared, filled in perhaps, with the repository's name in the
            lines on use; where its figures are not those of the summary, a note says so. Else one is made.
        repository: ``user/name``; it is made where it is not there.
        private: Only its owner sees the repository; a public one that is there is refused.

    Returns:
        The repository's address.

    Raises:
        ModelError: There is no model, no such name can be, or the hub is not reached or refuses.
        ResultsError: Summary, recipe or card are damaged, or summary or card are about another model.
    """
    require_repository(repository)
    run = RunFolder(folder)
    with TemporaryDirectory(prefix="rugged-push-") as temporary:
        made = card_of(folder, Path(temporary) / "card.md", repository)  # Which refuses what does not belong together.
        card = _shared_card(run, repository, made) if run.card.is_file() else made.read_bytes()
    files: dict[str, Path | bytes] = {MODEL_FILE: run.model, "README.md": card}
    if run.recipe.exists():
        files[run.recipe.name] = _shared_recipe(run.recipe)
    if run.summary.exists():
        files["benchmark/summary.json"] = _shared_summary(run.summary)
    return share(repository, files, private=private)


def _shared_card(run: RunFolder, repository: str, made: Path) -> bytes:
    """The card of a run folder, unless the model was trained anew since."""
    card = run.card.read_bytes()
    try:
        text = card.decode()
    except UnicodeDecodeError as error:  # The hub's client reads it too, after it has made the repository.
        raise ResultsError(f"{run.card} is not UTF-8 ({error}). Save it as UTF-8, and push again.") from error
    if hash_in(text) not in (None, sha256_file(run.model)):
        raise ResultsError(
            f"{run.card} is about another model than {run.model}, which was trained since. Run `rugged card` with "
            "--replace; what was filled in is to be filled in again."
        )
    if figures_in(text) not in (None, figures_in(made.read_text(encoding="utf-8"))):
        say(
            f"Note: the figures in {run.card} are not those of {run.summary}. Unless they are meant to differ, run "
            "`rugged card --replace`, fill in again what was filled in, and push again."
        )
    return card.replace(f"hf://{SOMEBODYS}".encode(), f"hf://{repository}".encode())


def _shared_recipe(path: Path) -> bytes:
    """Without the folders of the files that training took: weights, a restorer, frost's photographs."""
    try:
        recipe = parse_toml(read_text(path))
        augment = recipe.get("augment", {})
        named = ((recipe.get("model", {}), "weights"), (augment, "restore"), (augment.get("corrupt", {}), "textures"))
        for table, key in named:
            if isinstance(table.get(key), str):
                table[key] = Path(table[key]).name
    except (OSError, ValueError, AttributeError) as error:  # The last where a table is something else.
        raise ResultsError(
            f"{path} is no recipe that can be shared ({error}). Mend it, or move it away: the model goes without it."
        ) from error
    return tomli_w.dumps(recipe).encode()


def _shared_summary(path: Path) -> bytes:
    """Without the command line."""
    summary = read_summary(path)
    shared = replace(summary, made=replace(summary.made, command=""))
    return summary_text(shared).encode()
