"""Residual networks with normalisation and ReLU before each convolution: pre-activation ResNets and wide ones."""

from collections.abc import Sequence

from torch import Tensor, nn


class PreActivationBlock(nn.Module):
    """Two 3×3 convolutions, each after batch norm and ReLU, added to the input.

    Where the shape changes, the shortcut is a 1×1 convolution of the normalised input.

    Args:
        width_in: Channels of the input.
        width: Channels of the output.
        stride: Of the first convolution and the shortcut.

    Source: He et al. 2016 (arXiv:1603.05027).
    """

    def __init__(self, width_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(width_in)
        self.conv1 = nn.Conv2d(width_in, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if stride != 1 or width_in != width:
            self.downsample = nn.Conv2d(width_in, width, kernel_size=1, stride=stride, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """``(N, width_in, H, W)`` to ``(N, width, H / stride, W / stride)``, odd sizes rounded up."""
        active = self.relu(self.norm1(features))
        shortcut = features if self.downsample is None else self.downsample(active)
        branch = self.conv2(self.relu(self.norm2(self.conv1(active))))
        return branch + shortcut  # type: ignore[no-any-return]


class PreActivationResNet(nn.Module):
    """A 3×3 stem with stride 1, groups of blocks of which all but the first halve the sides, and a linear head.

    Args:
        layers: Number of blocks in each group.
        widths: Channels of each group.
        stem_width: Channels of the stem.
        num_classes: Number of outputs.
    """

    def __init__(self, layers: Sequence[int], widths: Sequence[int], stem_width: int, num_classes: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, stem_width, kernel_size=3, padding=1, bias=False)
        blocks: list[nn.Module] = []
        width_in = stem_width
        for group, (count, width) in enumerate(zip(layers, widths, strict=True)):
            for index in range(count):
                blocks.append(PreActivationBlock(width_in, width, stride=2 if group > 0 and index == 0 else 1))
                width_in = width
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.BatchNorm2d(width_in)
        self.relu = nn.ReLU(inplace=True)
        self.fc = nn.Linear(width_in, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """``(N, 3, H, W)`` normalised pictures to ``(N, num_classes)`` logits."""
        features = self.relu(self.norm(self.blocks(self.stem(images))))
        logits: Tensor = self.fc(features.mean((2, 3)))
        return logits


def preactivation_resnet18(num_classes: int) -> PreActivationResNet:
    """ResNet-18 with pre-activation blocks.

    Source: He et al. 2016 (arXiv:1603.05027).
    """
    return PreActivationResNet((2, 2, 2, 2), (64, 128, 256, 512), 64, num_classes)


def wide_resnet(depth: int, widening: int, num_classes: int) -> PreActivationResNet:
    """A wide residual network: WRN-``depth``-``widening``, without dropout.

    Args:
        depth: Convolutions on the way: 6 n + 4 with n blocks in each of the three groups.
        widening: Channels of the groups in multiples of 16, 32 and 64.
        num_classes: Number of outputs.

    Source: Zagoruyko & Komodakis 2016 (arXiv:1605.07146).
    """
    return PreActivationResNet(((depth - 4) // 6,) * 3, (16 * widening, 32 * widening, 64 * widening), 16, num_classes)
