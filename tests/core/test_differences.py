"""Records that differ, in words."""

from rugged.core.differences import differences


def test_what_differs_is_named_in_full():
    saved = {"seed": 0, "source": {"name": "a", "size": [8, 8]}, "severities": [1, 2], "counts": {"fog": 3}, "old": 1}
    wanted = {"seed": 0, "source": {"name": "b", "size": [8, 8]}, "severities": [1], "counts": {}, "new": "x"}
    assert differences(saved, wanted, ["counts"]) == [
        "new is not given there and x here",
        "old is 1 there and not given here",
        "severities is 1 2 there and 1 here",
        "source.name is a there and b here",
    ]
    assert differences(saved, saved) == []


def test_a_part_that_has_become_something_else_is_named():
    assert differences({"source": []}, {"source": {"name": "b"}}) == [
        "source is  there and not given here",
        "source.name is not given there and b here",
    ]
