"""Uniform numbers against what their definition makes of NumPy's Philox."""

import math

import numpy as np
import pytest
import torch

from rugged.corruptions.streams import Stream, stream_keys
from rugged.corruptions.uniform import integers, signed_uniform, uniform

CPU = torch.device("cpu")
KEYS = stream_keys("fog", 1, 0, ["a", "b"])


def raw(key, words):
    return [int(word) for word in np.random.Philox(key=key, counter=0).random_raw(words)]


def halfwords(key, count):
    return [word >> shift & 0xFFFF for word in raw(key, -(-count // 4)) for shift in (0, 16, 32, 48)][:count]


class AllOnes:
    """A stream of nothing but ones: the largest that every number can become."""

    device = CPU

    def words(self, count):
        return torch.full((1, count), -1, dtype=torch.int64)

    def halfwords(self, count, dtype):
        return torch.full((1, count), 0xFFFF, dtype=dtype)


@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 4, 5)])
def test_fractions_are_those_of_16_bits(shape):
    numbers = uniform(Stream(KEYS, CPU), shape)
    assert numbers.shape == (2, *shape)
    assert numbers.dtype == torch.float32
    for row, key in zip(numbers.reshape(2, -1).tolist(), KEYS, strict=True):
        assert row == [(i + 0.5) / 65536 for i in halfwords(key, math.prod(shape))]


def test_fractions_are_never_0_or_1_and_spread_evenly():
    numbers = uniform(Stream(stream_keys("fog", 1, 0, range(16)), CPU), (1 << 16,)).double().flatten().numpy()
    assert 0 < numbers.min() < 1e-4
    assert 1 - 1e-4 < numbers.max() < 1
    ordered = np.sort(numbers)
    distance = np.abs(ordered - (np.arange(len(ordered)) + 0.5) / len(ordered)).max()
    assert distance * math.sqrt(len(ordered)) < 1.95  # exceeded once in a thousand
    assert uniform(AllOnes(), (2,)).max() < 1


def test_signed_numbers_are_the_same_on_both_sides_of_zero():
    keys = stream_keys("fog", 1, 0, range(16))
    ours, fractions = signed_uniform(Stream(keys, CPU), (1 << 14,)), uniform(Stream(keys, CPU), (1 << 14,))
    assert ours.dtype == torch.float32
    assert ours.double().tolist() == (fractions.double() * 2 - 1).tolist()


def test_integers_are_the_upper_31_bits():
    numbers = integers(Stream(KEYS, CPU), (3, 5))
    assert numbers.shape == (2, 3, 5)
    assert numbers.dtype == torch.int64
    for row, key in zip(numbers.view(2, -1).tolist(), KEYS, strict=True):
        assert row == [word >> 33 for word in raw(key, 15)]
    assert integers(AllOnes(), (3,)).tolist() == [[2**31 - 1] * 3]


def test_requests_go_on_in_the_stream():
    stream = Stream(KEYS, CPU)
    first, second = uniform(stream, (4,)), uniform(stream, (4,))
    both = [(i + 0.5) / 65536 for i in halfwords(KEYS[0], 32)]  # a request starts with a block of 16 halfwords
    assert first[0].tolist() == both[:4]
    assert second[0].tolist() == both[16:20]
