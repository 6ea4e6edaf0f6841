"""What a recipe may ask to be done to the pictures, as plain data; each table's probability decides whether it is used.

The order is that of the fields: first what moves pixels, then what recolours and mixes pictures, then the common
corruptions, as in a camera, at last what acts on the finished batch.
"""

from dataclasses import dataclass, field

from rugged.core.catalogue import SEVERITIES
from rugged.core.errors import ConfigError
from rugged.core.selection import choose_corruptions, choose_severities
from rugged.train.augmentations.names import require_known
from rugged.train.augmentations.noise import RADII
from rugged.train.augmentations.operations import ALL_OPERATIONS, AUGMIX_OPERATIONS
from rugged.train.augmentations.prime import TRANSFORMS

SMOOTH = tuple(TRANSFORMS)
"""The operations of PRIME."""

NORMS = tuple(RADII)
"""The norms of noise."""


@dataclass(frozen=True)
class TrivialRecipe:
    """TrivialAugment: one operation a picture, of random strength.

    Attributes:
        probability: Of a picture to be treated.
        names: The operations to choose from.
    """

    probability: float = 0.0
    names: tuple[str, ...] = ALL_OPERATIONS

    def __post_init__(self) -> None:
        require_known("augment.trivial.names", self.names, ALL_OPERATIONS)


@dataclass(frozen=True)
class AugMixRecipe:
    """AugMix: a picture mixed with chains of operations on it.

    Attributes:
        probability: Of a picture to be treated.
        consistency: Weight of the Jensen–Shannon loss, which holds the answers to a picture and to two mixes of it
            together; 12 in the paper. Above 0 all pictures are treated, and a step costs three times as much.
        severity: Strength of the operations, 1 to 10.
        width: Chains.
        depth: Operations a chain; -1 draws 1 to 3.
        alpha: Of the weights' distributions.
        names: The operations to choose from.
    """

    probability: float = 0.0
    consistency: float = 0.0
    severity: int = 3
    width: int = 3
    depth: int = -1
    alpha: float = 1.0
    names: tuple[str, ...] = AUGMIX_OPERATIONS

    def __post_init__(self) -> None:
        require_known("augment.augmix.names", self.names, ALL_OPERATIONS)
        if self.depth == 0:
            raise ConfigError("augment.augmix.depth is 0; it must be from 1 on, or -1 for 1 to 3.")


@dataclass(frozen=True)
class PixMixRecipe:
    """PixMix: a picture mixed with fractals and with altered copies of itself.

    Attributes:
        probability: Of a picture to be treated.
        severity: Strength of what alters the copies, AugMix's operations, 1 to 10.
        rounds: The most mixes, one upon the other.
        beta: How strongly the original stays; the larger, the more.
        fractals: How many are drawn to choose from.
    """

    probability: float = 0.0
    severity: int = 3
    rounds: int = 4
    beta: float = 3.0
    fractals: int = 512


@dataclass(frozen=True)
class SmoothRecipe:
    """PRIME: random smooth filters, tone curves and warps, mixed.

    Attributes:
        probability: Of a picture to be treated.
        names: Which of them; without ``elastic_transform``, a corruption of the benchmark, unless asked for.
    """

    probability: float = 0.0
    names: tuple[str, ...] = ("random_filter", "colour_curve")

    def __post_init__(self) -> None:
        require_known("augment.smooth.names", self.names, SMOOTH)


@dataclass(frozen=True)
class FourierRecipe:
    """Amplitudes mixed with those of another picture of the batch; phases stay.

    Attributes:
        probability: Of a picture to be treated.
        strength: The most that the other's amplitudes weigh.
    """

    probability: float = 0.0
    strength: float = 1.0


@dataclass(frozen=True)
class NoiseRecipe:
    """Noise drawn from balls of p-norms.

    Attributes:
        probability: Of a picture to be treated.
        norms: Which balls.
        strength: Multiplies the norms' largest radii.
    """

    probability: float = 0.0
    norms: tuple[str, ...] = ("inf",)
    strength: float = 1.0

    def __post_init__(self) -> None:
        require_known("augment.noise.norms", self.norms, NORMS)


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
        choose_severities(self.severities, "augment.corrupt.severities")
        if self.names:
            choose_corruptions(self.names, "augment.corrupt.names")


@dataclass(frozen=True)
class MixRecipe:
    """MixUp and CutMix: two pictures of a batch in one, and their labels in proportion.

    Attributes:
        probability: Of a batch to be mixed.
        mixup: Alpha of MixUp's distribution; 0 for none. With both, each batch takes one or the other.
        cutmix: Alpha of CutMix's.
    """

    probability: float = 0.0
    mixup: float = 0.2
    cutmix: float = 1.0

    def __post_init__(self) -> None:
        if self.probability and not (self.mixup or self.cutmix):
            raise ConfigError("augment.mix has a probability, but mixup and cutmix are both 0.")


@dataclass(frozen=True)
class AugmentRecipe:
    """What training does to the pictures.

    Attributes:
        crop: Shift by up to this many pixels each way; what comes in from outside is mirrored at the edge.
        resized_crop: Cut out a part of at least this share of the area and resize it; None for the whole picture.
        flip: Mirror half of them left to right.
        rotate: Rotate by up to so many degrees each way.
        trivial: TrivialAugment.
        augmix: AugMix.
        pixmix: PixMix.
        smooth: PRIME's filters, curves and warps.
        fourier: Amplitude mix.
        noise: Noise of p-norms.
        corrupt: Which common corruptions it applies.
        restore: A restorer's file or run folder: pictures, corrupted or not, pass through it before the network sees
            them, as they will when the network is used behind it. None for none.
        erase: Probability of a picture to have a rectangle of noise put over it.
        mix: MixUp and CutMix.
        plain_epochs: So many of the last epochs see pictures as they are measured: shifted and mirrored alone, and
            restored where ``restore`` says so. Adversarial copies of them are learned from all the same.
    """

    crop: int = 4
    resized_crop: float | None = None
    flip: bool = True
    rotate: float = 0.0
    trivial: TrivialRecipe = field(default_factory=TrivialRecipe)
    augmix: AugMixRecipe = field(default_factory=AugMixRecipe)
    pixmix: PixMixRecipe = field(default_factory=PixMixRecipe)
    smooth: SmoothRecipe = field(default_factory=SmoothRecipe)
    fourier: FourierRecipe = field(default_factory=FourierRecipe)
    noise: NoiseRecipe = field(default_factory=NoiseRecipe)
    corrupt: CorruptRecipe = field(default_factory=CorruptRecipe)
    restore: str | None = None
    erase: float = 0.0
    mix: MixRecipe = field(default_factory=MixRecipe)
    plain_epochs: int = 0


AUGMENT_LIMITS: dict[str, tuple[float, float]] = {
    "crop": (0, 4096),
    "resized_crop": (1e-3, 1),
    "rotate": (0, 180),
    "trivial.probability": (0, 1),
    "augmix.probability": (0, 1),
    "augmix.consistency": (0, 1000),
    "augmix.severity": (1, 10),
    "augmix.width": (1, 16),
    "augmix.depth": (-1, 16),
    "augmix.alpha": (1e-3, 1000),
    "pixmix.probability": (0, 1),
    "pixmix.severity": (1, 10),
    "pixmix.rounds": (1, 16),
    "pixmix.beta": (0.1, 1000),
    "pixmix.fractals": (1, 100_000),
    "smooth.probability": (0, 1),
    "fourier.probability": (0, 1),
    "fourier.strength": (0, 1),
    "noise.probability": (0, 1),
    "noise.strength": (0, 10),
    "corrupt.probability": (0, 1),
    "erase": (0, 1),
    "plain_epochs": (0, 1_000_000),
    "mix.probability": (0, 1),
    "mix.mixup": (0, 1000),
    "mix.cutmix": (0, 1000),
}
"""The least and the greatest value of each number, both allowed."""
