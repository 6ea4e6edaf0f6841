"""A restorer before the classifier: pictures are restored, clean ones too, and then answered as ever."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rugged.benchmark.routes.route import Images
from rugged.benchmark.variants.base import Answer, Setting, TakePictures
from rugged.core.errors import ConfigError
from rugged.core.selection import require_list
from rugged.core.stopping import StopRequest
from rugged.engine import Fabric, Restorer, open_restorer
from rugged.models import count_parameters
from rugged.results import RestorerFacts, place_of


@dataclass(frozen=True)
class Restoration:
    """A classifier that sees restored pictures.

    Attributes:
        setting: The classifier.
        restorer: What restores.
        facts_of_restorer: What the results say of it.
    """

    setting: Setting
    restorer: Restorer
    facts_of_restorer: RestorerFacts
    clean_only: bool = False

    @property
    def name(self) -> str:
        """By the restorer's content, so that no restorer takes the place of another."""
        return f"restored-{self.restorer.sha256[:12]}"

    @property
    def how(self) -> str:
        """What was done."""
        facts, spec = self.facts_of_restorer, self.restorer.spec
        origin = f" of {facts.dataset}" if facts.dataset else ""
        corruptions = ", ".join(facts.corruptions)
        learned = f"{corruptions} on pictures{origin}" if corruptions else f"pairs of pictures{origin}"
        at = f", severities {', '.join(map(str, spec.severities))}" if spec.severities else ""
        # A classifier is judged kindly behind a restorer that was trained to please it.
        eyes = f", to look right to {spec.content_model}" if spec.content_model else ""
        return (
            f"{facts.name} ({facts.parameters:,} parameters, file {facts.sha256[:12]}…, trained on {learned}{at}{eyes})"
            " restores every picture, clean ones too, before the classifier sees it."
        )

    @property
    def facts(self) -> Mapping[str, Any]:
        """What answers depend on."""
        return {"restorer_sha256": self.restorer.sha256}

    @contextmanager
    def answering(self, pictures: TakePictures, images: Images, stop: StopRequest) -> Iterator[Answer]:  # noqa: ARG002
        """Restore, and answer as ever."""
        yield lambda shown, _: self.setting.subject.answer(self.restorer.restore(shown))


Opened = tuple[Restorer, RestorerFacts]
"""A restorer, and what the results say of it."""


def open_restorers(paths: Sequence[str | Path], fabric: Fabric) -> list[Opened]:
    """Load restorers, each under the name of its run folder or its file.

    Args:
        paths: Their files, or the folders of the runs that trained them.
        fabric: Device and precision.

    Raises:
        ConfigError: One is given twice, or one path in place of a list.
        ModelError: One cannot be loaded, or is none.
    """
    require_list(paths, "restorers")
    opened = [open_restorer(path, fabric) for path in paths]
    names = [place_of(path, None).name for path in paths]
    for path, restorer in zip(paths, opened, strict=True):
        if sum(other.sha256 == restorer.sha256 for other in opened) > 1:
            raise ConfigError(f"The restorer {path} was given twice. Name each once.")
    found = []
    for name, restorer in zip(names, opened, strict=True):
        shown = f"{name} ({restorer.sha256[:8]})" if Counter(names)[name] > 1 else name
        found.append((restorer, _facts(restorer, shown)))
    return found


def _facts(restorer: Restorer, name: str) -> RestorerFacts:
    spec = restorer.spec
    parameters = count_parameters(restorer.module)
    return RestorerFacts(name, restorer.sha256, parameters, spec.dataset, spec.corruptions)
