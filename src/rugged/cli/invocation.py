"""The command as it was typed, for manifests."""

import shlex
import sys


def command_line() -> str:
    """The command line that started this process, quoted so that a shell reads it the same.

    Bytes of it that are no text, which a file's name may hold, are written as escapes.
    """
    return shlex.join(["rugged", *sys.argv[1:]]).encode("utf-8", "backslashreplace").decode("utf-8")
