"""How far a restorer has come: its figures and a page of pictures, both of held-out pairs."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from rugged.data.picture_grid import Column, draw_grid
from rugged.engine import Restorer, as_pictures
from rugged.metrics.image_quality import bounded_psnr
from rugged.restore.content import Content
from rugged.restore.pairs import HeldOut

_COLUMNS = 10


def look(
    restorer: Restorer, held_out: Iterable[HeldOut], content: Content | None
) -> tuple[dict[str, float], list[Column]]:
    """Restore held-out pairs, and say how well.

    Args:
        restorer: As it is.
        held_out: The pairs.
        content: A classifier that looks on, if there is one.

    Returns:
        Means over the damaged pictures: ``psnr`` in dB, of the restored ones, and ``psnr_before``, of doing nothing;
        with a classifier ``kept`` and ``kept_before``, the shares of its answers that are those to the clean pictures.
        Over clean pictures the same as ``clean_psnr`` and ``clean_kept``, where there are some. And one picture of
        each kind to show.
    """
    figures: dict[str, list[NDArray[np.float64]]] = {}
    shown = []
    for each in held_out:
        given = each.clean if each.damaged is None else each.damaged
        restored = restorer.restore(given)
        for name, values in _judge(each, restored, content):
            figures.setdefault(name, []).append(values)
        # Copies: views would keep whole batches, and whole photographs of which a square is shown.
        trio = tuple(as_pictures(pictures)[0].copy() for pictures in (each.clean, given, restored))
        shown.append(Column(each.title, trio, ("", "", "")))
    return {name: float(np.concatenate(values).mean()) for name, values in figures.items()}, shown


def _judge(each: HeldOut, restored: Tensor, content: Content | None) -> Iterator[tuple[str, NDArray[np.float64]]]:
    where = "clean_" if each.damaged is None else ""
    yield f"{where}psnr", bounded_psnr(as_pictures(restored), as_pictures(each.clean))
    if each.damaged is not None:
        yield "psnr_before", bounded_psnr(as_pictures(each.damaged), as_pictures(each.clean))
    if content is not None:
        wanted = _answers(content, each.clean)
        yield f"{where}kept", (_answers(content, restored) == wanted).astype(np.float64)
        if each.damaged is not None:
            yield "kept_before", (_answers(content, each.damaged) == wanted).astype(np.float64)


@torch.no_grad()
def _answers(content: Content, pictures: Tensor) -> NDArray[np.int64]:
    logits = content.look(pictures.to(content.fabric.device))[1]
    answers: NDArray[np.int64] = logits.argmax(1).cpu().numpy()
    return answers


def draw_sheet(shown: Sequence[Column], caption: str) -> Image.Image:
    """Draw clean, corrupted and restored pictures below each other, a column a picture.

    Args:
        shown: Those to choose from; ten are taken, evenly spaced.
        caption: For the head of the page.
    """
    places = np.linspace(0, len(shown) - 1, min(_COLUMNS, len(shown))).round().astype(int)
    return draw_grid(caption, ("clean", "corrupted", "restored"), [shown[place] for place in places])
