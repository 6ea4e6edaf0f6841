"""The model card: what a model is, what it can take, what it has seen, and how to use it. Markdown, as hubs show it."""

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rugged.core.catalogue import ALL, display_name
from rugged.core.errors import ConfigError, ResultsError
from rugged.core.files import read_json, write_text
from rugged.core.notes import folded
from rugged.core.progress import format_seconds
from rugged.core.tables import Table
from rugged.report import overview
from rugged.report.extent import full_extent, images, mce_label
from rugged.report.headlines import headline_rows
from rugged.report.plain import errors_table, escape_markdown, shown
from rugged.results import Classes, ModelFacts, RunFolder, Summary, read_summary

SOMEBODYS = "USER/NAME"
"""Stands for a repository that is not known yet."""

_SHOWN_CLASSES = 20
_FIGURES = "## How it holds up"
_HASH = "SHA-256 of model.safetensors: `{}`."


@dataclass(frozen=True)
class Carded:
    """What a card speaks of: the run, what its model file says, and what was measured, if it was."""

    run: RunFolder
    facts: ModelFacts
    classes: Classes
    summary: Summary | None


def write_card(
    run: RunFolder,
    facts: ModelFacts,
    classes: Classes,
    out: Path,
    repository: str = SOMEBODYS,
    replace: bool = False,
) -> Path:
    """Write the card of a run's model.

    The same results give the same bytes. Of the command lines and paths of this machine it says nothing.

    Args:
        run: Its folder, for the manifest of its training and the summary of its benchmark, where these are there.
        facts: What its model file says.
        classes: What it tells apart.
        out: The file.
        repository: On the Hugging Face hub, for the lines on use.
        replace: Whether it may take the place of a file that says anything else.

    Returns:
        ``out``.

    Raises:
        ConfigError: There is such a file, with what somebody has filled in perhaps.
        ResultsError: The summary is damaged, or about another model.
    """
    summary = read_summary(run.summary) if run.summary.exists() else None
    if summary is not None and summary.model.sha256 != facts.sha256:
        raise ResultsError(
            f"{run.summary} is about another model than {run.model}, which was trained since. Run `rugged benchmark` "
            "again, with --replace."
        )
    card = Carded(run, facts, classes, summary)
    parts = [
        _front_matter(card),
        *_what(card),
        *_robustness(card),
        *_training(card),
        *_limits(card),
        *_use(card, repository),
    ]
    text = "\n\n".join([*parts, *_licence()]) + "\n"
    if not replace and out.is_file() and out.read_text(encoding="utf-8", errors="replace") != text:
        raise ConfigError(
            f"{out} is there and says something else: it was filled in, or made from other results. Choose another "
            "--out, or add --replace; what was filled in is to be filled in again."
        )
    write_text(out, text)
    return out


def figures_in(text: str) -> str | None:
    """What a card says of the benchmark; None where it has no such section any more."""
    found = re.search(rf"^{_FIGURES}$.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found and found[0].strip()


def hash_in(text: str) -> str | None:
    """The SHA-256 of the model that a card is about; None where it says nothing of it any more."""
    found = re.search(re.escape(_HASH).replace(r"\{\}", "([0-9a-f]{64})"), text)
    return found and found[1]


def _front_matter(card: Carded) -> str:
    """What hubs read. A JSON string is one of YAML, whatever it holds."""
    name, facts = json.dumps(card.facts.name, ensure_ascii=False), card.facts
    lines = [
        "---",
        "license: unknown  # To be filled in, such as apache-2.0.",
        "library_name: rugged",
        "pipeline_tag: image-classification",
        "tags:",
        *(
            f"- {json.dumps(tag)}"
            for tag in ("image-classification", "robustness", "common-corruptions", facts.architecture)
        ),
    ]
    if card.summary is not None:
        dataset = json.dumps(card.summary.conditions.dataset, ensure_ascii=False)
        lines += ["model-index:", f"- name: {name}", "  results:", "  - task:", "      type: image-classification"]
        lines += ["    dataset:", f"      name: {dataset}", f"      type: {dataset}"]
        lines += [f"      split: {json.dumps(card.summary.conditions.split)}", "    metrics:", *_metrics(card.summary)]
    return "\n".join([*lines, "---"])


def _metrics(summary: Summary) -> Iterator[str]:
    """Each name says what a partial figure is over: hubs show it alone."""
    few = "" if summary.conditions.limit is None else f", n = {images(summary)}"
    found = [("accuracy", "Clean top-1", 1 - summary.clean.error)]
    if (mean := summary.mean_corruption_accuracy) is not None:
        found.append(("accuracy", f"Mean corruption accuracy, {full_extent(summary)}", mean))
    if summary.mce is not None:
        found.append(("mce", f"{mce_label(summary)}, relative to {summary.mce.baseline.name}", summary.mce.value))
    for kind, what, value in found:
        name = f"{what}{few}"
        yield f"    - type: {kind}\n      name: {json.dumps(name, ensure_ascii=False)}\n      value: {100 * value:.2f}"


def _what(card: Carded) -> Iterator[str]:
    facts, names = card.facts, card.classes.shown
    yield f"# {escape_markdown(facts.name)}"
    yield (
        f"An image classifier: {escape_markdown(facts.architecture)}, {facts.parameters:,} parameters, for pictures of "
        f"{facts.input_size} × {facts.input_size} pixels (others are resized), {len(names):,} classes."
    )
    first = ", ".join(map(escape_markdown, names[:_SHOWN_CLASSES]))
    more = f", and {len(names) - _SHOWN_CLASSES:,} more" if len(names) > _SHOWN_CLASSES else ""
    yield f"Classes: {first}{more}. Their ids and names, in the order of the outputs, stand in the model file."


def _robustness(card: Carded) -> Iterator[str]:
    yield _FIGURES
    if card.summary is None:
        yield "Not measured yet. `rugged benchmark` says what it can take."
        return
    summary = card.summary
    yield escape_markdown(overview.finding(summary))
    rows = tuple((row.label, *row.values) for row in headline_rows([summary]))
    yield shown(Table("", ("Figure", "Value"), rows))
    if summary.conditions.corruptions:
        baseline = "" if summary.mce is None else f" mCE divides by the errors of {summary.mce.baseline.name}."
        yield escape_markdown(
            f"n = {images(summary)}. In brackets 95% intervals over the images. Figures under corruption are "
            f"means over {full_extent(summary)}.{baseline}"
        )
        yield "Errors in percent, by severity:"
        yield shown(errors_table([summary]).without("Model"))
    facts = [fact for fact in overview.facts(summary) if fact.term not in ("Model", "Training operations")]
    yield shown(Table("", ("Condition", "Value"), tuple((fact.term, fact.full or fact.value) for fact in facts)))


def _training(card: Carded) -> Iterator[str]:
    operations = card.facts.training_operations
    seen = [name for name in ALL if name in operations]
    yield "## Training"
    yield f"What training did to the pictures: {escape_markdown(', '.join(operations)) or 'nothing is recorded'}."
    if seen:
        names = ", ".join(map(display_name, seen))
        yield (
            f"**Of the corruptions that benchmarks test it has seen {len(seen)} in training: {names}.** Its figures "
            "there do not speak for corruptions that it has never seen."
        )
    else:
        yield "Of the corruptions that benchmarks test it has seen none under their names."
    if card.facts.trained_elsewhere:
        yield "What it saw where others trained it is not known."
    known = () if card.summary is None else card.summary.notes
    manifest = read_json(card.run.manifest) if card.run.manifest.exists() else {}
    if lines := list(_manifest_lines(manifest if isinstance(manifest, dict) else {}, known)):
        yield "\n".join(f"- {escape_markdown(line)}" for line in lines)


def _manifest_lines(manifest: dict[str, Any], known: Sequence[str]) -> Iterator[str]:
    """What the manifest tells of the training, but for the notes that stand among the limits.

    It may be of another version, or edited: what is not as it should be is left out.
    """
    data, epoch, seconds = (manifest.get(key) for key in ("dataset", "epoch", "seconds"))
    if isinstance(data, dict) and "name" in data:
        yield f"Data: {data['name']}, content hash {data.get('content_hash', 'unknown')}."
        notes = data.get("notes")
        yield from folded(note for note in map(str, notes if isinstance(notes, list) else ()) if note not in known)
    if isinstance(epoch, int):
        yield f"Epochs: {epoch}."
    if isinstance(seconds, int | float) and math.isfinite(seconds):
        yield f"Duration: {format_seconds(seconds)}."


def _limits(card: Carded) -> Iterator[str]:
    summary = card.summary
    notes = [
        f"It knows {len(card.classes):,} classes and always names one of them, whatever the picture shows.",
        "Corruptions drawn by code stand for real noise, blur, weather and compression; they are not these.",
        *([] if summary is None else overview.caveats([summary])),
    ]
    yield "## Limits"
    yield "\n".join(f"- {escape_markdown(note)}" for note in notes)


def _use(card: Carded, repository: str) -> Sequence[str]:
    return (
        "## Use",
        "```python\n"
        "from rugged import Classifier\n\n"
        f'classifier = Classifier.load("hf://{repository}")  # or the path of model.safetensors\n'
        '[prediction] = classifier.predict("photo.jpg")\n'
        "print(prediction.best.name, prediction.best.probability)\n"
        "```",
        f"```bash\nrugged predict hf://{repository} photo.jpg\nrugged export hf://{repository} model.onnx\n```",
        _HASH.format(card.facts.sha256),
    )


def _licence() -> Sequence[str]:
    return (
        "## Licence",
        "To be filled in, here and at the top. Weights that training started from, and the data, have licences of "
        "their own.",
    )
