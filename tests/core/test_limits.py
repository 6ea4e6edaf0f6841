"""Numbers of a configuration lie in their range."""

from dataclasses import dataclass

import pytest

from rugged.core.errors import ConfigError
from rugged.core.limits import require_within


@dataclass(frozen=True)
class Inner:
    share: float | None


@dataclass(frozen=True)
class Outer:
    inner: Inner


@pytest.mark.parametrize("share", [0, 0.5, 1, None])
def test_ends_belong_to_the_range_and_none_is_not_looked_at(share):
    require_within(Outer(Inner(share)), {"inner.share": (0, 1)})


@pytest.mark.parametrize("share", [-1e-9, 1.01, float("nan"), float("inf")])
def test_what_is_outside_is_named(share):
    with pytest.raises(ConfigError, match=rf"inner.share is {share}; it must be from 0 to 1\."):
        require_within(Outer(Inner(share)), {"inner.share": (0, 1)})


@pytest.mark.parametrize("share", ["1", (1,), 1j])
def test_what_is_no_number_is_named(share):
    with pytest.raises(ConfigError, match=r"^inner\.share is .*; expected a number from 0 to 1\.$"):
        require_within(Outer(Inner(share)), {"inner.share": (0, 1)})


def test_a_dict_is_no_part():
    for given, found in (({"share": 1}, "dict"), (None, "NoneType")):
        with pytest.raises(ConfigError, match=rf"^inner is {found}; expected Inner, as in inner=Inner\(…\)\.$"):
            require_within(Outer(given), {"inner.share": (0, 1)})
