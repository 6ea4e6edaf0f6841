"""What stays the same while many pictures are corrupted."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from rugged.core.catalogue import BENCHMARK, EXTRA, PARAMETERS, PROCEDURAL_NOTE, size_note
from rugged.core.errors import CorruptionError
from rugged.core.files import sha256_file
from rugged.core.selection import choose_preset
from rugged.corruptions.engine import corrupt
from rugged.corruptions.registry import KERNELS
from rugged.corruptions.request import as_integer
from rugged.corruptions.textures import Textures, choose_textures


@dataclass(frozen=True)
class Corruptor:
    """How pictures are corrupted.

    Attributes:
        preset: Table of severities.
        seed: Of the keyed draws.
        textures: What frost lays over pictures; None where no frost is asked for.
    """

    preset: str
    seed: int = 0
    textures: Textures | None = None

    def __call__(self, images: Tensor, name: str, severity: int, *, ids: Sequence[str]) -> Tensor:
        """Corrupted copies of ``(N, 3, H, W)`` uint8 pictures: see :func:`rugged.corruptions.corrupt`.

        Raises:
            CorruptionError: An argument is wrong, or frost is asked for and there are no textures, whose kind
                ``textures_label`` and ``notes`` could tell.
        """
        if name == "frost" and self.textures is None:
            raise CorruptionError("This Corruptor has no textures for frost: choose_corruptor finds them.")
        return corrupt(images, name, severity, preset=self.preset, seed=self.seed, ids=ids, textures=self.textures)

    @property
    def textures_label(self) -> str:
        """``photographs``, ``procedural`` or ``none``."""
        return "none" if self.textures is None else self.textures.label

    def provenance(self, name: str, severity: int) -> dict[str, Any]:
        """What tells a corruption of one's own from what it was before: its parameters, and its kernel's file.

        Of the published nineteen, which no version changes, the catalogue's name and preset say it all.
        """
        if name in (*BENCHMARK, *EXTRA) or name not in KERNELS:
            return {}
        apply = KERNELS[name].apply
        source = inspect.getsourcefile(apply if inspect.isroutine(apply) else type(apply))
        return {
            "parameters": dict(PARAMETERS[self.preset][name][severity - 1]),
            "kernel_sha256": None if source is None else sha256_file(Path(source)),
        }

    def notes(self, height: int, width: int) -> list[str]:
        """What a reader of anything made by this corruptor must know."""
        size = size_note(self.preset, height, width)
        ice = f"Textures: {PROCEDURAL_NOTE}." if self.textures_label == "procedural" else None
        return [note for note in (size, ice) if note is not None]


def choose_corruptor(
    size: Sequence[int], corruptions: Sequence[str], preset: str | None, seed: int, textures: str | Path | None
) -> Corruptor:
    """Complete what was not asked for: the preset by size, and textures where there is frost.

    Raises:
        ConfigError: There is no such preset.
        CorruptionError: The seed is no integer.
    """
    found = choose_textures(textures) if "frost" in corruptions else None
    return Corruptor(choose_preset(preset, *size), as_integer(seed, "seed"), found)
