"""A machine's share of the work."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import TypeVar

from rugged.core.environment import available_cores
from rugged.core.errors import ConfigError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shard:
    """One of ``of`` equal shares, counted from 1. The whole is ``Shard()``.

    Raises:
        ConfigError: The number is not one of 1 … ``of``.
    """

    number: int = 1
    of: int = 1

    def __post_init__(self) -> None:
        if not (isinstance(self.number, Integral) and isinstance(self.of, Integral) and 1 <= self.number <= self.of):
            raise ConfigError(_no_shard(str(self)))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def file_name(self) -> str:
        """As part of a file's name."""
        return f"{self.number}-of-{self.of}"

    def take(self, everything: Sequence[T]) -> list[T]:
        """Every ``of``-th, so that each share gets some of the cheap and some of the dear."""
        return list(everything[self.number - 1 :: self.of])

    def siblings(self) -> "list[Shard]":
        """All shares of this division, this one among them."""
        return [Shard(number, self.of) for number in range(1, self.of + 1)]


def choose_shard(text: str | None) -> Shard:
    """Read ``i/n``; without one, take the place that ``torchrun`` has given to this process, or everything.

    Raises:
        ConfigError: Not of this form, or i is not one of 1 … n.
    """
    if text is None:
        rank, world = os.environ.get("RANK"), os.environ.get("WORLD_SIZE")
        if not rank or not world:
            return Shard()
        if not (rank.isdecimal() and world.isdecimal() and int(rank) < int(world)):
            raise ConfigError(
                f"The environment has RANK={rank} and WORLD_SIZE={world}, as from torchrun; expected a rank from 0 up "
                "to and without the world's size. Unset both, or give --shard."
            )
        return Shard(int(rank) + 1, int(world))
    match = re.fullmatch(r"(\d+)/(\d+)", text, re.ASCII)
    if match is None:
        raise ConfigError(_no_shard(text))
    return Shard(int(match[1]), int(match[2]))


def check_shard(shard: object) -> None:
    """See that a share of the work is one, or None.

    Raises:
        ConfigError: It is something else.
    """
    if shard is not None and not isinstance(shard, Shard):
        raise ConfigError(f"The shard is {shard!r}; expected one such as Shard(2, 4).")


def _no_shard(text: str) -> str:
    return f"{text!r} is no shard; expected i/n with i from 1 to n, such as 2/4."


_WORTH_STARTING = 2**24
"""Pixels, those of 4,096 pictures of 64×64: one process corrupts about so many while others would start."""


def default_workers(pixels: int) -> int:
    """How many processes are to corrupt so many pixels, those of the same picture counted at each severity.

    Returns:
        1 for few; else the cores this process may use: under ``torchrun``, its part of the machine's.
    """
    if pixels < _WORTH_STARTING:
        return 1
    beside = os.environ.get("LOCAL_WORLD_SIZE", "1")
    return max(1, available_cores() // max(1, int(beside) if beside.isdecimal() else 1))
