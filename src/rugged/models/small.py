"""ResNets for small pictures, with a stem that keeps every pixel, and for small machines, with few channels."""

from collections.abc import Sequence

import timm
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet


def small_resnet(block: type[BasicBlock | Bottleneck], layers: Sequence[int], num_classes: int) -> nn.Module:
    """A ResNet whose stem is one 3×3 convolution with stride 1 and no max-pool, as is usual from 32 to 96 pixels.

    ImageNet's stem leaves a quarter of each side before the first block: 16 pixels of 64. Parameters have torchvision's
    names, so that its weights fit everywhere but in the stem and the head. The last batch norm of each residual branch
    starts at zero (Goyal et al. 2017, arXiv:1706.02677), so that each block starts as the identity.

    Args:
        block: ``BasicBlock`` (ResNet-18 and -34) or ``Bottleneck`` (ResNet-50).
        layers: Number of blocks in each of the four groups.
        num_classes: Number of outputs.

    Returns:
        A network from ``(N, 3, H, W)`` normalised pictures to ``(N, num_classes)`` logits.

    Source: He et al. 2016 (arXiv:1512.03385), section 4.2 for the stem.
    """
    model: nn.Module = ResNet(block, list(layers), num_classes, zero_init_residual=True)
    stem = nn.Conv2d(3, 64, kernel_size=3, padding=1, bias=False)
    nn.init.kaiming_normal_(stem.weight, mode="fan_out", nonlinearity="relu")
    model.conv1, model.maxpool = stem, nn.Identity()
    return model


def slim_resnet(num_classes: int) -> nn.Module:
    """A ResNet of twelve layers that two cores train in minutes: a tenth of the weights of ResNet-18.

    timm's ``resnet10t`` (a stem of three 3×3 convolutions and max-pool, which leave a quarter of each side; one block a
    group) with about half of its channels, and a second block in the second group: at 64 pixels the last one whose maps
    are not tiny.

    Args:
        num_classes: Number of outputs.

    Returns:
        A network from ``(N, 3, H, W)`` normalised pictures to ``(N, num_classes)`` logits.
    """
    model: nn.Module = timm.create_model(
        "resnet10t", num_classes=num_classes, layers=(1, 2, 1, 1), channels=(32, 96, 128, 192), stem_width=16
    )
    return model
