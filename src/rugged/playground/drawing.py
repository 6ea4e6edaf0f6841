"""From a look to HTML. All that comes from files and folders, such as class names, is escaped."""

import base64
import io
import math
from collections.abc import Sequence
from functools import cache
from importlib import resources

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from numpy.typing import NDArray
from PIL import Image

from rugged.playground.looking import Look, Opinion, Sight
from rugged.playground.pictures import Picture
from rugged.playground.players import Player

_THUMBNAIL = 64


def draw_look(look: Look) -> str:
    """The pictures side by side, and below them what each model makes of them."""
    return _render("look.html.j2", look=look, verdict=verdict, attention=attention)


def draw_samples(pictures: Sequence[Picture], chosen: int | None) -> str:
    """The samples as buttons, of which one may be pressed."""
    thumbnails = [_thumbnail(picture.pixels) for picture in pictures]
    return _render("samples.html.j2", samples=list(zip(pictures, thumbnails, strict=True)), chosen=chosen)


def draw_head(players: Sequence[Player]) -> str:
    """The head of the page: what it is, and what a reader must know of the models."""
    return _render("head.html.j2", players=players)


def draw_problem(message: str) -> str:
    """A message about what could not be done; nothing for an empty one."""
    return _render("problem.html.j2", message=message)


def style() -> str:
    """The page's style sheet."""
    return (resources.files("rugged.playground") / "templates" / "playground.css").read_text(encoding="utf-8")


def verdict(opinion: Opinion) -> str:
    """What became of the model's answer, in a sentence."""
    if not opinion.restored:
        return _verdict(opinion.sights)
    *others, last = opinion.sights
    return f"{_verdict(others)} Restored: {last.top[0].name}, {_percent(last.top[0].probability)}."


def _verdict(sights: Sequence[Sight]) -> str:
    before = sights[0].top[0]
    if len(sights) == 1:
        return f"Says {before.name}, {_percent(before.probability)}."
    after = sights[-1].top[0]
    if after.id == before.id:
        return f"Still {after.name}: {_percent(before.probability)}, then {_percent(after.probability)}."
    return (
        f"Changes its mind: {before.name} {_percent(before.probability)}, "
        f"then {after.name} {_percent(after.probability)}."
    )


def attention(opinion: Opinion) -> str:
    """What the Grad-CAM maps are about, and how far the corrupted one's lies from the first; else empty."""
    if opinion.sights[0].attention is None:
        return ""
    about = f"Grad-CAM for {opinion.sights[0].top[0].name}"
    if opinion.drift is None:
        return f"{about}."
    if math.isnan(opinion.drift):
        return f"{about}: in one of the pictures nothing speaks for it."
    return f"{about}: the attention drifts by {opinion.drift:.2f}."


def data_uri(pixels: NDArray[np.uint8]) -> str:
    """A picture ``(H, W, 3)`` as a PNG that stands in the page itself: every pixel is what the model saw."""
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, format="PNG", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(written.getvalue()).decode()}"


def _thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    image = Image.fromarray(pixels)
    image.thumbnail((_THUMBNAIL, _THUMBNAIL), Image.Resampling.LANCZOS)
    return np.asarray(image)


def _percent(probability: float) -> str:
    """In whole percents, without a 0 or a 100 that is none."""
    if 0 < probability < 0.005:
        return "<1%"
    if 0.995 <= probability < 1:
        return ">99%"
    return f"{100 * probability:.0f}%"


def _render(template: str, **values: object) -> str:
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("rugged.playground"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"uri": data_uri, "percent": _percent}
    return environment
