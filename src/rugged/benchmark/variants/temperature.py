"""Temperature scaling: logits divided by one number that makes the development split's probabilities honest."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rugged.benchmark.cautions import trained_on
from rugged.benchmark.routes.route import Images
from rugged.benchmark.variants.base import Answer, Setting, TakePictures
from rugged.core.errors import ConfigError, DataError
from rugged.core.files import read_text
from rugged.core.parsing import parse_toml
from rugged.core.stopping import StopRequest
from rugged.data import Dataset, Split, content_hash, development_split
from rugged.engine import as_batch, chunks, in_turn, told_by_the_first
from rugged.engine.subject import Subject
from rugged.metrics import fit_temperature
from rugged.metrics.temperature import LIMITS

_PER_CLASS = 25


@dataclass(frozen=True)
class Scaling:
    """A classifier whose logits are divided by a temperature. Its errors are those of the plain one.

    Source: Guo et al. 2017 (arXiv:1706.04599).
    """

    setting: Setting
    temperature: float
    how: str
    facts: Mapping[str, Any]
    name: str = "temperature"
    clean_only: bool = False

    @contextmanager
    def answering(self, pictures: TakePictures, images: Images, stop: StopRequest) -> Iterator[Answer]:  # noqa: ARG002
        """Answer as ever, and divide. In float64, where no two logits become equal and change their rank."""
        yield lambda shown, _: self.setting.subject.answer(shown).double() / self.temperature


def make_scaling(setting: Setting, stop: StopRequest) -> Scaling:
    """Fit the temperature on training pictures that were held out of training; the validation split is never looked at.

    Raises:
        ConfigError: No pictures were held out when the model was trained.
        DataError: There are too few training pictures.
    """
    split, unseen = _development(setting.subject, setting.dataset)

    def answer(chunk: slice) -> Tensor:
        return setting.subject.answer(as_batch(split.images[chunk], setting.fabric.device))

    found = in_turn(setting.fabric, list(chunks(len(split))), answer, stop)
    temperature = told_by_the_first(
        setting.fabric, lambda: round(fit_temperature(torch.cat(found).numpy(), split.labels), 4)
    )
    origin = (
        "that were held out when it was trained"
        if unseen
        else "that it may have been trained on, so that it may still be too sure"
    )
    likelihood = f"the negative log-likelihood of {len(split):,} training pictures {origin}"
    where = f"at which {likelihood} is least"
    if temperature in LIMITS:
        why = "all are answered right" if temperature == LIMITS[0] else "no answer is better than chance"
        where = f"the end of the search: {likelihood} has no least before it, as where {why}, so that nothing is fitted"
    how = f"Logits divided by {temperature:g}, {where} (Guo et al. 2017). Which class is most probable does not change."
    facts = {"temperature": temperature, "fitted_on": content_hash(setting.dataset.classes, split)}
    return Scaling(setting, temperature, how, facts)


def _development(subject: Subject, dataset: Dataset) -> tuple[Split, bool]:
    """Training pictures to fit on, and whether the model is known not to have learned from them."""
    home = subject.home
    if home is None or not home.recipe.exists() or trained_on(subject) != dataset.content_hash:
        per_class, unseen = _PER_CLASS, False
    else:
        per_class, unseen = _held_out(home.recipe), True
    try:
        _, chosen = development_split(dataset.train, per_class)
    except DataError as error:
        found = f"a class of {dataset.name} has no more than that" if len(dataset.train) else f"{dataset.name} has none"
        raise DataError(
            f"The variant temperature is fitted on {per_class} training pictures a class, and {found}. Measure without "
            "temperature."
        ) from error
    return dataset.train.take(chosen), unseen


def _held_out(recipe: Path) -> int:
    """How many training pictures of each class a recipe holds out, to choose an epoch by."""
    try:
        per_class = parse_toml(read_text(recipe))["development_per_class"]
    except (KeyError, ValueError) as error:
        raise ConfigError(
            f"{recipe} does not say how many pictures of each class were held out of training ({error})."
        ) from error
    if not per_class:
        raise ConfigError(
            "The variant temperature is fitted on training pictures that the model has not learned from, and its "
            "recipe held none out (development_per_class = 0). Measure without temperature."
        )
    return int(per_class)
