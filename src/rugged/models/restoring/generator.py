"""The network that restores: a U of residual blocks that predicts what is to be added to a picture.

After the DeblurGAN family (Kupyn et al. 2018, arXiv:1711.07064; 2019, arXiv:1908.03826), made small: the picture's
pixels are folded into channels first, so that most work is done at a half and a quarter of its size.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

_FOLD = 2  # The side of the squares of pixels that the first layer takes as one.
_FINE = 13  # Channels at full size: with the picture's own three they make 16, which convolutions are fast on.


class Restored(NamedTuple):
    """What a generator answers.

    Attributes:
        pictures: ``(N, 3, H, W)`` float32 in levels, not yet clipped to 0 … 255.
        damage: ``(N,)`` float32 logits: how sure it is that something is wrong with each picture.
    """

    pictures: Tensor
    damage: Tensor


class Generator(nn.Module):
    """``restored = picture + gate · correction``.

    The gate is one number a picture, from 0 to 1, predicted from all of it: a picture with nothing wrong passes
    unharmed, however much its textures look like something to be corrected. The layer that makes the correction begins
    at zero, so an untrained generator gives back what it gets. There is no batch norm: what a picture becomes does not
    depend on the others in its batch. What is enlarged is enlarged bilinearly and convolved afterwards, since
    transposed convolutions leave checkerboards.

    Args:
        width: Channels at half the picture's size; they double from level to level.
        blocks: Residual blocks on the way down, by level: at a half of the picture's size, a quarter, an eighth …
        blocks_up: The same on the way up, from the finest; one level less.
    """

    def __init__(self, width: int, blocks: Sequence[int], blocks_up: Sequence[int]) -> None:
        super().__init__()
        widths = [width << level for level in range(len(blocks))]
        self.multiple = _FOLD << (len(blocks) - 1)
        self.stem = nn.Conv2d(3 * _FOLD**2, width, 3, padding=1)
        self.down = nn.ModuleList(_blocks(*each) for each in zip(widths, blocks, strict=True))
        self.shrink = nn.ModuleList(nn.Conv2d(fine, 2 * fine, 2, stride=2) for fine in widths[:-1])
        self.up = nn.ModuleList(_blocks(*each) for each in zip(widths[:-1], blocks_up, strict=True))
        self.enlarge = nn.ModuleList(nn.Conv2d(2 * fine, fine, 1) for fine in widths[:-1])
        self.damage = nn.Linear(widths[-1], 1)
        self.fine = nn.Conv2d(width, _FINE, 3, padding=1)
        self.head = nn.Sequential(nn.Conv2d(_FINE + 3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 3, 3, padding=1))
        nn.init.zeros_(self.head[-1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.head[-1].bias)  # type: ignore[arg-type]

    def forward(self, pictures: Tensor) -> Restored:
        """Restore pictures.

        Args:
            pictures: ``(N, 3, H, W)`` in levels, 0 to 255, of any size: uint8, or float32.

        Returns:
            Pictures of the same size, and what is thought of them.
        """
        levels = pictures.to(torch.float32, memory_format=torch.channels_last)
        height, width = levels.shape[-2:]
        padded = pad_to_multiple(levels, self.multiple)
        values = padded / 127.5 - 1
        features, damage = self._look(functional.pixel_unshuffle(values, _FOLD))
        correction = self.head(torch.cat((_twice(self.fine(features)), values.to(features.dtype)), 1))
        gate = damage.sigmoid()[:, None, None, None]
        restored = padded + gate * 255 * correction.float()  # In full precision: bf16 cannot tell 200 from 201.
        return Restored(restored[..., :height, :width], damage)

    def _look(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Features at half the size, and the logits of damage, from the features of the coarsest level."""
        features = self.down[0](self.stem(values))
        passed = []
        for shrink, blocks in zip(self.shrink, self.down[1:], strict=True):
            passed.append(features)
            features = blocks(shrink(features))
        damage = self._damage(features)
        for level in reversed(range(len(passed))):
            features = self.up[level](passed[level] + _twice(self.enlarge[level](features)))
        return features, damage

    def _damage(self, features: Tensor) -> Tensor:
        # Not as a matrix product: its order of sums may depend on how many pictures there are.
        mean = features.float().mean((2, 3))
        return (mean * self.damage.weight[0]).sum(1) + self.damage.bias[0]


class Residual(nn.Module):
    """Two convolutions whose result is added to what came in; nothing is added before the first step."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor) -> Tensor:
        """``(N, C, H, W)`` to the same."""
        added: Tensor = self.second(functional.relu(self.first(features)))
        return features + added


def pad_to_multiple(pictures: Tensor, multiple: int) -> Tensor:
    """Continue pictures to the right and downwards until both sides are multiples of a number.

    They are mirrored at their edge. Where that would need more pixels than there are, the last one is repeated.

    Args:
        pictures: ``(N, C, H, W)`` floating point, any size from 1 x 1.
        multiple: Of pixels.
    """
    for place, side in ((-1, pictures.shape[-1]), (-2, pictures.shape[-2])):
        missing = -side % multiple
        if missing:
            amounts = (0, missing, 0, 0) if place == -1 else (0, 0, 0, missing)
            pictures = functional.pad(pictures, amounts, mode="reflect" if missing < side else "replicate")
    return pictures


def _blocks(width: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(Residual(width) for _ in range(count)))


def _twice(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)
