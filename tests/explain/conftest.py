"""Networks small enough to know the answer by hand."""

import pytest
import torch
from torch import nn

from rugged.explain import Network
from rugged.models import ModelSpec


def spec(side, architecture="by hand"):
    """Levels go in divided by 255, so that gradients are easy to work out."""
    return ModelSpec(architecture, (), (), side, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


class Linear(nn.Module):
    """Two classes: a weighted sum of the pixels, and nothing."""

    def __init__(self, weights):
        super().__init__()
        self.weights = nn.Parameter(weights)

    def forward(self, images):
        score = (images * self.weights).sum((1, 2, 3))
        return torch.stack([score, torch.zeros_like(score)], 1)


class Smooth(nn.Module):
    """A small network that bends: convolutions, ReLUs that work in place, batch norm, dropout."""

    def __init__(self, classes=3):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
            nn.Conv2d(8, 8, 3, padding=1),
            nn.ReLU(inplace=True),
        )
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(8, classes)

    def forward(self, images):
        return self.head(self.drop(self.features(images).mean((2, 3))))


@pytest.fixture
def smooth():
    torch.manual_seed(0)
    return Network(Smooth().eval(), spec(32))


@pytest.fixture
def pictures():
    return torch.randint(0, 256, (5, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
