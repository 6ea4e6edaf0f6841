"""The command as it was typed, for manifests."""

import shlex
import sys


def command_line() -> str:
    """The command line that started this process, quoted so that a shell reads it the same."""
    return shlex.join(["rugged", *sys.argv[1:]])
