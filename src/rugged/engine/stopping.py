"""Stopping on request: Ctrl-C and SIGTERM are noted, and the loop stops where nothing is lost."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from rugged.core.progress import say


@dataclass
class StopRequest:
    """Whether a signal has asked for the end; ``signal_number`` is the first one that came."""

    signal_number: int | None = None


@contextmanager
def stop_on_signal() -> Iterator[StopRequest]:
    """Note SIGINT and SIGTERM in the block instead of dying of them; a second Ctrl-C stops at once."""
    request = StopRequest()

    def note(number: int, _frame: FrameType | None) -> None:
        if request.signal_number is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        request.signal_number = request.signal_number or number
        say("Stopping after this step and saving …")

    previous = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
