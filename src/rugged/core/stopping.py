"""Stopping on request: Ctrl-C and SIGTERM are noted, and the work stops where nothing is lost."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

from rugged.core.errors import Interrupted


@dataclass
class StopRequest:
    """Whether a signal has asked for the end; ``signal_number`` is the first one that came."""

    signal_number: int | None = None


@contextmanager
def stop_on_signal(
    notice: str = "Stopping as soon as what is finished is saved",
    ended: str = "Stopped; what was finished is saved. Run the same command again to go on.",
) -> Iterator[StopRequest]:
    """Note SIGINT and SIGTERM in the block instead of dying of them; a second Ctrl-C stops at once.

    Outside the main thread, where Python hands out no signals, the request stays empty.

    Args:
        notice: What to say when a signal comes.
        ended: What to say when the block has ended after that.

    Raises:
        Interrupted: A signal came and the block ended all the same: no request is forgotten.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def note(number: int, _frame: FrameType | None) -> None:
        if request.signal_number is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        request.signal_number = request.signal_number or number
        # A handler runs between any two instructions, perhaps in the middle of a print: it must not print itself.
        with suppress(OSError):
            os.write(2, f"\n{notice} ... (Ctrl-C again: at once)\n".encode())

    previous = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if request.signal_number is not None:
        raise Interrupted(ended, request.signal_number)
