"""Maps against theory, against Captum, and under everything that makes others' maps empty."""

import copy

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from scipy.stats import spearmanr
from tests.explain.conftest import Linear, Smooth, spec
from torch import nn
from torch.nn import functional

from rugged.core.errors import ConfigError, CorruptionError, ModelError
from rugged.data.builtin import draw
from rugged.explain import (
    METHODS,
    Network,
    attribute,
    depthwise_filters,
    drift,
    find_layer,
    find_layers,
    first_filters,
    is_empty,
    overlay,
)
from rugged.explain.activations import activations, layer_of_each_size
from rugged.explain.grad_cam import class_map
from rugged.explain.looking import undisturbed
from rugged.models import ModelSpec, preprocess

FIRST = torch.zeros(5, dtype=torch.int64)


def test_a_linear_networks_saliency_is_its_weights(pictures):
    weights = torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(2))
    maps = attribute(Network(Linear(weights), spec(32)), pictures, FIRST, "saliency")
    expected = (weights.abs().amax(0) / 255).expand(5, -1, -1)  # Pictures are in levels.
    torch.testing.assert_close(maps, expected)


def test_integrated_gradients_of_a_linear_network_are_weights_times_pixels(pictures):
    weights = torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(2))
    maps = attribute(Network(Linear(weights), spec(32)), pictures, FIRST, "integrated_gradients")
    torch.testing.assert_close(maps, (weights * pictures / 255).sum(1), rtol=1e-4, atol=1e-5)


def test_integrated_gradients_sum_to_the_difference_from_the_mean_colour(pictures):
    torch.manual_seed(0)
    network = Network(Smooth().eval(), ModelSpec("by hand", (), (), 32))  # ImageNet's mean and std.
    maps = attribute(network, pictures, FIRST, "integrated_gradients")
    with torch.no_grad():
        grey = torch.tensor(network.spec.mean).mul(255).view(1, 3, 1, 1).expand(5, 3, 32, 32)
        difference = (network.logits(pictures) - network.logits(grey))[:, 0]
    torch.testing.assert_close(maps.sum((1, 2)), difference, rtol=0.02, atol=1e-3)


def test_occlusion_peaks_at_the_only_pixel_that_counts(pictures):
    weights = torch.zeros(3, 32, 32)
    weights[:, 9, 22] = 1
    maps = attribute(Network(Linear(weights), spec(32)), pictures, FIRST, "occlusion")
    # Squares of 4 that move by 2: pixels that every square over (9, 22) covers are those of its own block of 2.
    for found, picture in zip(maps, pictures, strict=True):
        assert found.argmax() // 32 in (8, 9)
        assert found.argmax() % 32 in (22, 23)
        assert found.max() == pytest.approx(float(picture[:, 9, 22].float().sum() / 255), rel=1e-4)
        assert found[:6].abs().max() == 0


def test_grad_cam_is_captums_before_it_is_enlarged(smooth, pictures):
    layer = find_layer(smooth)
    assert (layer.name, layer.side) == ("features", 16)
    inputs = preprocess(pictures, smooth.spec)
    with undisturbed(smooth.module):
        found = class_map(smooth, inputs, FIRST, layer)
        expected = LayerGradCam(smooth.module, smooth.module.features).attribute(inputs, 0, relu_attributions=True)
    assert found.max() > 0
    torch.testing.assert_close(found, expected[:, 0].detach())


class Dot(nn.Module):
    """Convolutions of stride 2 that spread brightness, and its mean: each place looks up and left of its middle."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(*(nn.Conv2d(3 if n == 0 else 1, 1, 3, 2, 1, bias=False) for n in range(3)))
        for layer in self.layers:
            nn.init.ones_(layer.weight)

    def forward(self, images):
        score = self.layers(images).mean((1, 2, 3))
        return torch.stack([score, -score], 1)


@pytest.mark.parametrize("place", [(20, 20), (36, 25), (45, 44), (27, 38)])
def test_grad_cam_lies_where_the_layer_looks(place):
    picture = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    picture[:, :, place[0], place[1]] = 255
    network = Network(Dot(), spec(64))
    layer = find_layer(network)
    # Place i of the last layer looks at pixel 8 i, 3.5 above the middle of its share.
    assert layer.offset == pytest.approx((-3.5, -3.5), abs=0.2)
    found = attribute(network, picture, torch.tensor([0]))[0].double()
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    centre = [(found * axis).sum() / found.sum() for axis in (rows, columns)]
    assert centre == pytest.approx(place, abs=2)
    assert attribute(network, picture, torch.tensor([1])).max() == 0


def disturb_nothing(network):
    pass


def freeze(network):
    network.module.requires_grad_(False)


def train(network):
    network.module.train()


def half(network):
    network.module.bfloat16()


def channels_last(network):
    network.module.to(memory_format=torch.channels_last)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("disturb", [disturb_nothing, freeze, train, half, channels_last])
def test_maps_are_never_silently_empty(smooth, pictures, method, disturb):
    plain = attribute(smooth, pictures, FIRST, method)
    assert plain.shape == (5, 32, 32)
    assert plain.dtype == torch.float32
    assert not is_empty(plain).all()
    disturb(smooth)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        under_no_grad = attribute(smooth, pictures, FIRST, method)
    with torch.inference_mode():
        under_inference = attribute(smooth, pictures.clone(), FIRST.clone(), method)
    for found, expected in zip(under_no_grad.numpy(), plain.numpy(), strict=True):
        if disturb is half:  # The weights have changed by their last bits, and so have the ReLUs that are open.
            assert drift(found, expected) < 0.1
        else:
            np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
    torch.testing.assert_close(under_inference, under_no_grad)


@pytest.mark.parametrize("method", METHODS)
def test_a_network_is_left_as_it_was(smooth, pictures, method):
    smooth.module.train()
    smooth.module.features[0].weight.requires_grad_(False)
    before = copy.deepcopy(smooth.module.state_dict())
    attribute(smooth, pictures, method=method)
    assert all(torch.equal(value, before[name]) for name, value in smooth.module.state_dict().items())
    for module in smooth.module.modules():
        assert module.training
        assert not module._forward_hooks
        assert not module._backward_hooks
        assert not module._forward_pre_hooks
        assert not module._backward_pre_hooks
        assert not isinstance(module, nn.ReLU) or module.inplace
    assert all(parameter.grad is None for parameter in smooth.module.parameters())
    assert [each.requires_grad for each in smooth.module.parameters()].count(False) == 1


@pytest.mark.parametrize("method", METHODS)
def test_a_map_does_not_depend_on_the_other_pictures(smooth, pictures, method):
    together = attribute(smooth, pictures, FIRST, method)
    alone = torch.cat([attribute(smooth, pictures[n : n + 1], FIRST[:1], method) for n in range(5)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-3 * float(alone.abs().max()))


@pytest.mark.parametrize("method", METHODS)
def test_maps_have_the_pictures_size(smooth, method):
    odd = torch.randint(0, 256, (2, 3, 47, 21), dtype=torch.uint8)
    assert attribute(smooth, odd, method=method).shape == (2, 47, 21)
    assert attribute(smooth, odd[:0], method=method).shape == (0, 47, 21)


def test_without_targets_the_predicted_class_is_explained(smooth, pictures):
    with torch.no_grad():
        predicted = smooth.logits(pictures).argmax(1)
    assert torch.equal(attribute(smooth, pictures), attribute(smooth, pictures, predicted))


@pytest.mark.parametrize("method", ["saliency", "guided_backprop"])
def test_where_targets_are_given_the_network_is_not_asked_for_them(smooth, pictures, method):
    """One pass is all that these methods need; one picture more says how many classes there are."""
    seen = []
    smooth.module.register_forward_pre_hook(lambda _module, inputs: seen.append(len(inputs[0])))
    attribute(smooth, pictures, FIRST, method)
    assert sorted(seen) == [1, 5]


def test_columns_are_the_data_sets_classes(smooth, pictures):
    turned = Network(smooth.module, smooth.spec, [2, 0])
    assert torch.equal(attribute(turned, pictures, FIRST), attribute(smooth, pictures, FIRST + 2))


def test_guided_backprop_lets_only_positive_gradients_back():
    network = Network(nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(8, 2)), spec(2))
    with torch.no_grad():
        network.module[0].weight.copy_(torch.tensor([[1.0, 0, 0], [0, 1, 0]])[..., None, None])
        network.module[0].bias.zero_()
        network.module[3].weight.copy_(torch.tensor([[3.0, 3, 3, 3, -5, -5, -5, -5], [0] * 8]))
    pictures = torch.full((1, 3, 2, 2), 100, dtype=torch.uint8)
    target = torch.tensor([0])
    torch.testing.assert_close(attribute(network, pictures, target, "saliency"), torch.full((1, 2, 2), 5 / 255))
    torch.testing.assert_close(attribute(network, pictures, target, "guided_backprop"), torch.full((1, 2, 2), 3 / 255))


def test_what_cannot_be_explained_is_refused(smooth, pictures):
    with pytest.raises(ConfigError, match=r"no method 'grad_cm'.*grad_cam"):
        attribute(smooth, pictures, method="grad_cm")
    with pytest.raises(ConfigError, match="layer is for grad_cam"):
        attribute(smooth, pictures, method="saliency", layer="features")
    with pytest.raises(ConfigError, match="one whole number for each of 5"):
        attribute(smooth, pictures, FIRST[:2])
    with pytest.raises(ConfigError, match="3 classes, 0 to 2"):
        attribute(smooth, pictures, FIRST + 3)
    with pytest.raises(CorruptionError, match="uint8"):
        attribute(smooth, pictures.float())
    silu = Network(nn.Sequential(nn.Conv2d(3, 2, 2), nn.SiLU(), nn.Flatten(), nn.Linear(2, 2)), spec(2))
    with pytest.raises(ModelError, match="none as a layer"):
        attribute(silu, pictures, method="guided_backprop")


class Cut(Smooth):
    def forward(self, images):
        return super().forward(images.detach())


class CutLast(Smooth):
    def forward(self, images):
        return super().forward(images).detach()


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("module", [Cut, CutLast])
def test_networks_that_cut_gradients_off_say_so(module, frozen, pictures):
    cut = Network(module().requires_grad_(not frozen), spec(32))
    for method in METHODS:
        if method == "occlusion":
            assert attribute(cut, pictures, FIRST, method).abs().max() > 0
        else:
            with pytest.raises(ModelError, match="cuts the gradient off"):
                attribute(cut, pictures, method=method)
    layer_of_each_size(cut)  # Whatever there is to be drawn beside occlusion's maps.


def test_a_layer_that_the_pictures_gradient_does_not_reach_lies_as_it_is():
    class Beside(Cut):
        def forward(self, images):
            return super().forward(images) + images.mean((2, 3))

    assert find_layer(Network(Beside(), spec(32))).offset == (0, 0)


def test_networks_without_gradients_say_so(smooth, pictures):
    with torch.inference_mode():
        frozen = Network(Smooth().eval(), spec(32))
    with pytest.raises(ModelError, match=r"made under torch\.inference_mode"):
        attribute(frozen, pictures)
    nn.init.constant_(smooth.module.head.weight, float("nan"))
    with pytest.raises(ModelError, match="not finite"):
        attribute(smooth, pictures, FIRST, "saliency")


def test_empty_maps_are_told(pictures, capsys):
    network = Network(Dot(), spec(64))
    maps = attribute(network, pictures, FIRST + 1)
    assert is_empty(maps).all()
    assert "in 5 of 5 pictures nothing speaks for the class" in capsys.readouterr().err
    picture = pictures[0].permute(1, 2, 0).numpy()
    assert np.array_equal(overlay(picture, maps[0].numpy()), picture)


def learned_side(seed):
    """A network that has learnt, in a second, on which side a bright patch lies; and pictures of such patches."""
    torch.manual_seed(seed)
    levels = torch.randint(60, 120, (96, 3, 32, 32))
    labels = torch.arange(96) % 2
    for picture, label in zip(levels, labels, strict=True):
        row, column = int(torch.randint(4, 20, ())), int(torch.randint(2, 6, ())) + (16 if label else 0)
        stripes = torch.tensor([255, 0]).repeat(4)
        picture[:, row : row + 8, column : column + 8] = stripes[:, None] if label else stripes[None]
    module = Smooth(2)
    optimizer = torch.optim.Adam(module.parameters(), 1e-2)
    network = Network(module, spec(32))
    for _ in range(60):
        optimizer.zero_grad()
        functional.cross_entropy(network.logits(levels.float()), labels).backward()
        optimizer.step()
    module.eval()
    return network, levels.to(torch.uint8), labels


@pytest.mark.parametrize("method", ["saliency", "integrated_gradients", "grad_cam", "occlusion"])
def test_maps_change_when_weights_are_randomised(method):
    """The check of Adebayo et al. 2018: a map that stays the same tells of the picture, not of the network.

    Guided backprop is known not to pass it, and the guide says so.
    """
    network, images, labels = learned_side(0)
    with torch.no_grad():
        assert (network.logits(images).argmax(1) == labels).float().mean() > 0.95
    learnt = attribute(network, images[:16], labels[:16], method)
    torch.manual_seed(99)
    for layer in network.module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.reset_parameters()
    random = attribute(network, images[:16], labels[:16], method)
    pairs = zip(learnt.flatten(1), random.flatten(1), strict=True)
    correlations = [spearmanr(one, other).statistic for one, other in pairs if one.std() > 0 and other.std() > 0]
    assert abs(np.nanmean(correlations)) < 0.5 if correlations else is_empty(random).all()


def test_overlay_shows_the_highest_place_and_leaves_the_rest():
    picture = draw("val", "cup", 0)[0]
    heat = np.zeros((64, 64))
    heat[5, 7] = 3.0
    heat[9, 9] = -8.0
    shown = overlay(picture, heat)
    changed = np.argwhere((shown != picture).any(axis=2))
    assert changed.tolist() == [[5, 7]]
    with pytest.raises(ConfigError, match="same height and width"):
        overlay(picture, heat[:5])


def test_a_few_strong_pixels_leave_the_others_visible():
    picture, heat = draw("val", "cup", 0)[0], np.ones((64, 64))
    even = overlay(picture, heat)
    heat[20:24, 30] = 1000
    assert np.array_equal(overlay(picture, heat), even)


@pytest.mark.parametrize("wrong", ["runs/a/model.safetensors", nn.Flatten(), (nn.Flatten(), spec(8))])
def test_what_is_no_network_is_named(pictures, wrong):
    for ask in (
        lambda: attribute(wrong, pictures),
        lambda: find_layer(wrong),
        lambda: find_layers(wrong),
        lambda: activations(wrong, pictures, None),
    ):
        with pytest.raises(ModelError, match=rf"^The network is {type(wrong).__name__}; expected .*load_model\(path\)"):
            ask()


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([0] * 5, r"not list\. Write torch\.tensor\(targets\)\.$"),
        (1, r"not int\. Write torch\.full\(\(5,\), 1\)\.$"),
        (torch.zeros(5), r"whole number for each of 5 pictures, not \(5,\) of torch\.float32"),
        (torch.zeros(5, dtype=torch.bool), r"torch\.bool"),
        (torch.zeros(4, dtype=torch.int64), r"not \(4,\) of"),
    ],
)
def test_targets_are_a_tensor_of_classes(smooth, pictures, targets, message):
    with pytest.raises(ConfigError, match=message):
        attribute(smooth, pictures, targets)


def test_a_picture_of_floats_is_not_laid_under_a_map():
    heat = np.zeros((4, 4))
    for picture, found in ((np.zeros((4, 4, 3)), "float64"), ([], "list"), (torch.zeros(4, 4, 3), "torch.float32")):
        with pytest.raises(ConfigError, match=rf"^The picture is {found}; expected .*uint8.*\* 255"):
            overlay(picture, heat)
    assert overlay(np.zeros((4, 4, 3), np.uint8), torch.zeros(4, 4)).shape == (4, 4, 3)


@pytest.mark.parametrize("filters", [first_filters, depthwise_filters])
def test_filters_are_of_a_module(smooth, filters):
    filters(smooth.module)
    with pytest.raises(
        ModelError, match=r"^The module is Network; expected torch\.nn\.Module\. Give .* network\.module"
    ):
        filters(smooth)
