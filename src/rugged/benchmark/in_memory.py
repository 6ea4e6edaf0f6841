"""The route in memory: pictures are corrupted as they are measured, the same every time, and nothing is written."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from rugged.core.errors import ConfigError
from rugged.corruptions import Textures, choose_textures, corrupt
from rugged.corruptions.digital import jpeg_compression
from rugged.results import CLEAN, Conditions

_STORED_QUALITY = 85
"""At which the official data sets were saved. It costs accuracy by itself, under noise above all."""


@dataclass
class InMemory:
    """Gives the pictures of each cell.

    Attributes:
        conditions: Preset, seed, and whether corrupted pictures go through the official storage step. Clean ones never
            did.
        textures: For frost; None looks for those that the conditions name when they are needed.
    """

    conditions: Conditions
    textures: Textures | None

    def pictures(self, images: Tensor, ids: Sequence[str], corruption: str, severity: int) -> Tensor:
        """Corrupt clean pictures.

        Args:
            images: ``(N, 3, H, W)`` uint8 on any device. Not modified.
            ids: Of the images.
            corruption: A name, or ``"clean"``.
            severity: 1 to 5; 0 for clean.

        Raises:
            ConfigError: Frost is asked for with textures that are not here.
        """
        if corruption == CLEAN:
            return images
        if corruption == "frost":
            self._require_textures()
        preset, seed = self.conditions.preset, self.conditions.seed
        made = corrupt(images, corruption, severity, preset=preset, seed=seed, ids=ids, textures=self.textures)
        return jpeg_compression(made, None, quality=_STORED_QUALITY) if self.conditions.stored == "jpeg85" else made

    def _require_textures(self) -> None:
        """Find the textures of a frost that nobody asked for now, but whose saved cells are damaged or gone."""
        if self.textures is None:
            self.textures = choose_textures("procedural" if self.conditions.textures == "procedural" else None)
        if self.textures.label != self.conditions.textures:
            raise ConfigError(
                f"Cells of frost measured with {self.conditions.textures} are damaged, and there are only "
                f"{self.textures.label} textures now. Name the folder of photographs with --textures."
            )
