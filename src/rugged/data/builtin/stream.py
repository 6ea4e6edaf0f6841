"""Random numbers for one picture, the same on every platform and with every version of NumPy."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


class Stream:
    """Uniform numbers keyed by a text.

    Only the raw bits of Philox 4x64-10 are read: they are a published function of the key, while NumPy may change
    how its distributions are made from them.

    Args:
        key: Any text. Different texts give independent streams.
    """

    def __init__(self, key: str) -> None:
        digest = hashlib.sha256(key.encode()).digest()
        self._bits = np.random.Philox(key=int.from_bytes(digest[:16], "little"))

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """Return a number in [low, high)."""
        return low + (high - low) * (int(self._bits.random_raw()) >> 11) * 2.0**-53

    def chance(self, probability: float) -> bool:
        """Return True with the given probability."""
        return self.uniform() < probability

    def sign(self) -> float:
        """Return -1 or 1."""
        return 1.0 if self.chance(0.5) else -1.0

    def integer(self, low: int, high: int) -> int:
        """Return a whole number from low to high, both included."""
        return low + int(self.uniform() * (high - low + 1))

    def choice(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        return options[self.integer(0, len(options) - 1)]

    def field(self, height: int, width: int) -> NDArray[np.float32]:
        """Return ``(height, width)`` numbers in [0, 1)."""
        raw = self._bits.random_raw(height * width)
        return ((raw >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)).reshape(height, width)
