"""``python -m rugged`` is the same as ``rugged``."""

import signal
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line; before it is loaded and after it has ended, Ctrl-C ends the process without a word."""
    _nothing_to_save()
    from rugged.cli import main as run

    try:
        run()
    finally:
        _nothing_to_save()


def _nothing_to_save() -> None:
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # A shell's background jobs ignore it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    main()
