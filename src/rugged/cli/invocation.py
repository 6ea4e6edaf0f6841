"""How this process was started: the command as it was typed, and which of torchrun's processes it is."""

import os
import shlex
import sys


def command_line() -> str:
    """The command line that started this process, quoted so that a shell reads it the same.

    Bytes of it that are no text, which a file's name may hold, are written as escapes.
    """
    return shlex.join(["rugged", *sys.argv[1:]]).encode("utf-8", "backslashreplace").decode("utf-8")


def is_first_process() -> bool:
    """Whether this process speaks for all: of torchrun's the first one does, and one alone always."""
    return os.environ.get("RANK", "0") == "0"
