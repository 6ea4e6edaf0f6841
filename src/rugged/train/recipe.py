"""Recipes: everything that decides a training run, as frozen data read from TOML."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from rugged.core.catalogue import EXTRA
from rugged.core.devices import Precision
from rugged.core.errors import ConfigError
from rugged.core.limits import require_within
from rugged.core.shipped import load_shipped, shipped
from rugged.engine.optimize import OPTIMIZER_LIMITS, OptimizerRecipe
from rugged.train.augment import corruptions
from rugged.train.augmentations.recipe import AUGMENT_LIMITS, AugmentRecipe


@dataclass(frozen=True)
class ModelRecipe:
    """Which network.

    Attributes:
        architecture: A name that ``rugged.models.build`` knows.
        pretrained: Start from the published ImageNet weights.
        weights: Start from a file of weights instead, or from a model by the name of one that comes with rugged or on
            the hub (``hf://user/name``).
        frozen: Feature extraction: only the new head learns, on what the body makes of the pictures.
        input_size: Side in pixels that pictures are resized to; None takes the data set's own.
        mean: Subtracted from each channel, after scaling to [0, 1]; None takes what the architecture's weights expect.
        std: What each channel is divided by after that; None takes what the architecture's weights expect.
    """

    architecture: str
    pretrained: bool = False
    weights: str | None = None
    frozen: bool = False
    input_size: int | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("mean", "std"):
            values = getattr(self, name)
            if values is not None and not (len(values) == 3 and all(0 <= value <= 1 for value in values)):
                raise ConfigError(f"model.{name} is {list(values)}; expected three numbers from 0 to 1.")
        if self.std is not None and not all(self.std):
            raise ConfigError("model.std has a 0, which pictures cannot be divided by.")
        if self.pretrained and self.weights:
            raise ConfigError(
                "model.pretrained and model.weights are two beginnings: set model.pretrained=false, or weights=none."
            )
        if self.frozen and not (self.pretrained or self.weights):
            raise ConfigError("model.frozen without model.pretrained or model.weights keeps a body that knows nothing.")


@dataclass(frozen=True)
class AverageRecipe:
    """A moving average of the weights, which is judged and saved in place of the weights themselves.

    Attributes:
        decay: What remains of the average after a step; 0 keeps none and saves the weights themselves.
        reestimate: Batches over which batch norms' statistics are measured anew for the averaged weights, at the end.
    """

    decay: float = 0.0
    reestimate: int = 50


@dataclass(frozen=True)
class GrowthRecipe:
    """Small pictures first: a network sees more of them in the same time, and the last epochs at full size.

    Attributes:
        start: Side in pixels at the beginning; None shows pictures at full size throughout.
        share: Of the epochs, over which pictures grow to full size; the last one has it, however few they are.
    """

    start: int | None = None
    share: float = 0.7


@dataclass(frozen=True)
class AdversarialRecipe:
    """AdvProp: learn from adversarial copies of the pictures too, through batch norms of their own.

    Attributes:
        steps: Of the attack; 0 makes no adversarial pictures.
        step_size: In levels of 255.
        radius: The most that a level is changed.
    """

    steps: int = 0
    step_size: float = 1.0
    radius: float = 4.0


@dataclass(frozen=True)
class Recipe:
    """A training run.

    Attributes:
        model: Which network.
        epochs: Passes over the training images.
        batch_size: Images a step.
        micro_batch: Images that pass through the network at once, to save memory; the step adds up their gradients.
            None takes the batch whole, 0 finds the most that a GPU's memory holds.
        seed: Decides initial weights, order, augmentation and dropout.
        precision: Of convolutions and matrix products; ``auto`` is bf16 where the hardware computes in it.
        label_smoothing: Share of the target spread evenly over the classes.
        development_per_class: Training images a class that are held out to watch progress; the validation split is
            never trained on. 0 trains on everything.
        watch: How the development split is looked at: ``clean``, or under the four ``extra`` corruptions too, if none
            of them is trained on. The score is then the mean of both top-1.
        keep: Which epoch's weights become the model: the last one's, or those with the best score on that split.
        patience: Epochs without a better score after which training ends early, counted from the first one at full size
            on; None for never.
        compile: Have the network compiled by ``torch.compile``.
        checkpoint_activations: Compute activations twice instead of keeping them, to save memory.
        deterministic: On a GPU, use only algorithms that give the same bits every time.
        optimizer: How weights move.
        average: Whether their moving average is what becomes the model.
        growth: Whether the first epochs see smaller pictures.
        adversarial: Whether adversarial pictures take part.
        augment: What training does to the pictures.
    """

    model: ModelRecipe
    epochs: int
    batch_size: int = 128
    micro_batch: int | None = None
    seed: int = 0
    precision: Precision = "auto"
    label_smoothing: float = 0.0
    development_per_class: int = 25
    watch: Literal["clean", "extra"] = "clean"
    keep: Literal["last", "best"] = "last"
    patience: int | None = None
    compile: bool = False
    checkpoint_activations: bool = False
    deterministic: bool = False
    optimizer: OptimizerRecipe = field(default_factory=OptimizerRecipe)
    average: AverageRecipe = field(default_factory=AverageRecipe)
    growth: GrowthRecipe = field(default_factory=GrowthRecipe)
    adversarial: AdversarialRecipe = field(default_factory=AdversarialRecipe)
    augment: AugmentRecipe = field(default_factory=AugmentRecipe)

    def __post_init__(self) -> None:
        require_within(self, LIMITS)
        if self.checkpoint_activations and (self.adversarial.steps or self.compile):
            other = "compile" if self.compile else "adversarial training"
            raise ConfigError(f"{other} and checkpoint_activations do not go together. Use micro_batch.")
        if self.adversarial.steps and self.model.frozen:
            raise ConfigError(
                "AdvProp learns batch norms of its own, which stand still in a frozen body: set model.frozen=false, or "
                "adversarial.steps=0."
            )
        if self.augment.plain_epochs > self.epochs:
            raise ConfigError(f"augment.plain_epochs is {self.augment.plain_epochs}, of {self.epochs} epochs.")
        chooses = self.keep == "best" or self.patience is not None or self.watch == "extra"
        if self.development_per_class == 0 and chooses:
            raise ConfigError(
                'keep = "best", patience and watch need a development split: development_per_class above 0.'
            )
        if self.patience is not None and self.augment.plain_epochs:
            raise ConfigError(
                "patience would end the training before its augment.plain_epochs, which are the last ones. Unset one."
            )
        learned = [name for name in corruptions(self.augment) if name in EXTRA]
        if self.watch == "extra" and learned:
            raise ConfigError(
                f'watch = "extra" would judge by {", ".join(learned)}, which augment.corrupt.names trains on. Set '
                'watch = "clean", or train on other corruptions.'
            )


def portions(recipe: Recipe, images: int) -> int:
    """In how many portions images pass through the network; as equal as can be, for batch norms' sake."""
    return -(-images // (recipe.micro_batch or images))


LIMITS: dict[str, tuple[float, float]] = {
    "epochs": (1, 1_000_000),
    "batch_size": (1, 1_000_000),
    "micro_batch": (0, 1_000_000),
    "seed": (0, 2**63 - 1),
    "label_smoothing": (0, 0.999),
    "development_per_class": (0, 1_000_000),
    "patience": (1, 1_000_000),
    "model.input_size": (1, 4096),
    **{f"optimizer.{name}": limits for name, limits in OPTIMIZER_LIMITS.items()},
    "average.decay": (0, 0.999999),
    "average.reestimate": (0, 100_000),
    "growth.start": (1, 4096),
    "growth.share": (1e-3, 1),
    "adversarial.steps": (0, 100),
    "adversarial.step_size": (0, 255),
    "adversarial.radius": (0, 255),
    **{f"augment.{name}": limits for name, limits in AUGMENT_LIMITS.items()},
}
"""The least and the greatest value of each number in a recipe, both allowed."""


def shipped_recipes() -> dict[str, str]:
    """The recipes that come with rugged: name to TOML text."""
    return shipped("recipes")


def load_recipe(where: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a shipped recipe by name, or any by its path.

    Args:
        where: ``scratch64``, or a path to a ``.toml`` file.
        overrides: ``"optimizer.lr=0.05"`` assignments.

    Raises:
        ConfigError: No such recipe, or one that cannot be used.
    """
    return load_shipped(Recipe, "recipe", "recipes", where, overrides)
