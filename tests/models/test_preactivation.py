"""Pre-activation networks against timm's blocks, and wide ones against the paper's table."""

from functools import partial

import pytest
import torch
from timm.layers import BatchNormAct2d, create_conv2d
from timm.models.resnetv2 import ResNetV2

from rugged.models.preactivation import PreActivationResNet, preactivation_resnet18, wide_resnet


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(
    ("depth", "widening", "millions"),
    [
        (40, 1, 0.6), (40, 2, 2.2), (40, 4, 8.9), (40, 8, 35.7), (28, 10, 36.5), (28, 12, 52.5),
        (22, 8, 17.2), (22, 10, 26.8), (16, 8, 11.0), (16, 10, 17.1),
    ],
)  # fmt: skip
def test_wide_networks_have_the_parameters_of_the_papers_table(depth, widening, millions):
    """Zagoruyko & Komodakis 2016, table 4, for CIFAR-10."""
    with torch.device("meta"):
        assert round(count(wide_resnet(depth, widening, 10)) / 1e6, 1) == millions


@pytest.mark.parametrize(("classes", "millions"), [(10, 5.8), (100, 5.9), (200, 5.9)])
def test_wrn_28_4_has_the_published_number_of_parameters(classes, millions):
    assert round(count(wide_resnet(28, 4, classes)) / 1e6, 1) == millions


@pytest.mark.parametrize(
    ("make", "layers", "widths", "stem"),
    [
        (preactivation_resnet18, (2, 2, 2, 2), (64, 128, 256, 512), 64),
        (partial(wide_resnet, 28, 4), (4, 4, 4), (64, 128, 256), 16),
    ],
)
@pytest.mark.parametrize("side", [32, 47])
def test_answers_are_those_of_timms_blocks(make, layers, widths, stem, side):
    """The same weights, in the order in which both make them, in timm's network behind the same stem."""
    torch.manual_seed(0)
    ours = make(6)
    theirs = ResNetV2(
        layers, widths, num_classes=6, stem_chs=stem, basic=True, bottle_ratio=1.0,
        norm_layer=BatchNormAct2d, conv_layer=create_conv2d,
    )  # fmt: skip
    theirs.stem = torch.nn.Conv2d(3, stem, 3, padding=1, bias=False)
    assert count(ours) == count(theirs)
    _copy(ours, theirs)
    images = torch.randn(2, 3, side, side)
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(images), theirs.eval()(images), rtol=1e-4, atol=1e-5)


def _copy(ours, theirs):
    """Fill our network at random, batch norm too, and timm's with the same, block by block."""
    for name, tensor in ours.state_dict().items():
        if tensor.is_floating_point() and tensor.ndim == 1:
            tensor.copy_(torch.rand(tensor.shape) + 0.5 if "bias" not in name else torch.randn(tensor.shape))
    theirs.stem.load_state_dict(ours.stem.state_dict())
    theirs.norm.load_state_dict(ours.norm.state_dict())
    theirs.head.fc.load_state_dict(
        {"weight": ours.fc.weight[:, :, None, None], "bias": ours.fc.bias}
        if theirs.head.fc.weight.ndim == 4
        else ours.fc.state_dict()
    )
    blocks = [block for stage in theirs.stages for block in stage.blocks]
    for mine, other in zip(ours.blocks, blocks, strict=True):
        for part in ("norm1", "conv1", "norm2", "conv2"):
            getattr(other, part).load_state_dict(getattr(mine, part).state_dict())
        if mine.downsample is not None:
            other.downsample.conv.load_state_dict(mine.downsample.state_dict())


def test_every_convolution_keeps_the_variance_of_the_gradient():
    """He et al. 2015 (arXiv:1502.01852), backward: variance 2 / (width · kernel²)."""
    torch.manual_seed(0)
    for module in PreActivationResNet((1, 1), (64, 128), 64, 5).modules():
        if isinstance(module, torch.nn.Conv2d) and module.weight.numel() > 5_000:
            fan_out = module.out_channels * module.kernel_size[0] ** 2
            assert module.weight.var().item() == pytest.approx(2 / fan_out, rel=0.1)
