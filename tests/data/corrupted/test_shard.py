"""Shares are disjoint, make the whole, and come from the command line or from torchrun."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rugged.core.environment import available_cores
from rugged.core.errors import ConfigError
from rugged.data.corrupted.shard import Shard, choose_shard, default_workers


@given(st.lists(st.integers(), max_size=40, unique=True), st.integers(1, 9))
def test_shares_are_even_disjoint_and_make_the_whole(everything, of):
    shares = [shard.take(everything) for shard in Shard(1, of).siblings()]
    assert sorted(chain(*shares)) == sorted(everything)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_without_a_word_everything_is_one_share(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    assert choose_shard(None) == Shard(1, 1)
    assert choose_shard("2/5") == Shard(2, 5)


def test_torchrun_says_which_share_and_how_many_workers(monkeypatch):
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(10 * available_cores()))
    assert choose_shard(None) == Shard(3, 4)
    assert choose_shard("1/1") == Shard(1, 1)
    assert default_workers(10**9) == 1
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "1")
    assert default_workers(10**9) == available_cores()


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/0", "a/b", "-1/2", "1/2/3", ""])
def test_what_is_no_share_is_refused(text):
    with pytest.raises(ConfigError, match="expected i/n"):
        choose_shard(text)


@pytest.mark.parametrize(("number", "of"), [(0, 2), (3, 2), (1, 0), (-1, 2), (1.0, 2), (1, "2")])
def test_no_share_is_made_that_is_none(number, of):
    with pytest.raises(ConfigError, match="expected i/n"):
        Shard(number, of)


def test_few_pictures_are_not_worth_the_start_of_processes(monkeypatch):
    monkeypatch.setattr("rugged.data.corrupted.shard.available_cores", lambda: 16)
    assert default_workers(24 * 32 * 32) == 1
    assert default_workers(100_000 * 64 * 64) == 16
