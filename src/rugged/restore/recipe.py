"""Recipes of restorers: everything that decides a training, as frozen data read from TOML."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from rugged.core.catalogue import BLURS, SEVERITIES
from rugged.core.errors import ConfigError
from rugged.core.limits import require_within
from rugged.core.selection import choose_corruptions, choose_severities
from rugged.core.shipped import load_shipped, shipped
from rugged.engine.optimize import OPTIMIZER_LIMITS, OptimizerRecipe
from rugged.models.restoring import require_network


@dataclass(frozen=True)
class GeneratorRecipe:
    """The restorer's network; see :class:`rugged.models.restoring.Generator`.

    Attributes:
        width: Channels at half the pictures' size.
        blocks: Residual blocks on the way down, by level, of which there are at most six.
        blocks_up: The same on the way up, from the finest; one level less.
    """

    width: int = 32
    blocks: tuple[int, ...] = (1, 2, 4)
    blocks_up: tuple[int, ...] = (1, 1)

    def __post_init__(self) -> None:
        require_network(self.width, self.blocks, self.blocks_up)


@dataclass(frozen=True)
class PairsRecipe:
    """What the restorer is shown. Of folders of pairs, only ``crop`` and ``flip`` count.

    Attributes:
        corruptions: Corruptions, or the sets ``benchmark``, ``extra`` and ``all``, each as likely as the others. The
            model file lists them, and so does every score that is measured behind the restorer.
        severities: Some of 1 to 5, each as likely as the others.
        clean: Share of the pictures that are left as they are, and that it must learn to leave alone.
        crop: Side in pixels of the squares that are cut out of the pictures; None takes them whole.
        flip: Mirror half of them left to right.
        textures: For frost: a folder of the published photographs, or ``procedural``.
    """

    corruptions: tuple[str, ...] = BLURS
    severities: tuple[int, ...] = SEVERITIES
    clean: float = 0.15
    crop: int | None = None
    flip: bool = True
    textures: str | None = None

    def __post_init__(self) -> None:
        choose_severities(self.severities, "pairs.severities")
        choose_corruptions(self.corruptions, "pairs.corruptions")


@dataclass(frozen=True)
class PixelRecipe:
    """How far the restored picture's pixels lie from the clean one's.

    Attributes:
        loss: ``charbonnier`` is the absolute difference made smooth at zero; ``l1`` is the absolute difference.
        weight: Of this loss.
    """

    loss: Literal["charbonnier", "l1"] = "charbonnier"
    weight: float = 1.0


@dataclass(frozen=True)
class ContentRecipe:
    """How far it lies from the clean one in a classifier's eyes.

    Attributes:
        model: A model file of rugged's or a run folder; or the name of an architecture with published weights, such as
            ``torchvision/vgg19``; None for no content loss.
        layers: Names of the network's modules whose outputs are compared; none chooses the last one at each size.
        features: Weight of the features' mean squared difference, in units of their mean square.
        logits: Weight of the Kullback-Leibler divergence from the answers to the clean picture.
        shift: Pixels by less than which both pictures are shifted before the network sees them, anew in every step.
            Where it looks at every fourth pixel only, a pattern of four pixels could please it; shifted, it cannot.
            None for no shift.
    """

    model: str | None = None
    layers: tuple[str, ...] = ()
    features: float = 0.1
    logits: float = 0.0
    shift: int | None = None


@dataclass(frozen=True)
class AdversaryRecipe:
    """The discriminator, which learns to tell restored pictures from clean ones.

    Attributes:
        loss: ``ragan-ls`` is the relativistic average least squares loss, ``wgan-gp`` Wasserstein's with a gradient
            penalty; ``none`` trains without a discriminator.
        weight: Of the adversarial loss in what the generator learns from.
        width: Channels of the discriminator's first layer.
        penalty: Weight of ``wgan-gp``'s gradient penalty.
        after_epochs: Epochs before it takes part, over which the generator learns from the other losses alone; fewer
            than there are.
        optimizer: How the discriminator's weights move.
    """

    loss: Literal["ragan-ls", "wgan-gp", "none"] = "ragan-ls"
    weight: float = 0.005
    width: int = 32
    penalty: float = 10.0
    after_epochs: float = 0.0
    optimizer: OptimizerRecipe = field(
        default_factory=lambda: OptimizerRecipe("adamw", lr=2e-4, weight_decay=0.0, warmup_epochs=0.0)
    )


@dataclass(frozen=True)
class RestoreRecipe:
    """A restorer's training.

    Attributes:
        epochs: Passes over the training pictures, or over as many as an epoch has.
        epoch_pictures: Pictures an epoch draws from them, the next one others; None takes all. After each epoch one
            sees how far it has come.
        batch_size: Pictures a step.
        seed: Decides initial weights, order, corruptions and crops.
        precision: Of convolutions; ``auto`` is bf16 where the hardware computes in it.
        development_per_class: Training pictures a class that are held out to watch progress; of folders of pairs, a
            twentieth of the sequences is held out instead.
        development_pictures: How many of these are looked at after each epoch.
        gate: Weight of the loss that teaches the gate which pictures are damaged.
        average: Decay of the moving average of the generator's weights, which is judged and saved; 0 keeps none.
        generator: The restorer's network.
        pairs: What it is shown.
        pixel: Its distance from the clean picture, in pixels.
        content: The same, in a classifier's eyes.
        adversary: The discriminator.
        optimizer: How the generator's weights move.
    """

    epochs: int
    epoch_pictures: int | None = None
    batch_size: int = 32
    seed: int = 0
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    development_per_class: int = 25
    development_pictures: int = 400
    gate: float = 0.02
    average: float = 0.999
    generator: GeneratorRecipe = field(default_factory=GeneratorRecipe)
    pairs: PairsRecipe = field(default_factory=PairsRecipe)
    pixel: PixelRecipe = field(default_factory=PixelRecipe)
    content: ContentRecipe = field(default_factory=ContentRecipe)
    adversary: AdversaryRecipe = field(default_factory=AdversaryRecipe)
    optimizer: OptimizerRecipe = field(
        default_factory=lambda: OptimizerRecipe("adamw", lr=5e-4, weight_decay=0.0, warmup_epochs=0.1)
    )

    def __post_init__(self) -> None:
        require_within(self, LIMITS)
        weighs = self.content.model and (self.content.features or self.content.logits)
        if not (self.pixel.weight or weighs):
            raise ConfigError("nothing holds the restored picture to the clean one. Set pixel.weight above 0.")
        adversary = self.adversary
        if adversary.loss != "none" and adversary.weight and adversary.after_epochs >= self.epochs:
            raise ConfigError(
                f"adversary.after_epochs is {adversary.after_epochs:g} and epochs {self.epochs}: the discriminator "
                "would never take part. Set adversary.after_epochs lower, or adversary.loss=none."
            )


LIMITS: dict[str, tuple[float, float]] = {
    "epochs": (1, 1_000_000),
    "epoch_pictures": (1, 1_000_000_000),
    "batch_size": (1, 1_000_000),
    "seed": (0, 2**63 - 1),
    "development_per_class": (1, 1_000_000),
    "development_pictures": (1, 1_000_000),
    "gate": (0, 1000),
    "average": (0, 0.999999),
    "pairs.clean": (0, 1),
    "pairs.crop": (16, 4096),
    "pixel.weight": (0, 1000),
    "content.features": (0, 1000),
    "content.logits": (0, 1000),
    "content.shift": (1, 64),
    "adversary.weight": (0, 1000),
    "adversary.width": (1, 1024),
    "adversary.penalty": (0, 1000),
    "adversary.after_epochs": (0, 1_000_000),
    **{
        f"{where}.{name}": limits
        for where in ("optimizer", "adversary.optimizer")
        for name, limits in OPTIMIZER_LIMITS.items()
    },
}
"""The least and the greatest value of each number in a recipe, both allowed."""


def shipped_recipes() -> dict[str, str]:
    """The restorers' recipes that come with rugged: name to TOML text."""
    return shipped("restorers")


def load_recipe(where: str | Path, overrides: Sequence[str] = ()) -> RestoreRecipe:
    """Read a shipped recipe by name, or any by its path.

    Args:
        where: ``deblur64``, or a path to a ``.toml`` file.
        overrides: ``"optimizer.lr=0.001"`` assignments.

    Raises:
        ConfigError: No such recipe, or one that cannot be used.
    """
    return load_shipped(RestoreRecipe, "restorer's recipe", "restorers", where, overrides)
