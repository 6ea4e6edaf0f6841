"""Anti-aliased downsampling: the filter, where it is put, and what it is good for."""

import numpy as np
import pytest
import timm
import torch
import torchvision
from scipy import ndimage
from torch import nn

from rugged.models import build
from rugged.models.blurpool import BlurPool, blur_downsampling


@pytest.mark.parametrize("shape", [(8, 8), (7, 9), (2, 3), (2, 2), (16, 5)])
def test_is_the_binomial_filter_at_every_second_pixel(shape):
    features = torch.rand(2, 3, *shape, dtype=torch.float64)
    weights = np.outer([1, 2, 1], [1, 2, 1])[None, None] / 16
    expected = ndimage.correlate(features.numpy(), weights, mode="mirror")[:, :, ::2, ::2]
    torch.testing.assert_close(BlurPool()(features), torch.from_numpy(expected))


def test_is_timms_blur():
    features = torch.rand(2, 5, 13, 16)
    theirs = timm.layers.BlurPool2d(5, filt_size=3, stride=2, pad_mode="reflect")
    torch.testing.assert_close(BlurPool()(features), theirs(features))


def test_the_gradient_is_that_of_the_sum():
    features = torch.rand(1, 2, 6, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(BlurPool(), features)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_keeps_layout_and_precision(dtype):
    features = torch.rand(2, 8, 8, 8, dtype=dtype).contiguous(memory_format=torch.channels_last)
    result = BlurPool()(features)
    assert result.is_contiguous(memory_format=torch.channels_last)
    assert result.dtype == dtype


def small_network():
    return nn.Sequential(
        nn.Conv2d(3, 4, 7, stride=2, padding=3), nn.ReLU(), nn.MaxPool2d(3, stride=2, padding=1),
        torchvision.models.resnet.BasicBlock(
            4, 8, stride=2, downsample=nn.Sequential(nn.Conv2d(4, 8, 1, stride=2), nn.BatchNorm2d(8))
        ),
    )  # fmt: skip


def test_the_blur_follows_the_pool_and_the_activation():
    """Zhang 2019, section 3.2, written out with an independent blur."""
    torch.manual_seed(0)
    model = small_network().eval()
    block = model[3]
    images = torch.randn(2, 3, 32, 32)
    blur = {width: timm.layers.BlurPool2d(width) for width in (4, 8)}
    with torch.no_grad():
        pooled = blur[4](nn.functional.max_pool2d(model[0](images).relu(), 3, stride=1, padding=1))
        active = nn.functional.conv2d(pooled, block.conv1.weight, padding=1)
        branch = block.bn2(block.conv2(blur[8](block.bn1(active).relu())))
        full = nn.functional.conv2d(pooled, block.downsample[0].weight, block.downsample[0].bias)
        expected = (branch + block.downsample[1](blur[8](full))).relu()  # The shortcut is blurred after it, as printed.
        blur_downsampling(model)
        torch.testing.assert_close(model(images), expected)


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_only_the_stem_of_torchvisions_networks_still_strides(name):
    model = torchvision.models.get_model(name).eval()
    sizes = {}
    with torch.no_grad():
        before = model(torch.randn(1, 3, 64, 64)).shape
        blur_downsampling(model)
        for key, module in model.named_modules():
            if isinstance(module, BlurPool):
                module.register_forward_hook(lambda _, args, out, key=key: sizes.update({key: out.shape[-1]}))
        assert model(torch.randn(1, 3, 64, 64)).shape == before
    layers = [(key, each) for key, each in model.named_modules() if isinstance(each, nn.Conv2d | nn.MaxPool2d)]
    strided = [key for key, each in layers if each.stride not in (1, (1, 1))]
    assert strided == ["conv1"]
    assert sorted(sizes.values()) == [2, 2, 4, 4, 8, 8, 16]  # The pool, then branch and shortcut of three groups.


def test_what_is_made_without_a_stride_stays_as_it_is():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(3, stride=1), nn.Conv2d(4, 4, 3))
    blur_downsampling(model)
    assert not any(isinstance(module, BlurPool) for module in model.modules())


@pytest.mark.parametrize("name", ["resnet18_64", "preact_resnet18_64", "wrn28_4_64"])
def test_a_shift_of_a_pixel_changes_the_answer_less(name):
    """What the filter is for, and true of random weights too: the median over pictures is far from chance."""
    changes = []
    for ending in ("", "_blur"):
        torch.manual_seed(0)
        model = build(f"rugged/{name}{ending}", 50).eval()
        for module in model.modules():  # As after some training: branches that say something, fitting statistics.
            if isinstance(module, nn.BatchNorm2d):
                nn.init.ones_(module.weight)
                module.train().momentum = None
        images = nn.functional.interpolate(torch.randn(8, 3, 11, 11), (33, 33), mode="bicubic")
        with torch.no_grad():
            model(images[..., 1:, 1:])
            model.eval()
            still, moved = (model(part) for part in (images[..., 1:, 1:], images[..., :-1, :-1]))
        changes.append(((still - moved).norm(dim=1) / (still - still.mean(0)).norm(dim=1)).median().item())
    plain, blurred = changes
    assert blurred < 0.8 * plain
