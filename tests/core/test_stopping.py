"""A signal is noted and never forgotten, a second Ctrl-C is obeyed at once, and afterwards all is as before."""

import os
import signal
import threading

import pytest

from rugged.core.errors import Interrupted
from rugged.core.stopping import stop_on_signal


@pytest.mark.parametrize(("first", "later"), [(signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM)])
def test_the_first_signal_is_noted_and_never_forgotten(first, later):
    def work():
        with stop_on_signal() as stop:
            assert stop.signal_number is None
            signal.raise_signal(first)
            assert stop.signal_number == first
            signal.raise_signal(later)
            assert stop.signal_number == first

    with pytest.raises(Interrupted) as caught:
        work()
    assert caught.value.signal_number == first


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_after_a_signal_stops_at_once(first):
    def work():
        with stop_on_signal():
            signal.raise_signal(first)
            signal.raise_signal(signal.SIGINT)
            pytest.fail("the second was only noted")

    with pytest.raises(KeyboardInterrupt):
        work()


def test_an_error_of_the_work_is_not_hidden():
    def work():
        with stop_on_signal():
            signal.raise_signal(signal.SIGTERM)
            raise KeyError

    with pytest.raises(KeyError):
        work()


def test_the_handler_does_without_the_console(monkeypatch, capfd):
    def fail():
        pytest.fail("a handler that prints breaks the print it interrupts")

    monkeypatch.setattr("rugged.core.progress.console", fail)
    with pytest.raises(Interrupted), stop_on_signal():
        signal.raise_signal(signal.SIGTERM)
    assert capfd.readouterr().err.startswith("\nStopping")


def test_a_closed_standard_error_does_not_matter():
    kept = os.dup(2)
    os.close(2)
    try:
        with pytest.raises(Interrupted), stop_on_signal():
            signal.raise_signal(signal.SIGTERM)
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def test_handlers_are_put_back():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with stop_on_signal():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_outside_the_main_thread_work_goes_on_without_signals():
    noted = []

    def work():
        with stop_on_signal() as stop:
            noted.append(stop.signal_number)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert noted == [None]
