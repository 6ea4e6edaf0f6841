"""Every corruption that exists: name -> how it draws, how it replays the reference's draws, how it applies them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from rugged.core.catalogue import ALL
from rugged.corruptions import blur, digital, noise, weather

Draws = Tensor | tuple[Tensor, ...] | None


def _no_draws(*_: object, **__: float) -> None:
    """Draw nothing: the corruption has no chance in it."""


@dataclass(frozen=True)
class Corruption:
    """A corruption in three functions. All take the physical parameters by name, never a severity.

    Attributes:
        apply: ``apply(images, draws, **parameters)``: ``(N, 3, H, W)`` uint8 to the same; deterministic, each image
            on its own, on any device.
        draw: ``draw(stream, images, **parameters)``: every random number of a batch, from the images' keyed bits.
        replay: ``replay(random_state, image, **parameters)``: the same for one ``(H, W, 3)`` uint8 array, drawn
            from a NumPy ``RandomState`` in the reference's order.
        at_once: Values to corrupt at once on a CPU, so that what a kernel works on stays in the processor's cache.
    """

    apply: Callable[..., Tensor]
    draw: Callable[..., Draws] = _no_draws
    replay: Callable[..., Draws] = _no_draws
    at_once: int = 1 << 17


KERNELS: Mapping[str, Corruption] = {
    "gaussian_noise": Corruption(noise.gaussian_noise, noise.draw_normal, noise.replay_normal),
    "defocus_blur": Corruption(blur.defocus_blur),
    "brightness": Corruption(weather.brightness),
    "contrast": Corruption(digital.contrast),
    "pixelate": Corruption(digital.pixelate, at_once=1 << 19),
    "jpeg_compression": Corruption(digital.jpeg_compression),
}

AVAILABLE = tuple(name for name in ALL if name in KERNELS)
"""The corruptions that have kernels, in the catalogue's order."""
