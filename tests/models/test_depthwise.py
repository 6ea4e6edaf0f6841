"""A quicker gradient of depthwise convolutions changes nothing but the time it takes."""

import copy

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn

from rugged.models import build
from rugged.models.depthwise import quicken_depthwise

sides = st.tuples(st.integers(1, 6), st.integers(1, 6))


@given(
    maps=sides,
    kernel=sides,
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.tuples(st.integers(0, 5), st.integers(0, 5)),
    bias=st.booleans(),
)
def test_gradients_are_those_of_the_plain_convolution(maps, kernel, stride, padding, bias):
    assume(all(side + 2 * pad >= size for side, pad, size in zip(maps, padding, kernel, strict=True)))
    plain = nn.Conv2d(3, 3, kernel, stride, padding, groups=3, bias=bias, dtype=torch.float64)
    quick = copy.deepcopy(plain)
    quicken_depthwise(quick)
    found = []
    for layer in (plain, quick):
        torch.manual_seed(0)
        features = torch.randn(2, 3, *maps, dtype=torch.float64, requires_grad=True)
        answers = layer(features)
        answers.backward(torch.randn_like(answers))
        found.append([answers, features.grad, *(parameter.grad for parameter in layer.parameters())])
    for expected, gradient in zip(*found, strict=True):
        torch.testing.assert_close(gradient, expected)


def _took_the_quick_way(answers: torch.Tensor) -> bool:
    return type(answers.grad_fn).__name__ == "_DepthwiseBackward"


def test_only_half_precision_and_maps_smaller_than_the_kernel_go_another_way():
    layer = nn.Conv2d(4, 4, 5, padding=2, groups=4, bias=False)
    quicken_depthwise(layer)
    assert _took_the_quick_way(layer(torch.zeros(1, 4, 4, 5)))
    assert not _took_the_quick_way(layer(torch.zeros(1, 4, 5, 5)))
    small, striding = nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.Conv2d(4, 4, 3, stride=2, padding=1, groups=4)
    for each in (small, striding):
        quicken_depthwise(each)
    with torch.autocast("cpu", torch.bfloat16):
        assert _took_the_quick_way(layer(torch.zeros(1, 4, 5, 5)))
        assert _took_the_quick_way(striding(torch.zeros(1, 4, 5, 5)))
        assert not _took_the_quick_way(small(torch.zeros(1, 4, 5, 5)))


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 4, 5, padding=2),
        nn.Conv2d(4, 8, 5, padding=2, groups=4),
        nn.Conv2d(4, 4, 3, padding=2, dilation=2, groups=4),
        nn.Conv2d(4, 4, 5, padding="same", groups=4),
        nn.Conv2d(4, 4, 5, padding=2, padding_mode="circular", groups=4),
    ],
    ids=["dense", "multiplied", "dilated", "same", "circular"],
)
def test_other_convolutions_stay_as_they_are(layer):
    quicken_depthwise(layer)
    assert "forward" not in vars(layer)


def test_a_networks_gradients_are_the_same():
    torch.manual_seed(0)
    plain = build("timm/test_efficientnet", 5).double().train()
    quick = copy.deepcopy(plain)
    quicken_depthwise(quick)
    assert quick.state_dict().keys() == plain.state_dict().keys()
    images = torch.randn(4, 3, 32, 32, dtype=torch.float64)
    assert "_DepthwiseBackward" in _operations(quick(images).grad_fn)
    quick.load_state_dict(plain.state_dict())  # Running statistics moved.
    for model in (plain, quick):
        torch.manual_seed(1)  # Dropout's.
        model(images).square().sum().backward()
    for one, other in zip(quick.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def _operations(last: object) -> set[str]:
    """The names of all that leads to a result."""
    found, waiting = set(), [last]
    while waiting:
        operation = waiting.pop()
        if operation not in found and operation is not None:
            found.add(operation)
            waiting.extend(before for before, _ in operation.next_functions)
    return {type(operation).__name__ for operation in found}


@pytest.mark.parametrize(("side", "stride"), [(3, 1), (3, 2), (9, 1), (9, 2)])
def test_half_precision_is_summed_in_full(side, stride):
    """Answers in bf16 are the plain ones; gradients are nearer to the exact ones than bf16 holds."""
    torch.manual_seed(0)
    plain = nn.Conv2d(8, 8, 5, stride, padding=2, groups=8)
    exact, quick = copy.deepcopy(plain).double(), copy.deepcopy(plain)
    quicken_depthwise(quick)
    features = torch.randn(256, 8, side, side).bfloat16()
    found = {}
    for name, layer, numbers in (("exact", exact, features.double()), ("quick", quick, features)):
        given = numbers.detach().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=layer is quick):
            found[name] = layer(given)
        found[name].sum(dtype=torch.float64).backward()
        found[f"{name} of features"] = given.grad
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(found["quick"], plain(features), rtol=0, atol=0)
    torch.testing.assert_close(quick.weight.grad.double(), exact.weight.grad, rtol=1e-5, atol=1e-3)
    torch.testing.assert_close(quick.bias.grad.double(), exact.bias.grad)
    assert found["quick of features"].dtype == torch.bfloat16
    torch.testing.assert_close(found["quick of features"].double(), found["exact of features"], rtol=2**-8, atol=1e-6)


def test_a_copy_learns_for_itself():
    layer = nn.Conv2d(4, 4, 5, padding=2, groups=4)
    quicken_depthwise(layer)
    twin = copy.deepcopy(layer)
    twin(torch.ones(1, 4, 2, 2)).sum().backward()
    assert twin.weight.grad is not None
    assert layer.weight.grad is None
