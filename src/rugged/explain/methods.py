"""The methods that look at pixels, by Captum: each from pictures and classes to one map a picture."""

import warnings
from collections.abc import Callable

import torch
from captum.attr import GuidedBackprop, IntegratedGradients, Occlusion, Saliency
from torch import Tensor, nn

from rugged.core.errors import ConfigError, ModelError
from rugged.core.hints import no_such
from rugged.engine import Network

STEPS = 32
"""Of the path of integrated gradients."""

WINDOW = 8
"""Occlusion hides an eighth of each side, and moves by half of that."""

_AT_ONCE = 64
"""Passes that a picture is put through together."""


class Answers(nn.Module):
    """A network as Captum takes it: from pictures in levels to logits."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.module = network.module
        self._network = network

    def forward(self, images: Tensor) -> Tensor:
        """``(N, classes)`` float32."""
        return self._network.logits(images).float()


def saliency(network: Network, values: Tensor, targets: Tensor) -> Tensor:
    """How fast the logit changes with each pixel: the largest of the channels' absolute gradients.

    Source: Simonyan et al. 2014 (arXiv:1312.6034).
    """
    found: Tensor = Saliency(Answers(network)).attribute(values, target=targets, abs=True)
    return found.amax(1)


def guided_backprop(network: Network, values: Tensor, targets: Tensor) -> Tensor:
    """Saliency that follows only positive gradients back through each ReLU.

    Source: Springenberg et al. 2015 (arXiv:1412.6806).

    Raises:
        ModelError: The network has no ReLU module.
    """
    if not any(isinstance(each, nn.ReLU) for each in network.module.modules()):
        raise ModelError(
            f"guided_backprop changes what passes back through ReLUs, and {network.spec.architecture} has none as a "
            "layer: it would be plain saliency. Use that, or integrated_gradients."
        )
    with warnings.catch_warnings():  # Captum says that it sets hooks, and removes them.
        warnings.filterwarnings("ignore", message="Setting backward hooks")
        found: Tensor = GuidedBackprop(Answers(network)).attribute(values, target=targets)
    return found.abs().amax(1)


def integrated_gradients(network: Network, values: Tensor, targets: Tensor) -> Tensor:
    """What each pixel adds to the logit on the straight way from the mean colour to the picture, channels summed.

    The map's sum is the difference of the two logits, but for the error of 32 steps.

    Source: Sundararajan et al. 2017 (arXiv:1703.01365).
    """
    found: Tensor = IntegratedGradients(Answers(network)).attribute(
        values, baselines=mean_colour(network, values), target=targets, n_steps=STEPS, internal_batch_size=_AT_ONCE
    )
    return found.sum(1)


def occlusion(network: Network, values: Tensor, targets: Tensor) -> Tensor:
    """How much the logit falls where a square of the mean colour hides the picture, as a mean over the squares.

    Source: Zeiler & Fergus 2014 (arXiv:1311.2901).
    """
    window = [max(1, round(side / WINDOW)) for side in values.shape[2:]]
    strides = tuple(max(1, side // 2) for side in window)
    found: Tensor = Occlusion(Answers(network)).attribute(
        values,
        sliding_window_shapes=(3, *window),
        strides=(3, *strides),
        baselines=mean_colour(network, values),
        target=targets,
        perturbations_per_eval=max(1, _AT_ONCE // len(values)),
    )
    return found[:, 0]  # The square hides all channels: they have the same.


def mean_colour(network: Network, values: Tensor) -> Tensor:
    """``(1, 3, H, W)`` a picture without content: the network's mean, which it sees as zero."""
    mean = torch.tensor(network.spec.mean, device=values.device).mul(255).view(1, 3, 1, 1)
    return mean.expand(1, 3, *values.shape[2:])


OF_PIXELS: dict[str, Callable[[Network, Tensor, Tensor], Tensor]] = {
    "saliency": saliency,
    "integrated_gradients": integrated_gradients,
    "guided_backprop": guided_backprop,
    "occlusion": occlusion,
}

METHODS = ("grad_cam", *OF_PIXELS)
"""Grad-CAM, which needs a layer, and those that look at the whole network."""


def check_method(method: str) -> None:
    """Refuse what is no method.

    Raises:
        ConfigError: It is none; the nearest is named.
    """
    if method not in METHODS:
        raise ConfigError(no_such("method", method, METHODS))
