"""PatchGAN: tells sharp pictures from restored ones, patch by patch."""

import itertools

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class Discriminator(nn.Module):
    """One verdict for each patch of a picture, the higher the sharper; no batch norm, so that pictures stand alone.

    Args:
        width: Channels of the first layer; they double with each of the next two.
        spectral: Whether each layer's weights are divided by their spectral norm, which bounds how fast a verdict can
            change. A loss with a gradient penalty does that by itself.

    Source: Isola et al. 2017 (arXiv:1611.07004); spectral norm, Miyato et al. 2018 (arXiv:1802.05957).
    """

    def __init__(self, width: int = 32, *, spectral: bool) -> None:
        super().__init__()
        widths = (3, width, 2 * width, 4 * width)
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        layers.append(nn.Conv2d(widths[-1], 1, 3, padding=1))
        self.layers = nn.Sequential(
            *(spectral_norm(layer) if spectral and isinstance(layer, nn.Conv2d) else layer for layer in layers)
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """``(N, 3, H, W)`` from -1 to 1, H and W at least 8, to verdicts ``(N, 1, H // 8, W // 8)``."""
        verdicts: Tensor = self.layers(pictures)
        return verdicts
