"""Randomness as a function of a run's seed and a position in it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def generators_given_back(device: torch.device) -> Iterator[None]:
    """Leave PyTorch's generators, the CPU's and the device's, as they were: they are the caller's."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        yield


def seed_step(seed: int, position: int, rank: int = 0) -> None:
    """Seed PyTorch's generators, CPU and GPU, for one step.

    Every step starts from randomness of its own, so a resumed run needs no generator state to draw the same.

    Args:
        seed: The run's.
        position: The step, from 0; -1 for what comes before the first (initial weights).
        rank: Of the process among those that share the step, each of which draws for its own images.
    """
    # Odd 64-bit constants spread neighbouring seeds, steps and ranks over the whole range of seeds.
    mixed = seed * 0x9E3779B97F4A7C15 + position * 0xD1342543DE82EF95 + rank * 0xAF251AF3B0F025B5
    torch.manual_seed(mixed % 2**63)
