"""What stands for a GPU refuses what a GPU refuses, and tells what one would be waited for."""

import pytest
import torch
from tests.stand_in import DEVICE, stand_in_device


def test_numbers_lie_behind_the_device():
    with stand_in_device():
        made = torch.zeros(2, 3, device=DEVICE)
        made[:, 1:] = torch.tensor([4.0, 5.0], device=DEVICE)
        made.view(6).add_(1)
        torch.add(made, made, out=made)
        assert made.device == DEVICE
        assert made.cpu().device.type == "cpu"
        assert made.tolist() == [[2, 10, 12], [2, 10, 12]]
        assert made.conj().real.sum() == 48


def test_without_gradients_tensors_move_as_well():
    with stand_in_device(), torch.inference_mode():
        there = torch.ones(2).to(DEVICE)
        assert there.device == (there.float() + there).device == DEVICE
        assert there.cpu().tolist() == [1, 1]


@pytest.mark.parametrize("mix", [torch.add, torch.minimum, lambda one, other: torch.cat((one, other))])
def test_tensors_of_two_places_do_not_mix(mix):
    here = torch.ones(2)
    with stand_in_device():
        there = here.to(DEVICE)
        assert torch.equal(mix(there, there).cpu(), mix(here, here))
        with pytest.raises(RuntimeError, match="same device"):
            mix(there, here)
        assert torch.equal((there + here.sum()).cpu(), torch.full((2,), 3.0))  # A single number goes along.


def test_numpy_reads_the_cpu_alone():
    with stand_in_device(), pytest.raises(RuntimeError, match="numpy"):
        torch.ones(2, device=DEVICE).numpy()


def test_cuda_multiplies_no_matrices_of_integers():
    with stand_in_device():
        ones = torch.ones(2, 2, dtype=torch.int64, device=DEVICE)
        with pytest.raises(NotImplementedError, match=r"CUDA has none for torch\.int64"):
            ones @ ones
        assert (ones.double() @ ones.double()).sum() == 8


@pytest.mark.parametrize(
    ("work", "waits"),
    [
        (lambda there, here: there.sum().item(), 1),
        (lambda there, here: there.cpu(), 1),
        (lambda there, here: here.copy_(there), 1),
        (lambda there, here: here.to(DEVICE), 1),
        (lambda there, here: there[there > 0], 1),
        (lambda there, here: there[torch.tensor([0])], 1),
        (lambda there, here: torch.nonzero(there), 1),
        (lambda there, here: here.to(DEVICE, non_blocking=True), 0),
        (lambda there, here: there.to(torch.uint8), 0),
        (lambda there, here: torch.where(there > 0, there, 0).clamp_(max=1).copy_(there), 0),
        (lambda there, here: there[there.long().clamp(max=1)], 0),
        (lambda there, here: here.sum().item(), 0),
    ],
)
def test_what_the_cpu_waits_for_is_told(work, waits):
    here = torch.ones(2)
    with stand_in_device() as record:
        there = here.to(DEVICE)
        record.clear()
        work(there, here)
        assert len(record.waits) == waits


def test_what_is_launched_is_told():
    with stand_in_device() as record:
        there = torch.ones(2, 3).to(DEVICE)
        there.view(3, 2)[1:].t().add_(1).sum().item()
    assert record.launched == ["_to_copy", "add_", "sum"]
