"""Recipes: everything that decides a training run, as frozen data read from TOML."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Literal

from rugged.core.configuration import load
from rugged.core.errors import ConfigError


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
class AugmentRecipe:
    """What training does to the pictures.

    Attributes:
        flip: Mirror half of them left to right.
        crop: Shift by up to this many pixels each way; what comes in from outside is mirrored at the edge.
    """

    flip: bool = True
    crop: int = 4


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
        positive = {"epochs": self.epochs, "batch_size": self.batch_size, "optimizer.lr": self.optimizer.lr}
        for name, value in positive.items():
            if value <= 0:
                raise ValueError(f"{name} is {value}; it must be above 0.")
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(f"label_smoothing is {self.label_smoothing}; it must be at least 0 and below 1.")
        for name, count in {
            "augment.crop": self.augment.crop,
            "development_per_class": self.development_per_class,
        }.items():
            if count < 0:
                raise ValueError(f"{name} is {count}; it must not be negative.")


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
