"""Every corruption that exists: name -> how it draws, how it replays the reference's draws, how it applies them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from rugged.corruptions import (
    blur,
    colour,
    digital,
    elastic,
    fog,
    frost,
    glass,
    jpeg,
    motion,
    noise,
    snow,
    spatter,
    zoom,
)

Draws = Tensor | tuple[Tensor | None, ...] | None


@dataclass(frozen=True)
class Corruption:
    """A corruption in three functions. All take the physical parameters by name, never a severity.

    What has no chance in it has neither ``draw`` nor ``replay``; its draws are None.

    Attributes:
        apply: ``apply(images, draws, **parameters)``: ``(N, 3, H, W)`` uint8, contiguous, to the same; deterministic,
            each image on its own, on any device.
        draw: ``draw(stream, images, **parameters)``: every random number of a batch, from the images' keyed bits.
        replay: ``replay(random_state, image, **parameters)``: the same for one ``(H, W, 3)`` uint8 array, drawn
            from a NumPy ``RandomState`` in the reference's order.
        uses_textures: Whether all three also take ``textures``, the frost photographs or what stands in for them.
        at_once: Values to corrupt at once on a CPU, at most, so that what a kernel works on stays in the processor's
            cache.
    """

    apply: Callable[..., Tensor]
    draw: Callable[..., Draws] | None = None
    replay: Callable[..., Draws] | None = None
    uses_textures: bool = False
    at_once: int = 3 << 18


KERNELS: Mapping[str, Corruption] = {
    "gaussian_noise": Corruption(noise.gaussian_noise, noise.draw_normal, noise.replay_normal),
    "shot_noise": Corruption(noise.shot_noise, noise.draw_shot_noise, noise.replay_shot_noise),
    "impulse_noise": Corruption(noise.impulse_noise, noise.draw_impulse_noise, noise.replay_impulse_noise),
    "defocus_blur": Corruption(blur.defocus_blur, at_once=3 << 17),
    "glass_blur": Corruption(glass.glass_blur, glass.draw_glass_blur, glass.replay_glass_blur, at_once=3 << 19),
    "motion_blur": Corruption(motion.motion_blur, motion.draw_motion_blur, motion.replay_motion_blur, at_once=3 << 19),
    "zoom_blur": Corruption(zoom.zoom_blur, at_once=3 << 20),
    "snow": Corruption(snow.snow, snow.draw_snow, snow.replay_snow, at_once=3 << 19),
    "frost": Corruption(frost.frost, frost.draw_frost, frost.replay_frost, uses_textures=True, at_once=3 << 19),
    "fog": Corruption(fog.fog, fog.draw_fog, fog.replay_fog, at_once=3 << 20),
    "brightness": Corruption(colour.brightness, at_once=3 << 19),
    "contrast": Corruption(digital.contrast, at_once=3 << 21),
    "elastic_transform": Corruption(
        elastic.elastic_transform, elastic.draw_elastic_transform, elastic.replay_elastic_transform
    ),
    "pixelate": Corruption(digital.pixelate, at_once=3 << 19),
    "jpeg_compression": Corruption(jpeg.jpeg_compression, at_once=3 << 21),
    "speckle_noise": Corruption(noise.speckle_noise, noise.draw_normal, noise.replay_normal),
    "gaussian_blur": Corruption(blur.gaussian_blur),
    "spatter": Corruption(spatter.spatter, spatter.draw_spatter, spatter.replay_spatter, at_once=3 << 19),
    "saturate": Corruption(colour.saturate, at_once=3 << 17),
}
