"""Keyed random bits: the same integers for an image on any device, whatever the batch it comes in.

Every image has a stream of its own: the counter-based generator Philox4x64-10 (Salmon et al. 2011), keyed by a hash
of what is being done to which image. Words are laid out as ``numpy.random.Philox(key=key, counter=0).random_raw``
lays them out, so that NumPy's compiled code makes them on the CPU and integer tensor arithmetic elsewhere.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

import numpy as np
import torch
from torch import Tensor

from rugged.corruptions.host import in_main_memory, send

STREAM_VERSION = 1
"""Raised whenever the same key would give other numbers. Part of every key, and recorded with results."""

_BLOCK = 4  # 64-bit words that Philox makes for one value of its counter
_ROUNDS = 10
_MULTIPLIERS = np.array([0xD2E7470EE14C6C93, 0xCA5A826395121157], dtype=np.uint64)
_WEYL = np.array([0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B], dtype=np.uint64)


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
    # All ids are written at once, one a line (JSON escapes line ends): four times as fast as one by one.
    lines = json.dumps(list(ids), separators=("\n", ":"))[1:-1].encode().split(b"\n")
    digests = bytearray()
    for line in lines[: len(ids)]:  # Of no ids there is one empty line.
        keyed = common.copy()
        keyed.update(line)
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
        make = numpy_words if in_main_memory(self.device) else torch_words
        words = make(self.keys, self._next_block, blocks, self.device)
        self._next_block += blocks
        return words[:, :count]

    def halfwords(self, count: int, dtype: torch.dtype) -> Tensor:
        """Return the next ``(N, count)`` whole numbers, uniform on 0 … 65535, as a type that holds them."""
        words = self.words(-(-count // 4)).contiguous()
        return words.view(torch.uint16)[:, :count].to(dtype)


def numpy_words(keys: np.ndarray, first_block: int, blocks: int, device: torch.device) -> Tensor:
    """Make ``(N, 4 * blocks)`` Philox words with NumPy, as int64 bit patterns, starting at a block of the counter."""
    words = np.empty((len(keys), _BLOCK * blocks), dtype=np.uint64)
    # To give a generator another state takes a fifth of the time of making another generator.
    generator = np.random.Philox(key=0, counter=first_block)
    state = generator.state
    for row, key in zip(words, keys, strict=True):
        state["state"]["key"] = key
        generator.state = state
        row[:] = generator.random_raw(row.size)
    return torch.from_numpy(words.view(np.int64)).to(device)


def torch_words(keys: np.ndarray, first_block: int, blocks: int, device: torch.device) -> Tensor:
    """Make the same words as ``numpy_words`` with integer tensor arithmetic on any device.

    A round of Philox takes the words c0 … c3 to ``high(c2) ^ c1 ^ key0, low(c2), high(c0) ^ c3 ^ key1, low(c0)``, the
    halves of two products. Here both products are one operation, and to save the copying their results stay where
    they were made: after each odd round c2 and c3 stand before c0 and c1, and the constants change places instead.
    """
    factors, round_keys = _factors(device), _round_keys(keys, device)
    # NumPy steps the counter before it makes a block: the first block has counter 1.
    counter = torch.arange(first_block + 1, first_block + blocks + 1, device=device).expand(len(keys), blocks)
    multiplied = torch.stack((counter, torch.zeros_like(counter)))  # c0 and c2
    added = torch.zeros_like(multiplied)  # c1 and c3
    for step in range(_ROUNDS):
        factor, upper, lower = factors[step % 2]
        high = _multiply_high(multiplied, factor, upper, lower)
        high[0].bitwise_xor_(added[1])
        high[1].bitwise_xor_(added[0])
        multiplied, added = high.bitwise_xor_(round_keys[step]), multiplied.mul_(factor)
    return torch.stack((multiplied[0], added[0], multiplied[1], added[1]), dim=-1).view(len(keys), -1)


def _multiply_high(values: Tensor, factor: Tensor, upper: Tensor, lower: Tensor) -> Tensor:
    """Return the upper 64 bits of the product of unsigned 64-bit integers held in int64, not one of which overflows.

    The halves are chosen signed, ``factor = 2^64 + upper * 2^32 + lower``, so that shifts round products down as they
    should, and nothing but the final sum passes 2^63; there, wrapping is right.
    """
    low, high = values & 0xFFFFFFFF, values >> 32
    middle = (low * lower).bitwise_right_shift_(32).addcmul_(high, lower).addcmul_(low, upper).bitwise_right_shift_(32)
    negative = values >> 63  # -1 where the integer is really 2^64 greater
    return middle.add_(values).addcmul_(high, upper).addcmul_(negative, factor, value=-1)


@lru_cache
def _factors(device: torch.device) -> Tensor:
    """Return both multipliers, their upper and lower halves, in both orders: ``(order, 3, multiplier, 1, 1)``."""
    whole = _MULTIPLIERS.view(np.int64)
    lower = whole << 32 >> 32
    ordered = np.stack((whole, (whole - lower) >> 32, lower))
    return torch.from_numpy(np.stack((ordered, ordered[:, ::-1]))).to(device)[..., None, None]


def _round_keys(keys: np.ndarray, device: torch.device) -> Tensor:
    """Return every round's key for every image, in the order in which its round has the products: ``(10, 2, N, 1)``."""
    both_orders = send(torch.from_numpy(np.stack((keys.T[::-1], keys.T)).view(np.int64)), device)
    return (both_orders[..., None] + _key_steps(device)).flatten(0, 1)


@lru_cache
def _key_steps(device: torch.device) -> Tensor:
    """Return what every round adds to both keys, rounds of either order side by side: ``(5, 2, 2, 1, 1)``."""
    steps = (np.arange(_ROUNDS, dtype=np.uint64)[:, None] * _WEYL).reshape(-1, 2, 2, 1, 1)
    steps[:, 0] = steps[:, 0, ::-1].copy()
    return torch.from_numpy(steps.view(np.int64)).to(device)
