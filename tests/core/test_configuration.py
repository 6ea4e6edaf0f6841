"""TOML to frozen dataclasses and back."""

import contextlib
import shlex
from dataclasses import dataclass, field
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rugged.core.configuration import dump, from_plain, load
from rugged.core.errors import ConfigError


@dataclass(frozen=True)
class Inner:
    rate: float = 0.1
    kind: Literal["plain", "fancy"] = "plain"


@dataclass(frozen=True)
class Outer:
    name: str
    count: int = 3
    sure: bool = False
    maybe: float | None = None
    sizes: tuple[int, ...] = ()
    words: tuple[str, ...] = ()
    weights: dict[str, float] = field(default_factory=dict)
    inner: Inner = field(default_factory=Inner)

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError(f"count is {self.count}; it must not be negative.")


def read(text, *overrides):
    return load(Outer, text, source="test.toml", overrides=overrides)


def test_values_and_defaults():
    made = read('name = "a"\nsizes = [1, 2]\n[inner]\nrate = 2\n[weights]\nx = 1.5')
    assert made == Outer("a", sizes=(1, 2), inner=Inner(rate=2.0), weights={"x": 1.5})
    assert isinstance(made.inner.rate, float)


plain_text = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]))
outers = st.builds(
    Outer,
    name=plain_text,
    count=st.integers(0, 2**40),
    sure=st.booleans(),
    maybe=st.none() | st.floats(allow_nan=False),
    sizes=st.lists(st.integers(-5, 5)).map(tuple),
    weights=st.dictionaries(plain_text, st.floats(allow_nan=False)),
    inner=st.builds(Inner, rate=st.floats(allow_nan=False), kind=st.sampled_from(["plain", "fancy"])),
)


@given(outers)
def test_what_is_dumped_loads_the_same(value):
    assert load(Outer, dump(value), source="dumped") == value


@given(st.text())
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(ConfigError):
        assert read(text).name is not None


@given(st.text())
def test_any_override_is_taken_or_refused(text):
    with contextlib.suppress(ConfigError):
        read('name = "a"', text)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("count=7", Outer("a", count=7)),
        ("inner.rate=0.5", Outer("a", inner=Inner(rate=0.5))),
        ("inner.kind=fancy", Outer("a", inner=Inner(kind="fancy"))),
        ("name=bare words", Outer("bare words")),
        ('name="quoted"', Outer("quoted")),
        ("sizes=[3]", Outer("a", sizes=(3,))),
        ("sure=true", Outer("a", sure=True)),
        ("maybe=none", Outer("a")),
    ],
)
def test_overrides(override, expected):
    assert read('name = "a"', override) == expected


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("count=three", "--set count=three: count is 'three'; expected a whole number, as in --set count=3."),
        ("inner.rate=low", "--set inner.rate=low: inner.rate is 'low'; expected a number, as in --set inner.rate=0.1."),
        ("name=3", """--set name=3: name is 3; expected a string, as in --set 'name="3"'."""),
        ("words=fog", """--set words=fog: words is 'fog'; expected a list of strings, as in --set 'words=["fog"]'."""),
    ],
)
def test_a_wrong_assignment_is_quoted_beside_a_right_one(override, message):
    """The document is not to blame, and what an assignment takes is seen from an example that is taken."""
    with pytest.raises(ConfigError) as caught:
        read('name = "a"', override)
    assert str(caught.value) == message
    ((right,),) = [shlex.split(message.rpartition("--set ")[2].removesuffix("."))]
    assert read('name = "a"', right)


@pytest.mark.parametrize(
    ("text", "overrides", "parts"),
    [
        ("name = ", (), ["not valid TOML"]),
        ("count = 1", (), ["name is missing"]),
        ('name = "a"\ncuont = 1', (), ["unknown key 'cuont'", "Did you mean 'count'"]),
        ('name = "a"\n[inner]\nrat = 1', (), ["inner.rat", "'rate'"]),
        ('name = "a"', ("rate=1",), ["unknown key 'rate'", "Did you mean 'inner.rate'?"]),
        ('name = "a"\ncount = "x"', (), ["count is 'x'", "a whole number"]),
        ('name = "a"\ncount = true', (), ["count is True", "a whole number"]),
        ('name = "a"\ncount = 1.5', (), ["count is 1.5"]),
        ('name = "a"\nsizes = [1, "b"]', (), ["sizes[1] is 'b'"]),
        ('name = "a"\nsizes = 3', (), ["a list of whole numbers"]),
        ('name = "a"\n[inner]\nkind = "fansy"', (), ["plain, fancy", "'fancy'"]),
        ('name = "a"\ninner = 3', (), ["inner is 3", "a table of rate, kind"]),
        ('name = "a"', ("count",), ["key=value"]),
        ('name = "a"', ("name.x=1",), ["single value"]),
        ('name = "a"', ("count=-1",), ["test.toml --set count=-1: count is -1; it must not be negative"]),
        ('name = "a"\ncount = -1', ("name=b",), ["test.toml --set name=b: count is -1"]),
        ('name = "a"', ("inner.rat=1",), ["--set inner.rat=1: unknown key 'inner.rat'"]),
        ('name = "a"', ("inner.kind=fansy",), ["--set inner.kind=fansy: inner.kind is 'fansy'"]),
        ('name = "a"', ("sizes=[1,'b']",), ["--set sizes=[1,'b']: sizes[1] is 'b'; expected a whole number."]),
        ('name = "a"\ncount = "x"', ("inner.rate=1",), ["test.toml: count is 'x'; expected a whole number."]),
    ],
)
def test_refusals_name_the_place_and_the_way_out(text, overrides, parts):
    with pytest.raises(ConfigError) as caught:
        read(text, *overrides)
    for part in parts:
        assert part in str(caught.value)


@dataclass(frozen=True)
class Between:
    ends: tuple[float, float]
    all: tuple[float, ...] = ()


def test_a_tuple_of_two_has_two_values():
    assert from_plain(Between, {"ends": [0, 1], "all": [1, 2, 3]}, source="x") == Between((0, 1), (1, 2, 3))
    for values in ([], [1], [1, 2, 3]):
        with pytest.raises(ConfigError, match=f"ends has {len(values)} values; expected 2"):
            from_plain(Between, {"ends": values}, source="x")


def test_overrides_may_come_one_by_one():
    text = "ends = [0.0, 1.0]"
    assert load(Between, text, source="x", overrides=(f"all=[{each}]" for each in (1.0, 2.0))) == Between((0, 1), (2,))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ("a=1", r"this is a text\. Write \['a=1'\]\.$"),
        ({"a": 1, "b.c": "x"}, r"this is a dict\. Write \['a=1', 'b\.c=x'\]\.$"),
        ([("a", 1)], r"this is a list\. Write \['optimizer"),
        (None, r"this is a NoneType"),
    ],
)
def test_overrides_are_a_list_of_texts(overrides, message):
    with pytest.raises(ConfigError, match=r"^Overrides are a list of assignments, and " + message):
        load(Outer, "", source="test.toml", overrides=overrides)
