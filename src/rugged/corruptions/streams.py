"""Keyed random bits: the same integers for an image on any device, whatever the batch it comes in.

Every image has a stream of its own: the counter-based generator Philox4x64-10 (Salmon et al. 2011), keyed by a hash
of what is being done to which image. Words are laid out as ``numpy.random.Philox(key=key, counter=0).random_raw``
lays them out, so that NumPy's compiled code makes them on the CPU and integer tensor arithmetic elsewhere.
"""

import json
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import torch
from torch import Tensor

STREAM_VERSION = 1
"""Raised whenever the same key would give other numbers. Part of every key, and recorded with results."""

_BLOCK = 4  # 64-bit words that Philox makes for one value of its counter
_LOW = 0xFFFFFFFF
_MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
_WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)


def stream_keys(corruption: str, severity: int, seed: int, ids: Sequence[int | str]) -> np.ndarray:
    """Hash what is done to which image into Philox keys.

    Args:
        corruption: Name of the corruption.
        severity: 1 to 5.
        seed: Any integer.
        ids: One for each image. The integer 7 and the string ``"7"`` are different ids.

    Returns:
        ``(N, 2)`` uint64: 128 bits of BLAKE2b for each id.
    """
    # A JSON array ends where its bracket closes and what follows is the id alone, so no two inputs read alike.
    common = blake2b(json.dumps([STREAM_VERSION, seed, corruption, severity]).encode(), digest_size=16)
    digests = bytearray()
    for name in ids:
        keyed = common.copy()
        keyed.update(json.dumps(name).encode())
        digests += keyed.digest()
    return np.frombuffer(bytes(digests), dtype="<u8").astype(np.uint64).reshape(-1, 2)


class Stream:
    """Random bits for a batch of images, one independent stream each. Every request continues where the last ended.

    Args:
        keys: ``(N, 2)`` uint64, from ``stream_keys``.
        device: Where the bits are made and returned.
    """

    def __init__(self, keys: np.ndarray, device: torch.device) -> None:
        self.keys = keys
        self.device = device
        self._next_block = 0

    def words(self, count: int) -> Tensor:
        """Return the next ``(N, count)`` words of 64 bits, as int64 bit patterns."""
        blocks = -(-count // _BLOCK)
        make = numpy_words if self.device.type == "cpu" else torch_words
        words = make(self.keys, self._next_block, blocks, self.device)
        self._next_block += blocks
        return words[:, :count]

    def halfwords(self, count: int) -> Tensor:
        """Return the next ``(N, count)`` integers, int32, uniform on 0 … 65535."""
        words = self.words(-(-count // 4)).contiguous()
        return words.view(torch.int16)[:, :count].to(torch.int32).bitwise_and_(0xFFFF)


def numpy_words(keys: np.ndarray, first_block: int, blocks: int, device: torch.device) -> Tensor:
    """Make ``(N, 4 * blocks)`` Philox words with NumPy, as int64 bit patterns, starting at a block of the counter."""
    words = np.empty((len(keys), _BLOCK * blocks), dtype=np.uint64)
    for row, key in zip(words, keys, strict=True):
        row[:] = np.random.Philox(key=key, counter=first_block).random_raw(row.size)
    return torch.from_numpy(words.view(np.int64)).to(device)


def torch_words(keys: np.ndarray, first_block: int, blocks: int, device: torch.device) -> Tensor:
    """Make the same words as ``numpy_words`` with integer tensor arithmetic on any device."""
    key = torch.from_numpy(keys.view(np.int64)).to(device)
    key0, key1 = key[:, :1], key[:, 1:]
    # NumPy steps the counter before it makes a block: the first block has counter 1.
    counter = torch.arange(first_block + 1, first_block + blocks + 1, dtype=torch.int64, device=device)
    c0 = counter.expand(len(keys), blocks)
    c1 = c2 = c3 = torch.zeros_like(c0)
    for step in range(10):
        if step:
            key0, key1 = key0 + _signed(_WEYL[0]), key1 + _signed(_WEYL[1])
        high0, low0 = _multiply(c0, _MULTIPLIERS[0])
        high1, low1 = _multiply(c2, _MULTIPLIERS[1])
        c0, c1, c2, c3 = high1 ^ c1 ^ key0, low1, high0 ^ c3 ^ key1, low0
    return torch.stack((c0, c1, c2, c3), dim=-1).reshape(len(keys), _BLOCK * blocks)


def _multiply(values: Tensor, constant: int) -> tuple[Tensor, Tensor]:
    """Multiply unsigned 64-bit integers held in int64; return the upper and the lower 64 bits of the product."""
    low, high = values & _LOW, (values >> 32) & _LOW
    constant_low, constant_high = constant & _LOW, constant >> 32
    carry = (low * constant_low >> 32) & _LOW
    upper = high * constant_low + carry
    middle = low * constant_high + (upper & _LOW)
    product_high = high * constant_high + ((upper >> 32) & _LOW) + ((middle >> 32) & _LOW)
    return product_high, values * _signed(constant)


def _signed(bits: int) -> int:
    """Read 64 bits as a signed integer: tensors have no unsigned arithmetic, and two's complement wraps alike."""
    return bits - (1 << 64) if bits >> 63 else bits
