"""How the process ends: every way out has one message and a status that tells scripts what happened."""

import errno
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from typer.core import TyperGroup

from rugged.cli.invocation import is_first_process
from rugged.core.errors import Interrupted, RuggedError
from rugged.core.files import NO_SPACE
from rugged.core.progress import say

# Paths that only the user can change. Any other error of the system that gets here is a defect of ours.
_USERS_TO_MEND = (errno.ENAMETOOLONG, errno.EACCES, errno.EPERM, errno.EROFS)


@contextmanager
def exits() -> Iterator[None]:
    """End the process with a message and a status that tells scripts what happened, instead of a traceback."""
    try:
        yield
        return
    except Interrupted as interruption:
        # Of several processes, which stop together, the first one says so.
        message = str(interruption) if is_first_process() else ""
        status = 128 + interruption.signal_number
    except RuggedError as error:
        message, status = f"Error: {error}", 1
    except KeyboardInterrupt:
        message, status = "Stopped. Run the same command again to go on.", 130
    except (BrokenPipeError, SystemExit) as ending:
        if isinstance(ending, SystemExit) and not isinstance(ending.__context__, BrokenPipeError):
            raise
        # Whoever read our output has gone (`rugged data info … | head`); rich makes its own exit of that.
        message, status = "", 141
        _close_output()
    except RuntimeError as error:
        if not str(error).startswith("Symlink loop"):  # What pathlib makes of ELOOP up to Python 3.12.
            raise
        message, status = f"Error: {error}.", 1
    except OSError as error:
        if error.errno in NO_SPACE:
            message = f"Error: Cannot write {error.filename or 'the output'}: the disk is full."
            _close_output()
        elif error.errno in _USERS_TO_MEND and error.filename is not None:
            message = f"Error: {error.filename}: {error.strerror}."
        else:
            raise
        status = 1
    if message:
        say(message)
    sys.exit(status)


def _close_output() -> None:
    """Let what is still to be flushed when the process ends go nowhere: it would only fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Commands(TyperGroup):
    """Typer's commands with our exits; its own are silent on Ctrl-C, and a closed pipe's status is 1."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Read the command line; ``--help`` and ``--version`` print here."""
        with exits():
            if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
                signal.signal(signal.SIGINT, signal.default_int_handler)  # From here on Ctrl-C has our answer.
            return super().make_context(*args, **kwargs)

    def invoke(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command."""
        with exits():
            return super().invoke(*args, **kwargs)
