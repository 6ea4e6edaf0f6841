"""Architectures by name, with heads for any number of classes."""

import pytest
import torch
import torchvision

from rugged.core.errors import ModelError
from rugged.models import (
    ModelSpec,
    build,
    default_input_size,
    default_normalisation,
    load_model,
    preprocess,
    resolve,
    save_model,
)


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("alexnet64", "rugged/alexnet64"),
        ("resnet18", "torchvision/resnet18"),
        ("timm/resnet18", "timm/resnet18"),
        ("resnet10t", "timm/resnet10t"),
        ("timm/resnet18.a1_in1k", "timm/resnet18.a1_in1k"),
    ],
)
def test_names_are_looked_up_in_order_of_sources(name, full):
    assert resolve(name) == full


@pytest.mark.parametrize(
    "name", ["resnet81", "timm/resnet10", "rugged/alexnet", "nowhere/resnet18", "timm/resnet18.a9", "", "/"]
)
def test_unknown_names_are_refused_with_a_hint(name):
    with pytest.raises(ModelError, match="no architecture"):
        resolve(name)


def test_a_near_miss_is_suggested():
    with pytest.raises(ModelError, match="torchvision/resnet"):
        resolve("resnet81")


@pytest.mark.parametrize(
    "name",
    [
        "rugged/alexnet64",
        "rugged/alexnet64_half",
        "rugged/resnet12_slim",
        "torchvision/resnet18",
        "torchvision/squeezenet1_0",
        "torchvision/mobilenet_v3_small",
        "timm/resnet10t",
    ],
)
def test_heads_answer_for_the_classes_asked_for(name):
    model = build(name, 7).eval()
    with torch.no_grad():
        assert model(torch.zeros(2, 3, 64, 64)).shape == (2, 7)


def test_heads_differ_between_classes_and_learn():
    torch.manual_seed(0)  # With some weights a class's answer is 0 everywhere: its head ends in a ReLU.
    model = build("torchvision/squeezenet1_0", 7).eval()
    logits = model(torch.randn(4, 3, 64, 64))
    logits[:, 3].sum().backward()
    head = model.classifier[1]
    assert head.weight.grad[3].abs().sum() > 0
    assert head.weight.grad[2].abs().sum() == 0


def test_timm_models_come_with_their_own_normalisation():
    assert default_normalisation("timm/vit_tiny_patch16_224") == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    assert default_normalisation("torchvision/resnet18") == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@pytest.mark.parametrize(
    ("name", "mean", "std", "size"),
    [
        ("timm/tf_efficientnet_b0.ap_in1k", 0.5, 0.5, 224),  # AdvProp's weights expect values in [-1, 1],
        ("timm/tf_efficientnet_b7.ap_in1k", 0.5, 0.5, 600),
        ("timm/tf_efficientnet_b0.in1k", 0.485, 0.229, 224),  # their plain siblings ImageNet's.
        ("timm/resnet18.a1_in1k", 0.485, 0.229, 224),
        ("torchvision/resnet18", 0.485, 0.229, 224),
        ("torchvision/efficientnet_b7", 0.485, 0.229, 600),
        ("torchvision/efficientnet_v2_l", 0.5, 0.5, 480),
        ("torchvision/inception_v3", 0.5, 0.5, 299),
        ("rugged/alexnet64", 0.485, 0.229, None),
    ],
)
def test_weights_say_what_they_expect(name, mean, std, size):
    found_mean, found_std = default_normalisation(name)
    assert (found_mean[0], found_std[0]) == (mean, std)
    assert default_input_size(name) == size


def test_a_vision_transformer_is_built_for_its_weights_pictures():
    with torch.device("meta"):
        model = build("torchvision/vit_h_14", 3)
    assert model.image_size == default_input_size("torchvision/vit_h_14") == 518


def test_ours_have_no_pretrained_weights():
    with pytest.raises(ModelError, match="no pretrained weights"):
        build("alexnet64", 10, pretrained=True)


def test_a_tag_chooses_among_published_weights():
    assert build("timm/resnet18.a1_in1k", 3).eval()(torch.zeros(1, 3, 32, 32)).shape == (1, 3)
    assert default_normalisation("timm/vit_tiny_patch16_224.augreg_in21k") == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


AUXILIARY = {"init_weights": False, "aux_logits": True}
PUBLISHED_WITH = {"googlenet": AUXILIARY, "inception_v3": AUXILIARY, "resnet18": {}}


@pytest.fixture
def published(monkeypatch):
    """Stand in for downloaded weights: random ones, the same whenever they are asked for."""

    def made_up(weights, *args, **kwargs):
        name = next(each for each in PUBLISHED_WITH if torchvision.models.get_model_weights(each) is type(weights))
        torch.manual_seed(3)
        model = torchvision.models.get_model(name, weights=None, **PUBLISHED_WITH[name]).eval()
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):  # Without fitting statistics the signal dies out on its way.
                module.train().momentum = None
        with torch.no_grad():
            model(torch.randn(8, 3, 96, 96))
        return model.state_dict()

    monkeypatch.setattr(torchvision.models.WeightsEnum, "get_state_dict", made_up)
    monkeypatch.setattr("timm.models._builder.load_pretrained", lambda *args, **kwargs: None)
    monkeypatch.setattr("rugged.models.pretrained._look_once", lambda config: None)


@pytest.mark.parametrize("name", [*PUBLISHED_WITH, "timm/resnet10t", "timm/resnet18.a1_in1k"])
def test_a_pretrained_network_trains_and_is_the_same_from_its_file(published, name, tmp_path):
    model = build(name, 5, pretrained=True).to(memory_format=torch.channels_last)
    images = torch.randn(2, 3, 96, 96)
    model(images)[:, 1].sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    spec = ModelSpec(name, tuple("abcde"), tuple("abcde"), 96)
    save_model(tmp_path / "model.safetensors", model, spec)
    loaded, _ = load_model(tmp_path / "model.safetensors")
    with torch.no_grad():
        torch.testing.assert_close(loaded(images), model.eval()(images))


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_pretrained_inceptions_see_what_torchvision_shows_them(published, name):
    """Torchvision takes ImageNet's normalisation and rescales within the network; here preprocessing does both."""
    theirs = torchvision.models.get_model(name, weights="DEFAULT").eval()
    ours = build(name, 5, pretrained=True).eval()
    theirs.fc = ours.fc
    images = torch.randint(0, 256, (2, 3, 96, 96), dtype=torch.uint8)
    normalised = torchvision.transforms.functional.normalize(images / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    mean, std = default_normalisation(name)
    with torch.no_grad():
        mine = ours(preprocess(images, ModelSpec(name, (), (), 96, mean, std)))
        expected = theirs(normalised)
    # Float rounding grows over a hundred layers; another normalisation moves the logits by their own size.
    assert (mine - expected).abs().max() < 0.02 * expected.std()
