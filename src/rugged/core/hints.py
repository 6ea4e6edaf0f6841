"""What a user may have meant by a name that is not known, and how to get what is missing."""

import difflib
from collections.abc import Collection, Sequence


def nearest(name: object, known: Collection[str], count: int = 1) -> list[str]:
    """The known names that a name looks most like, the nearest first: ``count`` at most, none where nothing is near."""
    return difflib.get_close_matches(str(name), list(known), n=count)


def did_you_mean(guesses: Sequence[str], otherwise: str = "") -> str:
    """A sentence that offers guesses, or ``otherwise`` where there are none."""
    return f"Did you mean {', '.join(guesses)}?" if guesses else otherwise


def suggest(name: object, known: Collection[str], all_are: str = "") -> str:
    """A sentence that offers the nearest known name in quotes.

    Args:
        name: What was given.
        known: What there is.
        all_are: Where nothing is near, words that lead to all known names, such as ``There are``; empty to say nothing.
    """
    every = f"{all_are}: {', '.join(known)}." if all_are else ""
    return did_you_mean([repr(guess) for guess in nearest(name, known)], every)


def no_such(what: str, name: object, known: Collection[str]) -> str:
    """Say that there is no such thing, what was perhaps meant, and all that there is."""
    sentences = (f"There is no {what} {name!r}.", suggest(name, known), f"There are: {', '.join(known)}.")
    return " ".join(filter(None, sentences))


def how_to_install(extra: str) -> str:
    """How to get the packages of an extra: not by the name of rugged, which the public index has of another project."""
    return f"In the clone of rugged: `make setup`, or pip install '.[{extra}]'"
