"""Grad-CAM's layer is found in every kind of network."""

import pytest
import torch
from tests.explain.conftest import Linear, spec
from torch import nn

from rugged.core.errors import ModelError
from rugged.explain import Network, attribute, find_layer, is_empty
from rugged.models import ModelSpec, build


def network(architecture, side, seed=0):
    torch.manual_seed(seed)
    return Network(build(architecture, 10).eval(), ModelSpec(architecture, (), (), side))


@pytest.mark.parametrize(
    ("architecture", "side", "name", "map_side", "layout"),
    [
        ("torchvision/resnet18", 224, "layer4", 7, "channels first"),
        ("rugged/resnet18_64", 64, "layer4", 8, "channels first"),
        ("timm/resnet10t", 64, "layer2", 8, "channels first"),  # Later maps have 4 × 4 and 2 × 2.
        ("timm/resnet10t", 16, "maxpool", 4, "channels first"),  # None has 7 × 7: 8 does, before the pool.
        ("torchvision/squeezenet1_1", 224, "classifier.2", 13, "channels first"),
        ("torchvision/resnet50", 64, "layer2", 8, "channels first"),  # Not the first convolution of layer3.
        # The last block's other tokens are not read: the one before is the last that counts.
        ("timm/vit_tiny_patch16_224", 224, "blocks.10", 14, "tokens"),
        ("torchvision/vit_b_32", 224, "encoder.layers.encoder_layer_10", 7, "tokens"),
        ("timm/swin_tiny_patch4_window7_224", 224, "norm", 7, "channels last"),
    ],
)
def test_the_layer_is_the_deepest_with_a_map_of_seven(architecture, side, name, map_side, layout):
    made = network(architecture, side)
    if architecture == "timm/resnet10t" and side == 16:
        name, map_side = "act1", 8
    layer = find_layer(made)
    assert (layer.name, layer.side, layer.layout) == (name, map_side, layout)
    pictures = torch.randint(0, 256, (2, 3, 40, 30), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    maps = attribute(made, pictures, layer=layer)
    assert maps.shape == (2, 40, 30)
    assert not is_empty(maps).any()


def test_the_class_token_is_dropped_and_places_keep_theirs():
    """A token output whose value is its place: row 3, column 5 of 14 × 14 must come back there."""
    layer = find_layer(network("timm/vit_tiny_patch16_224", 224))
    tokens = torch.zeros(1, 197, 4)
    tokens[0, 1 + 3 * 14 + 5] = 1
    maps = layer.maps(tokens)
    assert maps.shape == (1, 4, 14, 14)
    assert maps[0, :, 3, 5].tolist() == [1] * 4
    assert maps.sum() == 4


def test_where_no_map_is_large_the_largest_is_taken():
    module = nn.Sequential(nn.Conv2d(3, 4, 4, 4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 2))
    layer = find_layer(Network(module, spec(16)))
    assert (layer.name, layer.side) == ("1", 4)


def test_a_layer_can_be_named_and_a_wrong_name_is_answered():
    made = network("timm/resnet10t", 64)
    assert find_layer(made, "layer3").side == 4
    with pytest.raises(
        ModelError, match=r"no layer 'layer9'\. Did you mean layer\d\? Layers with maps: .*layer2 \(8 × 8\)"
    ):
        find_layer(made, "layer9")
    with pytest.raises(ModelError, match="fc is a layer, but gives no map"):
        find_layer(made, "fc")


def test_a_network_without_maps_says_so():
    with pytest.raises(ModelError, match="no layer with a map"):
        find_layer(Network(Linear(torch.ones(3, 8, 8)), spec(8)))
