"""AlexNet for 64-pixel pictures: the baseline that corruption errors are divided by."""

from torch import Tensor, nn


class AlexNet64(nn.Module):
    """AlexNet's five convolutions and three linear layers, with strides that suit 64×64 instead of 224×224.

    The first convolution is 5×5 with stride 2 (11×11 with stride 4 would leave one pixel at the end), and the linear
    layers are a quarter as wide, in proportion to the smaller feature map. Where the original (Krizhevsky 2014,
    arXiv:1404.5997) has no normalisation, batch norm follows each convolution: without it, Tiny ImageNet's 500
    pictures a class are too few for it to learn well.

    Args:
        num_classes: Number of outputs.
        width: Share of the channels and hidden units to keep; half of them need a quarter of the multiply-adds.
    """

    def __init__(self, num_classes: int, width: float = 1) -> None:
        super().__init__()
        first, second, third, last, hidden = (round(width * full) for full in (64, 192, 384, 256, 1024))
        self.features = nn.Sequential(
            *_convolution(3, first, kernel_size=5, stride=2),
            nn.MaxPool2d(kernel_size=3, stride=2),
            *_convolution(first, second, kernel_size=5),
            nn.MaxPool2d(kernel_size=3, stride=2),
            *_convolution(second, third, kernel_size=3),
            *_convolution(third, last, kernel_size=3),
            *_convolution(last, last, kernel_size=3),
            nn.AdaptiveMaxPool2d(3),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(0.25),
            nn.Linear(last * 3 * 3, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(0.25),
            nn.Linear(hidden, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, num_classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """``(N, 3, H, W)`` normalised pictures, H and W at least 31, to ``(N, num_classes)`` logits."""
        logits: Tensor = self.classifier(self.features(images).flatten(1))
        return logits


def _convolution(before: int, after: int, *, kernel_size: int, stride: int = 1) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(before, after, kernel_size, stride, padding=kernel_size // 2, bias=False)
    return convolution, nn.BatchNorm2d(after), nn.ReLU(inplace=True)
