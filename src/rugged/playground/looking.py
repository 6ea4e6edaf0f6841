"""A look: one picture clean and corrupted, and what each model makes of both."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rugged.benchmark.predictions import finite
from rugged.benchmark.variants import Opened
from rugged.core.catalogue import PROCEDURAL_NOTE, display_name, preset_for, size_note
from rugged.corruptions import Textures, corrupt
from rugged.engine import as_batch
from rugged.explain import drift, maps_of, overlay
from rugged.playground.pictures import Picture
from rugged.playground.players import Player
from rugged.predict.classifier import Guess, top_guesses

_TOP = 5


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture that the models see.

    Attributes:
        title: Such as "Clean" or "Gaussian noise, severity 3".
        pixels: ``(H, W, 3)`` uint8.
    """

    title: str
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Sight:
    """What a model makes of one picture.

    Attributes:
        top: Its five most probable classes, the most probable first; fewer where it knows fewer.
        attention: ``(H, W, 3)`` uint8, the picture with its Grad-CAM map laid over; None where there is none.
    """

    top: tuple[Guess, ...]
    attention: NDArray[np.uint8] | None


@dataclass(frozen=True, eq=False)
class Opinion:
    """What a model makes of every picture that is shown.

    Attributes:
        player: The model.
        sights: One for each picture shown, in their order.
        drift: How far the attention moves from the clean picture to the corrupted one, as
            ``rugged.explain.drift`` has it; None where there are no two maps.
        notes: What a reader must know of it, as sentences.
        restored: Whether the last sight is of a restored picture.
    """

    player: Player
    sights: tuple[Sight, ...]
    drift: float | None
    notes: tuple[str, ...]
    restored: bool = False


@dataclass(frozen=True, eq=False)
class Look:
    """Everything that is shown of one picture under one corruption.

    Attributes:
        picture: The picture.
        corruption: Its name.
        severity: 1 to 5; 0 leaves the picture as it is.
        seed: Of the corruption's draws.
        preset: Table of severities.
        shown: The pictures side by side: the clean one, the corrupted one where there is one, and that one restored
            where there is a restorer.
        opinions: One for each model.
        notes: What a reader must know of the pictures, as sentences.
    """

    picture: Picture
    corruption: str
    severity: int
    seed: int
    preset: str
    shown: tuple[Shown, ...]
    opinions: tuple[Opinion, ...]
    notes: tuple[str, ...]


def look(
    players: Sequence[Player],
    picture: Picture,
    corruption: str,
    severity: int,
    seed: int,
    textures: Textures,
    restorer: Opened | None = None,
) -> Look:
    """Corrupt a picture as the benchmark would, and have the models look at both.

    Args:
        players: The models.
        picture: The clean picture.
        corruption: By its catalogue name.
        severity: 1 to 5; 0 leaves the picture as it is.
        seed: Of the keyed draws: with the picture's id it decides every random number.
        textures: For frost.
        restorer: What restores the picture after that, for the models to look at, too.

    Raises:
        CorruptionError: A corruption or severity that does not exist.
        ModelError: A model answers with no numbers, or for another number of classes.
    """
    height, width = picture.pixels.shape[:2]
    preset = preset_for(height, width)
    clean = as_batch(picture.pixels[None], torch.device("cpu"))
    images, titles = [clean], ["Clean"]
    if severity:
        ids = [picture.id]
        images.append(corrupt(clean, corruption, severity, preset=preset, seed=seed, ids=ids, textures=textures))
        titles.append(f"{display_name(corruption)}, severity {severity}")
    if restorer is not None:
        images.append(restorer[0].restore(images[-1]))
        titles.append(f"Restored by {restorer[1].name}")
    batch = torch.cat(images)
    shown = zip(titles, batch.permute(0, 2, 3, 1).contiguous().numpy(), strict=True)
    procedural = corruption == "frost" and textures.label == "procedural"
    learned = restorer is not None and corruption in restorer[1].corruptions
    notes = (
        size_note(preset, height, width),
        f"This is {PROCEDURAL_NOTE}." if procedural and severity else None,
        f"{restorer[1].name} learned to undo {display_name(corruption)}." if restorer and learned else None,
    )
    return Look(
        picture,
        corruption,
        severity,
        seed,
        preset,
        tuple(Shown(title, pixels) for title, pixels in shown),
        tuple(_opinion(player, batch, corruption, bool(severity), restorer is not None) for player in players),
        tuple(note for note in notes if note),
    )


def _opinion(player: Player, images: Tensor, corruption: str, corrupted: bool, restored: bool) -> Opinion:
    logits = finite(player.subject.answer(images), "this picture")
    maps = _maps(player, images, logits)
    pixels = images.permute(0, 2, 3, 1).numpy()
    attention = [None] * len(images) if maps is None else [overlay(*pair) for pair in zip(pixels, maps, strict=True)]
    seen = corruption in player.subject.facts.training_operations
    return Opinion(
        player,
        tuple(Sight(*sight) for sight in zip(top_guesses(logits, player.classes, _TOP), attention, strict=True)),
        drift(maps[0], maps[1]) if maps is not None and corrupted else None,
        (f"{player.name} saw {display_name(corruption)} in training.",) if seen else (),
        restored,
    )


def _maps(player: Player, images: Tensor, logits: Tensor) -> NDArray[np.float32] | None:
    """Grad-CAM ``(N, H, W)``: for the same class everywhere, the answer to the first picture, so that maps compare."""
    if player.subject.network is None or player.layer is None:
        return None
    targets = logits[0].argmax().expand(len(images))
    return maps_of(player.subject.network, images, targets, "grad_cam", layer=player.layer).numpy()
