"""Numbers and names in sentences."""

import re

_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of writing."""


def counted(number: int, noun: str) -> str:
    """``1 sequence``, ``1,000 sequences``: for nouns whose plural ends in s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def harmless(text: str) -> str:
    """Text that cannot steer the terminal, or turn its line around: names come from whoever made the files."""
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text)
