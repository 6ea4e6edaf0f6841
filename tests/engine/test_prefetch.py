"""Fetching ahead keeps the order, hands on errors, and leaves no thread behind."""

import threading
import time

import pytest

from rugged.engine.prefetch import ahead


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_everything_comes_in_order(depth):
    with ahead(range(20), lambda item: item * item, depth) as fetched:
        assert list(fetched) == [(item, item * item) for item in range(20)]


def test_items_are_fetched_before_they_are_asked_for_but_no_more_than_depth():
    begun = []
    with ahead(range(20), begun.append, 2) as fetched:
        next(fetched)
        deadline = time.monotonic() + 5
        while len(begun) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        assert len(begun) == 4  # One is out, two wait, and one is at the door.


@pytest.mark.parametrize("depth", [0, 2])
def test_an_error_comes_when_its_item_does(depth):
    def fetch(item):
        if item == 3:
            raise OSError("gone")
        return item

    seen = []
    with ahead(range(9), fetch, depth) as fetched, pytest.raises(OSError, match="gone"):
        seen.extend(item for item, _ in fetched)
    assert seen == [0, 1, 2]


def test_leaving_early_leaves_no_thread():
    before = threading.active_count()
    with ahead(range(1000), lambda item: item, 2) as fetched:
        next(fetched)
    assert threading.active_count() == before
