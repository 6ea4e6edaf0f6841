"""Checkpoints bring back every bit, and a damaged one says so."""

import pytest
import torch
from torch import nn

from rugged.core.errors import RunError
from rugged.engine.checkpoints import load_checkpoint, save_checkpoint


def make(seed, kind):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 36, 2))
    model = model.to(memory_format=torch.channels_last)
    options = {"momentum": 0.9, "nesterov": True} if kind is torch.optim.SGD else {}
    return model, kind(model.parameters(), lr=0.1, **options)


def learn(model, optimizer, seed):
    torch.manual_seed(seed)
    model(torch.randn(5, 3, 8, 8)).square().sum().backward()
    optimizer.step()
    optimizer.zero_grad()


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.AdamW])
def test_learning_goes_on_from_a_checkpoint_bit_for_bit(tmp_path, kind):
    path = tmp_path / "latest.safetensors"
    model, optimizer = make(1, kind)
    learn(model, optimizer, 2)
    save_checkpoint(path, {"m": model}, {"o": optimizer}, {"step": 1, "rows": [{"loss": 0.1}]})
    learn(model, optimizer, 3)

    other, other_optimizer = make(99, kind)
    assert load_checkpoint(path, {"m": other}, {"o": other_optimizer}) == {"step": 1, "rows": [{"loss": 0.1}]}
    for parameter, entries in other_optimizer.state.items():  # The fast kernels of optimizers want one layout.
        assert {value.stride() for value in entries.values() if value.ndim} == {parameter.stride()}
    learn(other, other_optimizer, 3)
    for (name, expected), found in zip(model.state_dict().items(), other.state_dict().values(), strict=True):
        assert torch.equal(expected, found), name


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"x" * len(data)]
)
def test_a_damaged_checkpoint_is_named(tmp_path, damage):
    path = tmp_path / "latest.safetensors"
    model, optimizer = make(1, torch.optim.SGD)
    save_checkpoint(path, {"m": model}, {"o": optimizer}, {})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(RunError, match=r"latest\.safetensors cannot be loaded"):
        load_checkpoint(path, {"m": model}, {"o": optimizer})


def test_a_checkpoint_of_another_model_is_named(tmp_path):
    path = tmp_path / "latest.safetensors"
    model, optimizer = make(1, torch.optim.SGD)
    save_checkpoint(path, {"m": model}, {"o": optimizer}, {})
    other = nn.Linear(2, 2)
    with pytest.raises(
        RunError, match=r"^The checkpoint .*latest\.safetensors holds .* another network .*\(Linear\)[^\n]*$"
    ):
        load_checkpoint(path, {"m": other}, {"o": torch.optim.SGD(other.parameters(), lr=0.1)})


def test_a_checkpoint_that_does_not_fit_into_memory_is_not_called_anothers(tmp_path, monkeypatch):
    path = tmp_path / "latest.safetensors"
    model, optimizer = make(1, torch.optim.SGD)
    save_checkpoint(path, {"m": model}, {"o": optimizer}, {})

    def fail(_):
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(model, "load_state_dict", fail)
    with pytest.raises(RunError, match=r"cannot be loaded \(out of memory\)"):
        load_checkpoint(path, {"m": model}, {"o": optimizer})
