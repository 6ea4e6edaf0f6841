"""Keyed bits against NumPy's Philox, the documented key, and the theory of uniform bits."""

import json
from hashlib import blake2b

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rugged.corruptions.streams import Stream, numpy_words, stream_keys, torch_words

CPU = torch.device("cpu")
WORD = st.integers(0, 2**64 - 1)


@pytest.mark.parametrize("make", [numpy_words, torch_words])
@settings(max_examples=50)
@given(st.lists(st.tuples(WORD, WORD), min_size=1, max_size=4), st.integers(0, 2**40), st.integers(1, 9))
def test_words_are_numpys(make, keys, first_block, blocks):
    keys = np.array(keys, dtype=np.uint64)
    words = make(keys, first_block, blocks, CPU).numpy().view(np.uint64)
    for row, key in zip(words, keys, strict=True):
        expected = np.random.Philox(key=key, counter=first_block).random_raw(4 * blocks)
        np.testing.assert_array_equal(row, expected)


def test_tensor_arithmetic_does_not_overflow():
    """In the second round of the first block the key itself is multiplied: here by all that lies at an edge."""
    edges = (0, 1, 2**31 - 1, 2**31, 2**32 - 1)
    words = [upper << 32 | lower for upper in edges for lower in edges]
    keys = np.array([(first, second) for first in words for second in words], dtype=np.uint64)
    ours = torch_words(keys, 0, 1, CPU).numpy().view(np.uint64)
    np.testing.assert_array_equal(ours, [np.random.Philox(key=key, counter=0).random_raw(4) for key in keys])


def test_words_are_laid_out_as_random_raw_from_counter_zero():
    keys = np.array([[1, 2], [2**64 - 1, 2**63]], dtype=np.uint64)
    words = numpy_words(keys, 0, 25, CPU).numpy().view(np.uint64)
    for row, key in zip(words, keys, strict=True):
        np.testing.assert_array_equal(row, np.random.Philox(key=key, counter=0).random_raw(100))


def test_requests_continue_at_the_next_block():
    keys = stream_keys("gaussian_noise", 1, 0, ["a"])
    stream = Stream(keys, CPU)
    taken = [stream.words(count).numpy().view(np.uint64)[0] for count in (5, 4, 1)]
    raw = np.random.Philox(key=keys[0], counter=0).random_raw(16)
    for words, start in zip(taken, (0, 8, 12), strict=True):
        np.testing.assert_array_equal(words, raw[start : start + len(words)])


@pytest.mark.parametrize("count", [1, 3, 4, 7, 1000])
def test_halfwords_are_the_words_from_the_lowest_bits_up(count):
    keys = stream_keys("gaussian_noise", 1, 0, ["a", "b"])
    halfwords = Stream(keys, CPU).halfwords(count, torch.int32).numpy()
    for row, key in zip(halfwords, keys, strict=True):
        words = [int(word) for word in np.random.Philox(key=key, counter=0).random_raw(-(-count // 4))]
        expected = [word >> shift & 0xFFFF for word in words for shift in (0, 16, 32, 48)]
        assert row.tolist() == expected[:count]


def test_keys_hash_the_documented_text():
    keys = stream_keys("gaussian_noise", 3, -7, ["n01/é", 12])
    for key, name in zip(keys, (b'"n01/\\u00e9"', b"12"), strict=True):
        digest = blake2b(b'[1, -7, "gaussian_noise", 3]' + name, digest_size=16).digest()
        assert [int(word) for word in key] == [
            int.from_bytes(digest[:8], "little"),
            int.from_bytes(digest[8:], "little"),
        ]


@given(st.lists(st.one_of(st.text(), st.integers())))
def test_a_key_depends_on_its_own_id_alone(ids):
    """Whatever the ids before and after it have in them, line ends and quotes among it."""
    common = json.dumps([1, 0, "fog", 2]).encode()
    expected = [blake2b(common + json.dumps(name).encode(), digest_size=16).digest() for name in ids]
    assert stream_keys("fog", 2, 0, ids).astype("<u8").tobytes() == b"".join(expected)


def test_nothing_that_differs_shares_a_key():
    asked = [
        (name, severity, seed, identity)
        for name in ("snow", "fog")
        for severity in (1, 2)
        for seed in (0, 1, 2**70, -1)
        for identity in (1, "1", "", '1"', "1,2", "\ud800")
    ]
    keys = {tuple(stream_keys(name, severity, seed, [identity])[0]) for name, severity, seed, identity in asked}
    assert len(keys) == len(asked)


def test_halfwords_are_uniform():
    halfwords = Stream(stream_keys("fog", 1, 0, range(16)), CPU).halfwords(1 << 16, torch.int32).numpy()
    counts = np.bincount(halfwords.ravel() >> 8, minlength=256)
    expected = halfwords.size / 256
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert abs(chi_square - 255) < 4 * np.sqrt(2 * 255)  # mean and standard deviation for 255 degrees of freedom
    for bit in range(16):
        ones = (halfwords >> bit & 1).sum()
        assert abs(ones - halfwords.size / 2) < 4.5 * np.sqrt(halfwords.size) / 2


def test_streams_of_different_ids_and_of_one_id_in_time_are_uncorrelated():
    halfwords = Stream(stream_keys("fog", 1, 0, range(32)), CPU).halfwords(1 << 14, torch.int32).numpy()
    correlation = np.corrcoef(halfwords.astype(np.float64))
    limit = 4.5 / np.sqrt(halfwords.shape[1])
    assert np.abs(correlation - np.eye(32)).max() < limit
    for row in halfwords.astype(np.float64):
        assert abs(np.corrcoef(row[:-1], row[1:])[0, 1]) < limit
