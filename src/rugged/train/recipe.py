"""Recipes: everything that decides a training run, as frozen data read from TOML."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from operator import attrgetter
from pathlib import Path
from typing import Literal

from rugged.core.catalogue import SEVERITIES
from rugged.core.configuration import load
from rugged.core.errors import ConfigError
from rugged.core.selection import choose_corruptions, choose_severities


@dataclass(frozen=True)
class ModelRecipe:
    """Which network.

    Attributes:
        architecture: A name that ``rugged.models.build`` knows.
        pretrained: Start from ImageNet weights.
        input_size: Side in pixels that pictures are resized to; None takes the data set's own.
    """

    architecture: str
    pretrained: bool = False
    input_size: int | None = None


@dataclass(frozen=True)
class OptimizerRecipe:
    """How weights move. The learning rate warms up linearly, then falls along a half cosine to 0.

    Attributes:
        name: The algorithm.
        lr: Peak learning rate.
        weight_decay: Applied to weight matrices and kernels, not to biases and normalisation.
        momentum: For SGD (Nesterov).
        warmup_epochs: Length of the linear warm-up.
        clip_norm: Largest norm of the whole gradient; None for no clipping.
    """

    name: Literal["sgd", "adamw"] = "sgd"
    lr: float = 0.1
    weight_decay: float = 5e-4
    momentum: float = 0.9
    warmup_epochs: float = 1.0
    clip_norm: float | None = None


@dataclass(frozen=True)
class CorruptRecipe:
    """Common corruptions as augmentation: a picture gets one, at one severity, each as likely as the others.

    Attributes:
        names: Corruptions, or the sets ``benchmark``, ``extra`` and ``all``. None by default: the benchmark's authors
            ask that networks not be trained on its fifteen. The model file lists what was used, and so does its score.
        severities: Some of 1 to 5.
        probability: Of a picture to be corrupted at all.
        textures: For frost: a folder of the published photographs, or ``procedural``; None looks for the photographs
            and fetches them on first use.
    """

    names: tuple[str, ...] = ()
    severities: tuple[int, ...] = SEVERITIES
    probability: float = 0.5
    textures: str | None = None

    def __post_init__(self) -> None:
        choose_severities(self.severities)
        if self.names:
            choose_corruptions(self.names)


@dataclass(frozen=True)
class AugmentRecipe:
    """What training does to the pictures.

    Attributes:
        flip: Mirror half of them left to right.
        crop: Shift by up to this many pixels each way; what comes in from outside is mirrored at the edge.
        corrupt: Which common corruptions it applies.
    """

    flip: bool = True
    crop: int = 4
    corrupt: CorruptRecipe = field(default_factory=CorruptRecipe)


@dataclass(frozen=True)
class Recipe:
    """A training run.

    Attributes:
        model: Which network.
        epochs: Passes over the training images.
        batch_size: Images a step.
        seed: Decides initial weights, order, augmentation and dropout.
        precision: Of convolutions and matrix products; ``auto`` is bf16 where the hardware computes in it.
        label_smoothing: Share of the target spread evenly over the classes.
        development_per_class: Training images a class that are held out to watch progress; the validation split is
            read by the benchmark alone. 0 trains on everything.
        optimizer: How weights move.
        augment: What training does to the pictures.
    """

    model: ModelRecipe
    epochs: int
    batch_size: int = 128
    seed: int = 0
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    label_smoothing: float = 0.0
    development_per_class: int = 25
    optimizer: OptimizerRecipe = field(default_factory=OptimizerRecipe)
    augment: AugmentRecipe = field(default_factory=AugmentRecipe)

    def __post_init__(self) -> None:
        for name, (low, high) in _LIMITS.items():
            value = attrgetter(name)(self)
            # NaN fails every comparison, so it is refused too.
            if value is not None and not low <= value <= high:
                raise ValueError(f"{name} is {value}; it must be from {low} to {high}.")


_LIMITS: dict[str, tuple[float, float]] = {
    "epochs": (1, 1_000_000),
    "batch_size": (1, 1_000_000),
    "seed": (0, 2**63 - 1),
    "label_smoothing": (0, 0.999),
    "development_per_class": (0, 1_000_000),
    "model.input_size": (1, 4096),
    "optimizer.lr": (1e-12, 1000),
    "optimizer.weight_decay": (0, 1000),
    "optimizer.momentum": (0, 0.9999),
    "optimizer.warmup_epochs": (0, 1_000_000),
    "optimizer.clip_norm": (1e-12, 1e12),
    "augment.crop": (0, 4096),
    "augment.corrupt.probability": (0, 1),
}
"""The least and the greatest value of each number in a recipe, both allowed."""


def shipped_recipes() -> dict[str, str]:
    """The recipes that come with rugged: name to TOML text."""
    folder = resources.files("rugged") / "recipes"
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda entry: entry.name)
    return {entry.name.removesuffix(".toml"): entry.read_text(encoding="utf-8") for entry in files}


def load_recipe(where: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a shipped recipe by name, or any by its path.

    Args:
        where: ``plain64``, or a path to a ``.toml`` file.
        overrides: ``"optimizer.lr=0.05"`` assignments.

    Raises:
        ConfigError: No such recipe, or one that cannot be used.
    """
    path = Path(where)
    if path.suffix == ".toml":
        try:
            return load(Recipe, path.read_text(encoding="utf-8"), source=str(path), overrides=overrides)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"Cannot read the recipe {path}: {error}.") from error
    shipped = shipped_recipes()
    if str(where) not in shipped:
        nearest = difflib.get_close_matches(str(where), shipped, n=1)
        hint = f"Did you mean {nearest[0]!r}?" if nearest else f"Shipped: {', '.join(shipped)}."
        raise ConfigError(f"There is no recipe {str(where)!r}. {hint} A file of your own must end in .toml.")
    return load(Recipe, shipped[str(where)], source=f"recipe {where}", overrides=overrides)
