"""Steps under way are counted once the device is done with them."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from rugged.core.errors import RunError
from rugged.engine import Loop, Position, make_fabric
from rugged.engine.steps import Steps, own_share


@pytest.fixture
def loop(tmp_path):
    return Loop(
        epochs=1, batch_size=4, images=8, seed=0, fabric=make_fabric("cpu"), modules={}, optimizers={},
        checkpoint=tmp_path / "checkpoint",
    )  # fmt: skip


def on_a_device(*figures):
    """Figures on a device that works by itself, as a GPU does."""
    return SimpleNamespace(device=SimpleNamespace(type="other"), tolist=lambda: list(figures))


def position(step):
    return Position(0, step)


def nothing(*_):
    """What to say of figures that are all finite."""
    raise AssertionError


def test_figures_of_a_step_are_read_while_the_device_is_at_the_next(loop):
    steps = Steps(loop, ("loss", "correct"))
    assert steps.push(position(0), np.arange(4), on_a_device(6.0, 3.0, 0.0), nothing) == "epoch 1/1"
    assert loop.totals == {}
    assert steps.push(position(1), np.arange(3), on_a_device(1.0, 2.0, 0.0), nothing) == "epoch 1/1  loss 1.5"
    assert loop.totals == {"loss": 6, "correct": 3, "images": 4}
    steps.settle(nothing)
    assert loop.totals == {"loss": 7, "correct": 5, "images": 7}


def test_a_cpu_has_done_its_step(loop):
    Steps(loop, ("loss",)).push(position(0), np.arange(4), torch.tensor([6.0, 0.0]), nothing)
    assert loop.totals == {"loss": 6, "images": 4}


def test_a_figure_that_is_not_finite_ends_the_run_with_the_trainers_words(loop):
    steps = Steps(loop, ("loss", "gate"))
    with pytest.raises(RunError, match=r"gate nan at 3 of \[5 7\]"):
        steps.push(
            position(3),
            np.array([5, 7]),
            torch.tensor([1.0, torch.nan, 0.0]),
            lambda at, batch, name, value: f"{name} {value} at {at.step} of {batch}",
        )
    assert "images" not in loop.totals


def test_a_signal_to_any_process_is_known_to_all(loop):
    steps = Steps(loop, ("loss",))
    steps.push(position(0), np.arange(4), torch.tensor([1.0, 0.0]), nothing)
    assert loop.agreed is None
    # The signal is another process's, as it seems: SIGTERM stands for it.
    steps.push(position(1), np.arange(4), torch.tensor([1.0, 2.0]), nothing)
    assert loop.agreed == 15


def test_every_image_of_a_batch_is_one_process_s():
    shares = [own_share(SimpleNamespace(global_rank=rank, world_size=3), np.arange(8)) for rank in range(3)]
    assert sorted(np.concatenate(shares)) == list(range(8))
    assert [len(share) for share in shares] == [3, 3, 2]


def test_a_row_says_how_fast_the_whole_epoch_went(loop):
    loop.count(loss=1.0, images=600.0, seconds=20.0, waiting=5.0)
    assert Steps(loop, ("loss",)).row(2, loss=0.5) == {
        "epoch": 3, "step": 6, "split": "train", "loss": 0.5,
        "images_per_second": 30.0, "seconds": 20.0, "waiting": 0.25,
    }  # fmt: skip
