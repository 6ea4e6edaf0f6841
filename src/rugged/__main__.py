"""``python -m rugged`` is the same as ``rugged``."""

import os
import signal
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line; before it is loaded and after it has ended, Ctrl-C ends the process without a word."""
    _nothing_to_save()
    _open_closed_streams()
    from rugged.cli import main as run

    try:
        run()
    finally:
        _nothing_to_save()


def _nothing_to_save() -> None:
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # A shell's background jobs ignore it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _open_closed_streams() -> None:
    """Give a process that was started with streams closed, as some services are, what reads and keeps nothing.

    Python has None in their place, and the next file that is opened would get the output's number.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123 - for good.


if __name__ == "__main__":
    main()
