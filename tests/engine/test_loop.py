"""The loop visits what it should, once, and goes on exactly where it stopped."""

import pytest
import torch
from torch import nn

from rugged.core.errors import Interrupted
from rugged.core.stopping import StopRequest
from rugged.engine import Loop, make_fabric, seed_step


class Recorder:
    """A run over ten images whose weight takes in every batch and the step's own randomness."""

    def __init__(self, folder, epochs=3, stop_after=None, stop_in_epoch=None, enough_after=None, fetched_ahead=0):
        self.model = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.model.weight)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1.0)
        self.seen, self.ended, self.stop_after, self.stop_in_epoch = [], [], stop_after, stop_in_epoch
        self.stop = StopRequest()
        self.enough_after, self.under_way = enough_after, []
        self.loop = Loop(
            epochs, 3, 10, 7, make_fabric("cpu", "fp32"), {"m": self.model}, {"o": self.optimizer},
            folder / "latest.safetensors", fetched_ahead,
        )  # fmt: skip

    def fetch(self, indices):
        return indices.tolist()

    def step(self, indices, batch, position):
        assert batch == indices.tolist()
        self.seen.append((position.epoch, position.step % self.loop.steps_per_epoch, indices.tolist()))
        with torch.no_grad():
            self.model.weight.mul_(1.01).add_(float(indices.sum()) + torch.rand(()))
        self.under_way.append(len(indices))
        if self.stop_after == position.step + 1:
            self.stop.signal_number = 15
        return ""

    def settle(self):
        self.loop.count(images=sum(self.under_way))
        self.under_way.clear()

    def is_enough(self):
        return self.enough_after is not None and len(self.loop.rows) >= self.enough_after

    def end_epoch(self, epoch):
        assert not self.under_way
        self.ended.append(epoch)
        self.loop.rows.append({"epoch": epoch, "images": self.loop.totals["images"]})
        if self.stop_in_epoch == epoch:
            self.stop.signal_number = 2

    def run(self):
        self.loop.run(self, self.stop)
        return self


def test_an_epoch_draws_whole_batches_without_repeats(tmp_path):
    recorder = Recorder(tmp_path).run()
    assert recorder.ended == [0, 1, 2]
    orders = []
    for epoch in range(3):
        batches = [indices for at, _, indices in recorder.seen if at == epoch]
        assert [len(batch) for batch in batches] == [3, 3, 3]
        drawn = [index for batch in batches for index in batch]
        assert len(set(drawn)) == 9
        assert set(drawn) <= set(range(10))
        orders.append(drawn)
    assert orders[0] != orders[1]


@pytest.mark.parametrize(
    ("when", "step", "number"),
    [({"stop_after": step}, step, 15) for step in range(1, 10)]
    + [({"stop_in_epoch": epoch}, 3 * epoch + 3, 2) for epoch in range(3)],
)
def test_a_stopped_run_ends_like_one_that_was_not(tmp_path, when, step, number):
    whole = Recorder(tmp_path / "whole").run()
    first = Recorder(tmp_path / "cut", **when)
    with pytest.raises(Interrupted, match=f"step {step} of 9") as caught:
        first.run()
    assert caught.value.signal_number == number
    second = Recorder(tmp_path / "cut").run()
    assert first.seen + second.seen == whole.seen
    assert first.ended + second.ended == whole.ended
    assert second.loop.rows == whole.loop.rows
    assert torch.equal(second.model.weight, whole.model.weight)


def test_a_finished_run_does_nothing_more(tmp_path):
    whole = Recorder(tmp_path).run()
    again = Recorder(tmp_path).run()
    assert not again.seen
    assert torch.equal(again.model.weight, whole.model.weight)


def test_fewer_images_than_a_batch_still_make_a_step(tmp_path):
    recorder = Recorder(tmp_path, epochs=1)
    recorder.loop.images = 2
    recorder.run()
    assert [sorted(indices) for _, _, indices in recorder.seen] == [[0, 1]]


def test_batches_fetched_ahead_are_the_same_ones(tmp_path):
    plain = Recorder(tmp_path / "plain").run()
    ahead = Recorder(tmp_path / "ahead", fetched_ahead=2).run()
    assert ahead.seen == plain.seen
    assert torch.equal(ahead.model.weight, plain.model.weight)


def test_enough_is_enough_and_stays_so_when_run_again(tmp_path):
    recorder = Recorder(tmp_path, epochs=9, enough_after=2).run()
    assert recorder.ended == [0, 1]
    again = Recorder(tmp_path, epochs=9, enough_after=2).run()
    assert not again.seen
    assert again.loop.rows == recorder.loop.rows


def test_totals_hold_what_the_running_epoch_counted(tmp_path):
    first = Recorder(tmp_path, stop_after=5)  # The second batch of the second epoch.
    with pytest.raises(Interrupted):
        first.run()
    second = Recorder(tmp_path).run()
    assert [row["images"] for row in second.loop.rows] == [9, 9, 9]


def test_what_keeps_half_precision_from_vanishing_goes_on_from_the_checkpoint(tmp_path):
    class Scaler:
        def __init__(self, scale):
            self.scale = scale

        def state_dict(self):
            return {"scale": self.scale}

        def load_state_dict(self, state):
            self.scale = state["scale"]

    recorders = [Recorder(tmp_path, stop_after=4), Recorder(tmp_path)]
    for recorder, scale in zip(recorders, (1024.0, 65536.0), strict=True):
        recorder.loop.fabric._precision.scaler = Scaler(scale)
    with pytest.raises(Interrupted):
        recorders[0].run()
    assert recorders[1].run().loop.fabric._precision.scaler.scale == 1024.0


def test_processes_draw_for_themselves_and_the_same_every_time():
    drawn = []
    for rank in (0, 1, 0):
        seed_step(3, 5, rank)
        drawn.append(torch.rand(4))
    assert torch.equal(drawn[0], drawn[2])
    assert not torch.equal(drawn[0], drawn[1])


def test_a_short_epoch_ends_early_and_the_next_one_draws_others(tmp_path):
    recorder = Recorder(tmp_path, epochs=6)
    recorder.loop.longest_epoch = 7
    recorder.run()
    assert recorder.loop.steps == 6 * 2  # Two batches of three fit into seven.
    drawn = [[i for epoch, _, batch in recorder.seen if epoch == wanted for i in batch] for wanted in range(6)]
    assert all(len(set(each)) == 6 for each in drawn)
    assert set().union(*drawn) == set(range(10))
