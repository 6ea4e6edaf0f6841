"""Devices and precision are what was asked for, or refused."""

import pytest
import torch
from torch import nn

from rugged.core.errors import ConfigError
from rugged.engine import chunks, describe, devices, infer, make_fabric
from rugged.engine.devices import has_fast_bf16
from rugged.models import ModelSpec


def test_auto_takes_what_is_there():
    fabric = make_fabric("auto", "auto")
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert fabric.device.type == expected
    assert describe(fabric)["precision"] == ("bf16" if has_fast_bf16(expected) else "fp32")


def test_an_unknown_precision_is_refused_with_those_that_are():
    with pytest.raises(ConfigError, match="no precision 'float32'; expected auto, fp32"):
        make_fabric("cpu", "float32")


def test_a_mac_computes_on_its_cpu(monkeypatch):
    """Its GPU has no float64, in which the corruptions compute."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert make_fabric("auto").device.type == "cpu"
    with pytest.raises(ConfigError, match=r"no mps device here; found: cpu\."):
        make_fabric("mps")


def test_a_device_that_is_not_there_is_refused_with_those_that_are(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=r"no cuda device here; found: .*cpu"):
        make_fabric("cuda")


@pytest.mark.parametrize(("precision", "kind"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_products_are_computed_in_the_precision_asked_for(precision, kind):
    seen = []

    class Probe(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3 * 8 * 8, 2)

        def forward(self, images):
            logits = self.linear(images.flatten(1))
            seen.append(logits.dtype)
            return logits

    fabric = make_fabric("cpu", precision)
    assert describe(fabric)["precision"] == precision
    spec = ModelSpec("none", ("a", "b"), ("a", "b"), 8)
    logits = infer(fabric, Probe().eval(), spec, torch.zeros(4, 3, 8, 8, dtype=torch.uint8))
    assert seen == [kind]
    assert logits.dtype == torch.float32
    assert not logits.requires_grad


class Switches(nn.Module):
    """Answers with the switches as they are while it computes: one where TF32 is allowed."""

    def forward(self, images):
        allowed = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
        return torch.tensor(allowed).float().expand(len(images), 2)


def test_answers_are_in_the_precision_asked_for_whatever_else_is_made_and_leave_the_switches_as_they_are():
    spec = ModelSpec("timm/resnet10t", ("a", "b"), ("a", "b"), 8)
    exact, rounding = make_fabric("cpu", "fp32"), make_fabric("cpu", "bf16")

    def answer(fabric):
        return infer(fabric, Switches().eval(), spec, torch.zeros(1, 3, 8, 8, dtype=torch.uint8)).tolist()

    assert answer(exact) == [[0, 0]]
    assert (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32) == (True, True)
    make_fabric("cpu", "fp32")
    assert answer(rounding) == [[1, 1]]
    assert (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32) == (False, False)


@pytest.mark.parametrize(("fast", "precision", "notes"), [(False, "bf16", 1), (True, "bf16", 0), (False, "fp32", 0)])
def test_who_asks_for_emulated_bf16_is_told(monkeypatch, capsys, fast, precision, notes):
    monkeypatch.setattr(devices, "has_fast_bf16", lambda _device: fast)
    make_fabric("cpu", precision)
    assert capsys.readouterr().err.count("emulates bf16") == notes


@pytest.mark.parametrize("count", [0, 1, 249, 250, 251, 1000])
def test_chunks_cover_everything_once(count):
    covered = [index for chunk in chunks(count) for index in range(chunk.start, chunk.stop)]
    assert covered == list(range(count))
    assert all(chunk.stop - chunk.start <= 250 for chunk in chunks(count))


@pytest.mark.parametrize(("side", "largest"), [(32, 250), (224, 250), (600, 4), (900, 1)])
def test_large_inputs_are_answered_in_parts(side, largest):
    """A picture of 600 pixels a side is 7.2 of 224, each through a wider network: 250 / 7.2² are 4.86."""
    seen = []

    class Means(nn.Module):
        def forward(self, images):
            seen.append(len(images))
            return images.mean((2, 3))

    spec = ModelSpec("none", ("a", "b", "c"), ("a", "b", "c"), side, (0, 0, 0), (1, 1, 1))
    levels = torch.arange(9, dtype=torch.uint8) if side > 224 else torch.arange(250, dtype=torch.uint8)
    images = levels[:, None, None, None].expand(-1, 3, 2, 2)
    means = infer(make_fabric("cpu", "fp32"), Means(), spec, images)
    assert max(seen) == largest
    assert sum(seen) == len(images)
    torch.testing.assert_close(means, (levels / 255)[:, None].expand(-1, 3))
