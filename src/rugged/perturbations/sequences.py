"""Every sequence, frame by frame.

Each function here takes the pictures, their random bits and what happens to them, and yields one frame of all of them
at a time: ``(N, 3, side, side)`` uint8.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from rugged.corruptions import blur, colour, motion, noise, snow, spatter
from rugged.corruptions.bits import Bits
from rugged.corruptions.levels import constant, cut, to_unit
from rugged.perturbations import geometry
from rugged.perturbations.catalogue import Course
from rugged.perturbations.framing import View, crop, resize

Run = Callable[[View, Bits, Course, int], Iterator[Tensor]]


def _noise(
    draw: Callable[..., Tensor],
    apply: Callable[..., Tensor],
    view: View,
    stream: Bits,
    course: Course,
    difficulty: int,
) -> Iterator[Tensor]:
    """Show the clean picture, then draw new noise for every frame."""
    parameters = course.by_difficulty[difficulty - 1]
    yield view.frame
    for _ in range(1, course.frames):
        yield apply(view.frame, draw(stream, view.frame, **parameters), **parameters)


def _motion_blur(view: View, _: Bits, course: Course, __: int) -> Iterator[Tensor]:
    """Turn the direction of movement."""
    pictures = view.original if course.before_resizing else view.frame
    for degrees in course.steps:
        direction = torch.full((len(pictures),), degrees, dtype=torch.float64, device=pictures.device)
        blurred = motion.motion_blur(pictures, direction, **course.steady)
        yield crop(resize(blurred, view.framing), view.framing.side)


def _zoom_blur(view: View, _: Bits, course: Course, __: int) -> Iterator[Tensor]:
    """Open the shutter for longer and longer while zooming in: every frame is the mean of all zooms so far."""
    total = to_unit(view.frame, torch.float32)
    yield view.frame
    for count, factor in enumerate(course.steps[1:], start=2):
        total += to_unit(geometry.affine(view.whole, view.framing.side, factor=factor), torch.float32)
        yield cut((total / constant(count, torch.float32, total.device)).mul_(255))


def _snow(view: View, stream: Bits, course: Course, _: int) -> Iterator[Tensor]:
    """Let the same flakes fall in a direction that turns."""
    layer, direction = snow.draw_snow(stream, view.frame, **course.steady)
    for degrees in course.steps:
        yield snow.snow(view.frame, (layer, torch.full_like(direction, degrees)), **course.steady)


def _brightness(view: View, _: Bits, course: Course, __: int) -> Iterator[Tensor]:
    """Go from dark to bright."""
    for shift in course.steps:
        yield colour.brightness(view.frame, None, shift=shift)


def _translate(view: View, _: Bits, course: Course, __: int) -> Iterator[Tensor]:
    """Go from left to right, a pixel a frame."""
    for pixels in course.steps:
        yield geometry.translate(view.whole, view.framing.side, int(pixels))


def _affine(parameter: str, view: View, _: Bits, course: Course, __: int) -> Iterator[Tensor]:
    """Turn, scale or shear."""
    for value in course.steps:
        yield geometry.affine(view.whole, view.framing.side, **{parameter: value})


def _tilt(view: View, _: Bits, course: Course, __: int) -> Iterator[Tensor]:
    """Tilt about both axes."""
    for degrees in course.steps:
        yield geometry.tilt(view.whole, view.framing.side, degrees=degrees)


def _gaussian_blur(view: View, _: Bits, course: Course, __: int) -> Iterator[Tensor]:
    """Go out of focus."""
    for sigma in course.steps:
        yield blur.gaussian_blur(view.frame, None, sigma=sigma, **course.steady)


def _spatter(view: View, stream: Bits, course: Course, _: int) -> Iterator[Tensor]:
    """Let the same water run down."""
    names = ("mean", "deviation", "sigma", "threshold")
    drops = spatter.draw_spatter(stream, view.frame, **course.steady)
    layer = spatter.liquid_layer(drops, **{name: course.steady[name] for name in names})
    for _number in range(course.frames):
        yield spatter.water(view.frame, layer, strength=course.steady["strength"])
        layer = _run_down(layer, course.flow)


def _run_down(layer: Tensor, shares: tuple[float, ...]) -> Tensor:
    """Convolve columns with ``shares``, as NumPy does in mode ``same``; nothing flows in."""
    reach, height = len(shares) - 1, layer.shape[1]
    padded = F.pad(layer, (0, 0, reach - reach // 2, reach // 2))
    total = torch.zeros_like(layer)
    for step, share in enumerate(shares):
        total += padded[:, reach - step : reach - step + height] * share
    return total


RUNS: Mapping[str, Run] = {
    "gaussian_noise": partial(_noise, noise.draw_normal, noise.gaussian_noise),
    "shot_noise": partial(_noise, noise.draw_shot_noise, noise.shot_noise),
    "motion_blur": _motion_blur,
    "zoom_blur": _zoom_blur,
    "snow": _snow,
    "brightness": _brightness,
    "translate": _translate,
    "rotate": partial(_affine, "degrees"),
    "tilt": _tilt,
    "scale": partial(_affine, "factor"),
    "speckle_noise": partial(_noise, noise.draw_normal, noise.speckle_noise),
    "gaussian_blur": _gaussian_blur,
    "spatter": _spatter,
    "shear": partial(_affine, "shear_degrees"),
}
