"""Numbers in sentences."""


def counted(number: int, noun: str) -> str:
    """``1 sequence``, ``1,000 sequences``: for nouns whose plural ends in s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
