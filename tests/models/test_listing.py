"""What can be chosen, and what it costs, by the figures that torchvision publishes with its weights."""

import pytest
import timm
import torch
import torchvision

from rugged.core.errors import ModelError
from rugged.models import build, default_input_size, resolve
from rugged.models.listing import RECOMMENDED, find_architectures, list_architectures, list_published, measure
from rugged.models.zoo import OURS


def published(name):
    return torchvision.models.get_model_weights(name).DEFAULT


@pytest.mark.parametrize(
    "name",
    ["resnet18", "alexnet", "squeezenet1_0", "densenet121", "efficientnet_b0", "vit_b_16", "vit_h_14", "swin_t",
     "regnet_y_400mf", "maxvit_t"],
)  # fmt: skip
def test_cost_is_what_torchvision_publishes(name):
    meta = published(name).meta
    cost = measure(f"torchvision/{name}", 1000, default_input_size(f"torchvision/{name}"))
    assert cost.parameters == meta["num_params"]
    assert cost.multiply_adds / 1e9 == pytest.approx(meta["_ops"], abs=0.0006)


@pytest.mark.parametrize(
    ("name", "side", "millions", "billions"),
    [
        ("torchvision/resnet18", 224, 11.69, 1.81),
        ("torchvision/alexnet", 224, 61.10, 0.71),
        ("torchvision/efficientnet_b0", 224, 5.29, 0.39),
        ("torchvision/efficientnet_b7", 600, 66.35, 37.75),
        ("timm/efficientnet_b7", 600, 66.35, 37.75),
        ("timm/vit_base_patch16_224", 224, 86.57, 17.56),
    ],
)
def test_cost_is_what_everybody_quotes(name, side, millions, billions):
    cost = measure(name, 1000, side)
    assert (round(cost.parameters / 1e6, 2), round(cost.multiply_adds / 1e9, 2)) == (millions, billions)


def test_classes_and_size_count():
    """ResNet-18: 513 parameters a class; four times the pixels cost four times the body's operations."""
    small, large = (measure("torchvision/resnet18", classes, side) for classes, side in ((10, 64), (200, 128)))
    assert large.parameters - small.parameters == 190 * 513
    assert large.multiply_adds - 512 * 200 == 4 * (small.multiply_adds - 512 * 10)


def test_operations_of_ours_by_hand():
    """A 3×3 convolution with as many channels on each pixel: 9 C² H W; groups after the first halve the side."""
    stem = 3 * 64 * 9 * 64**2
    groups = [c * c * 9 * side**2 for c, side in ((64, 64), (128, 32), (256, 16), (512, 8))]
    shortcuts = [c * c // 2 * side**2 for c, side in ((128, 32), (256, 16), (512, 8))]
    first = [c * c // 2 * 9 * side**2 for c, side in ((128, 32), (256, 16), (512, 8))]
    expected = stem + 4 * groups[0] + sum(3 * each for each in groups[1:]) + sum(first) + sum(shortcuts) + 512 * 200
    for name in ("rugged/resnet18_64", "rugged/preact_resnet18_64"):
        assert measure(name, 200, 64).multiply_adds == expected


@pytest.mark.parametrize("name", ["timm/vit_base_r26_s32_224", "torchvision/regnet_x_400mf", "timm/cait_xxs24_224"])
def test_networks_that_look_at_tensors_while_they_are_built_are_measured_too(name):
    cost = measure(name, 10, 224)
    assert cost.parameters == sum(parameter.numel() for parameter in build(name, 10).parameters())
    assert cost.multiply_adds > 1e8


def test_a_size_that_does_not_fit_has_no_operations():
    cost = measure("timm/vit_tiny_patch16_224", 10, 64)
    assert cost.multiply_adds is None
    assert cost.parameters > 5e6


def test_measuring_leaves_the_default_device_alone():
    measure("torchvision/regnet_x_400mf", 10, 64)
    assert torch.empty(1).device.type == "cpu"


def test_every_name_is_one_that_can_be_built_and_stands_once():
    names = [each.name for each in list_architectures()]
    assert len(set(names)) == len(names)
    by_source = {
        source: [n for n in names if n.startswith(f"{source}/")] for source in ("rugged", "torchvision", "timm")
    }
    assert sum(map(len, by_source.values())) == len(names)
    assert len(by_source["timm"]) == len(timm.list_models())
    for some in by_source.values():
        assert [resolve(name) for name in some[:: len(some) // 5]] == some[:: len(some) // 5]


def test_input_sizes_are_those_that_training_takes():
    every = {each.name: each.input_size for each in (*list_architectures(), *list_published())}
    for name in ("torchvision/efficientnet_b7", "torchvision/inception_v3", "timm/tf_efficientnet_b4.ap_in1k",
                 "timm/tf_efficientnet_b3", "timm/vit_large_patch16_sapiens2", "timm/mixnet_s"):  # fmt: skip
        assert every[name] == default_input_size(name)
    assert every["rugged/wrn28_4_64"] == 64


def test_weights_are_those_that_are_published_the_default_first():
    every = {each.name: each for each in list_architectures()}
    assert every["rugged/resnet18_64"].weights == ()
    assert every["torchvision/resnet50"].weights == ("IMAGENET1K_V2", "IMAGENET1K_V1")
    assert {name.partition("/")[2] for name, each in every.items() if each.weights and name.startswith("timm/")} == {
        name.partition(".")[0] for name in timm.list_models(pretrained=True)
    }
    for name in ("resnet18", "tf_efficientnet_b0", "vit_base_patch16_224"):
        weights = every[f"timm/{name}"].weights
        assert weights[0] == timm.get_pretrained_cfg(name).tag
        assert sorted(f"{name}.{tag}" for tag in weights) == sorted(timm.list_models(f"{name}.*", pretrained=True))


@pytest.mark.parametrize("name", [name for names in RECOMMENDED.values() for name in names])
def test_what_is_recommended_exists(name):
    assert resolve(name) == name
    assert name in {each.name for each in (*list_architectures(), *list_published())}


@pytest.mark.parametrize(
    ("pattern", "some", "none"),
    [
        ("resnet18", {"rugged/resnet18_64", "torchvision/resnet18", "timm/skresnet18"}, {"torchvision/resnet34"}),
        ("ResNet18", {"torchvision/resnet18"}, {"torchvision/resnet34"}),
        ("ResNet18_64*", {"rugged/resnet18_64", "rugged/resnet18_64_blur"}, {"rugged/preact_resnet18_64"}),
        ("resnet18*", {"rugged/resnet18_64_blur", "timm/resnet18d"}, {"timm/skresnet18", "rugged/preact_resnet18_64"}),
        ("timm/*b[01]", {"timm/tf_efficientnet_b1"}, {"torchvision/efficientnet_b0", "timm/tf_efficientnet_b2"}),
        ("rugged/", {"rugged/alexnet64"}, {"torchvision/alexnet"}),
        ("tf_efficientnet_b0.", {"timm/tf_efficientnet_b0.ap_in1k"}, {"timm/tf_efficientnet_b0"}),
        ("*b0.ap_in1k", {"timm/tf_efficientnet_b0.ap_in1k"}, {"timm/tf_efficientnet_b1.ap_in1k"}),
    ],
)
def test_searches(pattern, some, none):
    found = {each.name for each in find_architectures(pattern)}
    assert some <= found
    assert not none & found


def test_only_those_with_weights():
    found = find_architectures("resnet18", pretrained=True)
    assert {"torchvision/resnet18", "timm/resnet18"} <= {each.name for each in found}
    assert all(each.weights for each in found)
    told = f"{len(OURS)} fit 'rugged/', such as rugged/alexnet64, but none has pretrained weights"
    with pytest.raises(ModelError, match=told):
        find_architectures("rugged/", pretrained=True)


@pytest.mark.parametrize(
    ("pattern", "advice"),
    [
        ("resnt18", "Did you mean .*torchvision/resnet18"),
        ("torchvision/densnet121", "Did you mean torchvision/densenet121"),
        ("timm/convnxt*", "Did you mean .*convnext"),
        ("qqqqqq", "Give a part of a name"),
    ],
)
def test_a_search_without_a_match_says_what_is_near(pattern, advice):
    with pytest.raises(ModelError, match=advice):
        find_architectures(pattern)
