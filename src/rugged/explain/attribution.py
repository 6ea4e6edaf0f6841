"""From a network, pictures and classes to maps: where in each picture the answer comes from."""

import torch
from torch import Tensor

from rugged.core.errors import ConfigError, ModelError
from rugged.core.progress import say
from rugged.corruptions.request import check_images
from rugged.engine import Network
from rugged.explain.grad_cam import grad_cam
from rugged.explain.layers import Layer, find_layer
from rugged.explain.looking import device_of, no_gradient, require_network, undisturbed
from rugged.explain.methods import OF_PIXELS, check_method

_PIXELS_AT_ONCE = 1_600_000
"""Of the network's input: what bounds the memory."""

_WHOLE = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


def attribute(
    network: Network,
    images: Tensor,
    targets: Tensor | None = None,
    method: str = "grad_cam",
    *,
    layer: str | Layer | None = None,
) -> Tensor:
    """Show where in pictures a network's answer comes from.

    Pictures go through the network as the benchmark puts them: resized and normalised as its specification says, in
    evaluation mode, but always in float32. The network is left as it was, whatever it was: frozen, in training mode,
    with ReLUs that work in place, under ``no_grad``. A picture's map does not depend on the others.

    Args:
        network: The network with its specification: ``Network(*load_model(path))``.
        images: ``(N, 3, H, W)`` uint8, on any device. Not modified.
        targets: ``(N,)`` int64, the class whose logit is explained; None takes the class predicted for each picture.
        method: One of ``rugged.explain.METHODS``.
        layer: For Grad-CAM; None takes what ``find_layer`` finds.

    Returns:
        ``(N, H, W)`` float32 on the CPU. Integrated gradients and occlusion give signed maps, positive where the
        picture speaks for the class; the other methods' maps are not negative. Where nothing in a picture speaks for
        the class Grad-CAM's map is all zero; a line on standard error says for how many.

    Raises:
        ConfigError: Another method, a layer for a method that has none, or targets that are no classes.
        CorruptionError: ``images`` are no pictures.
        ModelError: ``network`` is none, the method does not fit it, its answer does not depend on the picture, or is no
            number.
    """
    maps = maps_of(network, images, targets, method, layer=layer)
    empty = int(is_empty(maps).sum())
    if empty:
        say(f"{method}: in {empty} of {len(maps)} pictures nothing speaks for the class; their maps are empty.")
    return maps


def maps_of(
    network: Network, images: Tensor, targets: Tensor | None, method: str, *, layer: str | Layer | None
) -> Tensor:
    """Do as ``attribute`` does, without its line on standard error: for one that says elsewhere which maps are empty.

    Args:
        network: As for ``attribute``, like the rest.
        images: ``(N, 3, H, W)`` uint8.
        targets: ``(N,)`` int64; None takes the class predicted for each picture.
        method: One of ``rugged.explain.METHODS``.
        layer: For Grad-CAM; None takes what ``find_layer`` finds. The other methods take None alone.

    Returns:
        ``(N, H, W)`` float32 on the CPU, signed or not as of ``attribute``. ``is_empty`` tells which are empty.

    Raises:
        RuggedError: As ``attribute``.
    """
    require_network(network)
    check_method(method)
    check_images(images)
    if layer is not None and method != "grad_cam":
        raise ConfigError(f"{method} looks at the whole network; a layer is for grad_cam. Leave it out.")
    if targets is not None:
        _require_classes(network, targets, images)
    if method == "grad_cam" and not isinstance(layer, Layer):
        layer = find_layer(network, layer)
    step = max(1, min(32, _PIXELS_AT_ONCE // network.spec.input_size**2))
    found = []
    for start in range(0, len(images), step):
        part = slice(start, start + step)
        found.append(_explain(network, images[part], None if targets is None else targets[part], method, layer))
    maps = torch.cat(found) if found else torch.empty(0, *images.shape[2:])
    strange = int((~maps.isfinite()).flatten(1).any(1).sum())
    if strange:
        raise ModelError(
            f"{method} of {network.spec.architecture} gives values that are no numbers for {strange} of {len(maps)} "
            "pictures: the network's weights or activations are not finite. Train it again, or check the file."
        )
    return maps


def _explain(
    network: Network, images: Tensor, targets: Tensor | None, method: str, layer: Layer | str | None
) -> Tensor:
    device = device_of(network.module)
    with undisturbed(network.module):
        values = images.to(device, torch.float32)
        # A copy, since targets that were made under inference_mode could serve no gradient.
        chosen = _predicted(network, values) if targets is None else targets.to(device, torch.int64).clone()
        values.requires_grad_()
        try:
            if isinstance(layer, Layer):
                found = grad_cam(network, values, chosen, layer)
            else:
                found = OF_PIXELS[method](network, values, chosen)
        except RuntimeError as error:  # Autograd's own words: a detached answer, or an output that nothing depends on.
            if "require grad" in str(error) or "not have been used" in str(error):
                raise no_gradient(network) from error
            raise
        return found.detach().float().cpu()


def _predicted(network: Network, values: Tensor) -> Tensor:
    with torch.no_grad():
        return network.logits(values).argmax(1)


def _require_classes(network: Network, targets: Tensor, images: Tensor) -> None:
    """Refuse targets that are no classes of the network's, of which one picture's answer says how many there are."""
    count = len(images)
    if not isinstance(targets, Tensor):
        way = f"torch.full(({count},), {targets})" if isinstance(targets, int) else "torch.tensor(targets)"
        raise ConfigError(
            f"targets must be a tensor with one class a picture, not {type(targets).__name__}. Write {way}."
        )
    if targets.shape != (count,) or targets.dtype not in _WHOLE:
        raise ConfigError(
            f"targets must be one whole number for each of {count} pictures, not {tuple(targets.shape)} of "
            f"{targets.dtype}."
        )
    if not len(images):
        return
    with undisturbed(network.module), torch.no_grad():
        classes = network.logits(images[:1].to(device_of(network.module))).shape[1]
    if not 0 <= int(targets.min()) <= int(targets.max()) < classes:
        raise ConfigError(f"A target lies outside of the network's {classes} classes, 0 to {classes - 1}.")


def is_empty(maps: Tensor) -> Tensor:
    """``(N,)`` bool: which of ``(N, H, W)`` maps have nothing positive, so that nothing speaks for the class."""
    return ~(maps > 0).flatten(1).any(1)
