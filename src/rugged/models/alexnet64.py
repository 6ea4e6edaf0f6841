"""AlexNet for 64-pixel pictures: the baseline that corruption errors are divided by."""

from torch import Tensor, nn


class AlexNet64(nn.Module):
    """AlexNet's five convolutions and three linear layers, with strides that suit 64×64 instead of 224×224.

    The first convolution is 5×5 with stride 2 (11×11 with stride 4 would leave one pixel at the end), and the linear
    layers are a quarter as wide, in proportion to the smaller feature map. No batch norm, as in the original
    (Krizhevsky 2014, arXiv:1404.5997).

    Args:
        num_classes: Number of outputs.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, kernel_size=5, stride=2, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(64, 192, kernel_size=5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(192, 384, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.AdaptiveMaxPool2d(3),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(0.5),
            nn.Linear(256 * 3 * 3, 1024),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(1024, 1024),
            nn.ReLU(inplace=True),
            nn.Linear(1024, num_classes),
        )
        self.apply(_initialise)
        nn.init.normal_(self.classifier[-1].weight, std=0.01)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        """``(N, 3, H, W)`` normalised pictures, H and W at least 31, to ``(N, num_classes)`` logits."""
        logits: Tensor = self.classifier(self.features(images).flatten(1))
        return logits


def _initialise(module: nn.Module) -> None:
    # Without batch norm the default initialisation lets the signal die out over eight layers.
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
