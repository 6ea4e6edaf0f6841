"""Randomness as a function of a run's seed and a position in it."""

import torch


def seed_step(seed: int, position: int) -> None:
    """Seed PyTorch's generators, CPU and GPU, for one step.

    Every step starts from randomness of its own, so a resumed run needs no generator state to draw the same.

    Args:
        seed: The run's.
        position: The step, from 0; -1 for what comes before the first (initial weights).
    """
    # Odd 64-bit constants spread neighbouring seeds and steps over the whole range of seeds.
    torch.manual_seed((seed * 0x9E3779B97F4A7C15 + position * 0xD1342543DE82EF95) % 2**63)
