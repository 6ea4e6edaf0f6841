"""What was measured, under which conditions, and how: all that a figure depends on."""

from dataclasses import dataclass, replace
from typing import Any

from rugged.core.catalogue import ALL, BENCHMARK, CellKey
from rugged.core.configuration import to_plain
from rugged.results.predictions import CLEAN


@dataclass(frozen=True)
class ModelFacts:
    """What was measured. ``training_operations`` is the model file's ledger of what training did to the images."""

    name: str
    architecture: str
    parameters: int
    sha256: str
    input_size: int
    training_operations: tuple[str, ...]

    @property
    def trained_elsewhere(self) -> bool:
        """Whether the ledger does not know what training saw: others trained it, if only to begin with."""
        elsewhere = ("unknown", "weights of ", "published weights of ")
        return any(operation.startswith(elsewhere) for operation in self.training_operations)


@dataclass(frozen=True)
class Conditions:
    """What the figures depend on besides the model. Results are comparable only where these agree.

    Attributes:
        dataset: Its name.
        content_hash: SHA-256 over the class ids and the measured images' pixels, labels and ids, and nothing else: data
            sets that differ in their training images alone give comparable results. For corrupted pictures that were
            read from files: over the clean ones, and the ids of these.
        split: Which split was read.
        images: How many images, n.
        classes: How many classes.
        size: Height and width of the images that were corrupted.
        route: ``"in memory"``: corrupted on the fly, nothing stored. ``"official files"``: read as published.
            ``"files of rugged corrupt"``: read as that command wrote them.
        stored: Storage step between corruption and model: ``"no"`` (or one without loss), ``"jpeg85"`` as the official
            files, or another format.
        preset: Severity table.
        textures: What frost laid over the images: ``"photographs"`` (the published ones), ``"procedural"``, or
            ``"none"`` where frost was not measured.
        seed: Seed of the keyed random streams.
        stream_version: Version of their layout; 0 where others drew.
        corruptions: What was measured, in the catalogue's order.
        severities: At which severities.
        limit: Images a quick run was limited to, evenly over the classes; None for all.
        collection: The published collection that the corrupted images are the whole of, such as ``"ImageNet-C"``.
        clean_images: How many images the clean figures are of, where these are not the ones that were corrupted.
    """

    dataset: str
    content_hash: str
    split: str
    images: int
    classes: int
    size: tuple[int, ...]
    route: str
    stored: str
    preset: str
    textures: str
    seed: int
    stream_version: int
    corruptions: tuple[str, ...]
    severities: tuple[int, ...]
    limit: int | None = None
    collection: str | None = None
    clean_images: int | None = None

    @property
    def cells(self) -> list[CellKey]:
        """Every (corruption, severity) that these conditions name, clean first."""
        return [(CLEAN, 0), *((name, severity) for name in self.corruptions for severity in self.severities)]

    @property
    def averaged(self) -> tuple[str, ...]:
        """What means are over: the benchmark's corruptions alone, as published means are; else the extra ones."""
        return tuple(name for name in self.corruptions if name in BENCHMARK) or self.corruptions

    @property
    def middle_severity(self) -> int:
        """The middle one that was measured; of an even number the lower of two: pages show the last one, too."""
        return self.severities[(len(self.severities) - 1) // 2]

    @property
    def shown_severities(self) -> tuple[int, ...]:
        """Those that pages of pictures show, where not all have room: the middle one that was measured and the last."""
        return tuple(dict.fromkeys((self.middle_severity, self.severities[-1])))

    def without_extent(self) -> dict[str, Any]:
        """All but which corruptions and severities were measured, with frost's textures: what every cell depends on."""
        extent = ("corruptions", "severities", "textures")
        return {key: value for key, value in to_plain(self).items() if key not in extent}

    def of_cell(self, corruption: str) -> dict[str, Any]:
        """What the cells of one corruption depend on."""
        return self.without_extent() | ({"textures": self.textures} if corruption == "frost" else {})

    def beside(self, other: "Conditions") -> dict[str, Any]:
        """What must be equal in both for their cells to stand in one summary.

        Frost's textures are among it only where both measured frost.
        """
        return self.of_cell("frost") if "none" not in (self.textures, other.textures) else self.without_extent()

    def joined_with(self, saved: "Conditions") -> "Conditions | None":
        """The conditions of one summary that holds the cells of both; None where there can be none.

        A summary holds every corruption that it names at every severity that it names. So two measurements fit into one
        where their severities are the same, or where one holds all cells of the other.

        Args:
            saved: Of an earlier measurement, under the same conditions otherwise.
        """
        textures = saved.textures if self.textures == "none" else self.textures
        if self.severities == saved.severities:
            both = tuple(name for name in ALL if name in (*self.corruptions, *saved.corruptions))
            return replace(self, corruptions=both, textures=textures)
        if set(saved.cells) <= set(self.cells):
            return self
        if set(self.cells) <= set(saved.cells):
            return replace(self, corruptions=saved.corruptions, severities=saved.severities, textures=textures)
        return None


DECIDING_HARDWARE = ("cpu", "cpu_capability", "accelerator", "precision")
"""What of the hardware decides the last digits of predictions: cells that differ in it are not mixed."""


@dataclass(frozen=True)
class Made:
    """How the measurement was made.

    Attributes:
        command: The last command that measured or summarised.
        seconds: Sum over the cells of the time each took to measure, by whichever command.
        versions: Of Python and of the packages that decide a result, the same for every cell.
        hardware: The machine and the precision, the same for every cell.
    """

    command: str
    seconds: float
    versions: dict[str, str]
    hardware: dict[str, Any]
