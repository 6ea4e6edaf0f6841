"""Processes do all the work once, and an end of any kind is told and leaves nobody behind."""

import multiprocessing
import os
import signal
import time

import pytest
import torch

from rugged.core.errors import Interrupted, RunError
from rugged.core.stopping import StopRequest, stop_on_signal
from rugged.data.corrupted.processes import work_on


@pytest.mark.parametrize("workers", [1, 2])
def test_every_item_is_done_once_and_all_is_as_before(workers, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, set())
    items = [f"{number}" for number in range(23)]
    assert sorted(work_on(items, int, workers, StopRequest())) == sorted(items)
    assert not multiprocessing.active_children()
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "OPENBLAS_NUM_THREADS" not in os.environ
    assert signal.pthread_sigmask(signal.SIG_BLOCK, set()) == mask


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_the_work_comes_through(workers):
    with pytest.raises(ValueError, match="'x'"):
        list(work_on(["1", "x", "2"], int, workers, StopRequest()))
    assert not multiprocessing.active_children()


def test_a_worker_that_dies_is_told():
    with pytest.raises(RunError, match="worker process ended before"):
        list(work_on([1, 1, 1], os._exit, 2, StopRequest()))
    assert not multiprocessing.active_children()


def test_what_was_begun_when_a_stop_is_asked_for_is_finished():
    stop = StopRequest()
    done = []

    def work():
        for item in work_on([0.001] * 50, time.sleep, 2, stop):
            done.append(item)
            stop.signal_number = signal.SIGTERM

    with pytest.raises(Interrupted) as caught:
        work()
    assert 1 <= len(done) <= 6
    assert caught.value.signal_number == signal.SIGTERM


def test_a_second_interrupt_does_not_wait_for_the_work():
    started = time.monotonic()

    def work():
        with stop_on_signal():
            for _ in work_on([0.0, 0.0, 300.0, 300.0], time.sleep, 2, StopRequest()):
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert time.monotonic() - started < 100
    assert not multiprocessing.active_children()


def test_working_alone_leaves_the_threads_as_they_were():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        inside = [torch.get_num_threads() for _ in work_on([1, 2], int, 1, StopRequest())]
        assert inside == [1, 1]
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
