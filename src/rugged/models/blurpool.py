"""Anti-aliased downsampling: what a network answers then depends less on a shift of the picture by a pixel."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


class BlurPool(nn.Module):
    """Blur with the binomial 3×3 filter, then keep every second pixel of every second row. Edges are mirrored.

    Source: Zhang 2019 (arXiv:1904.11486).
    """

    def forward(self, features: Tensor) -> Tensor:
        """``(N, C, H, W)``, H and W at least 2, to ``(N, C, H / 2, W / 2)``, odd sizes rounded up."""
        features = _blend(features[:, :, ::2], features[:, :, 1::2], dim=2)
        return _blend(features[..., ::2], features[..., 1::2], dim=3)


def _blend(even: Tensor, odd: Tensor, dim: int) -> Tensor:
    """Half of each even row and a quarter of each of its two neighbours; the same for columns.

    Means of slices stay in channels-last, and their gradient is deterministic; that of reflection padding on CUDA is
    neither, and depthwise convolutions are slow in bf16 on a CPU.
    """
    count = even.shape[dim]
    framed = torch.cat((odd.narrow(dim, 0, 1), odd, odd.narrow(dim, odd.shape[dim] - 1, 1)), dim)
    neighbours = framed.narrow(dim, 0, count).lerp(framed.narrow(dim, 1, count), 0.5)
    return neighbours.lerp(even, 0.5)


def blur_downsampling(model: nn.Module) -> None:
    """Make the halvings of a residual network anti-aliased.

    - A max-pool with stride 2 takes stride 1, followed by ``BlurPool``.
    - A convolution with stride 2 in a residual branch takes stride 1; the blur follows its normalisation and ReLU,
      right before the branch's next convolution.
    - A 1×1 convolution with stride 2 (a shortcut) takes stride 1 after the blur, which commutes with it.
    - A stem with stride 2 stays: at full size it would cost more than it gains (Zhang's own choice).

    No parameter is added; those of a convolution that now comes after a blur change their name (``conv2.1.weight``).

    Args:
        model: torchvision's, timm's or our residual networks, whose blocks define their layers in order. Modified.
    """
    for parent in list(model.modules()):
        children = list(parent.named_children())
        for index, (name, child) in enumerate(children):
            if isinstance(child, nn.MaxPool2d) and child.stride in (2, (2, 2)):
                child.stride = 1
                setattr(parent, name, nn.Sequential(child, BlurPool()))
            elif isinstance(child, nn.Conv2d) and child.stride == (2, 2):
                later = children[index:] if child.kernel_size == (1, 1) else children[index + 1 :]
                follower = next((each for each, module in later if isinstance(module, nn.Conv2d)), None)
                if follower is not None:
                    child.stride = (1, 1)
                    setattr(parent, follower, nn.Sequential(BlurPool(), getattr(parent, follower)))


def blurred(make: Callable[[int], nn.Module], num_classes: int) -> nn.Module:
    """The network that ``make`` gives for a number of classes, with anti-aliased downsampling."""
    model = make(num_classes)
    blur_downsampling(model)
    return model
