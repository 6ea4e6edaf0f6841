"""Frozen dataclasses to and from TOML, with ``--set`` overrides and helpful refusals.

The rule of the house: configuration is plain data, read and checked at the edge; the code that works never sees TOML.
A field may be a bool, int, float, str, ``Literal``, ``X | None``, ``tuple[X, ...]``, ``dict[str, X]`` or another such
dataclass.
"""

import dataclasses
import json
import shlex
import tomllib
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import tomli_w

from rugged.core.errors import ConfigError, RuggedError
from rugged.core.hints import did_you_mean, suggest
from rugged.core.parsing import parse_toml

T = TypeVar("T")

NONE = "none"
"""What stands for no value, where a field may be None: TOML has no null, and ``--set`` must be able to unset."""


def load(kind: type[T], text: str, *, source: str, overrides: Sequence[str] = ()) -> T:
    """Read TOML text into the frozen dataclass ``kind``.

    Args:
        kind: The dataclass to make.
        text: The TOML document.
        source: Where it came from, for messages.
        overrides: ``"a.b=value"`` assignments. The value is read as TOML; a bare word is a string.

    Raises:
        ConfigError: Not TOML, an unknown key (the nearest known one is named), a missing key or a wrong type; or
            overrides that are no list of texts.
    """
    overrides = _assignments(overrides)
    try:
        table = parse_toml(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source} is not valid TOML: {error}.") from error
    assigned = [(_assign(table, override), override) for override in overrides]
    made: T = _dataclass(kind, table, _Origin(source, assigned), "")
    return made


def from_plain(kind: type[T], table: Mapping[str, Any], *, source: str) -> T:
    """Make the dataclass ``kind`` from nested dicts and lists, as TOML and JSON give them, checking every value.

    Raises:
        ConfigError: As ``load``.
    """
    made: T = _dataclass(kind, table, _Origin(source, ()), "")
    return made


def _assignments(overrides: object) -> list[str]:
    if not isinstance(overrides, str | Mapping) and isinstance(overrides, Iterable):
        given = list(overrides)
        if all(isinstance(each, str) for each in given):
            return given
    if isinstance(overrides, str):
        shown = [overrides]
    elif isinstance(overrides, Mapping):
        shown = [f"{key}={value}" for key, value in overrides.items()]
    else:
        shown = ["optimizer.lr=0.05"]
    kind = "text" if isinstance(overrides, str) else type(overrides).__name__
    raise ConfigError(f"Overrides are a list of assignments, and this is a {kind}. Write {shown}.")


@dataclasses.dataclass(frozen=True)
class _Origin:
    """Where values came from, for messages: a document, and assignments to keys of it."""

    document: str
    assigned: Sequence[tuple[str, str]]

    def assignment(self, key: str) -> str | None:
        """The last assignment that gave the value of a key, if one did."""
        given = (text for name, text in reversed(self.assigned) if f"{key}.".startswith((f"{name}.", f"{name}[")))
        return next(given, None)

    def of(self, key: str) -> str:
        """What gave the value of a key."""
        text = self.assignment(key)
        return self.document if text is None else f"--set {text}"

    def of_table(self, prefix: str) -> str:
        """What gave the values of a table, whose keys begin so."""
        return " ".join([self.document, *(f"--set {text}" for name, text in self.assigned if name.startswith(prefix))])


def dump(value: Any) -> str:
    """Write a dataclass as TOML. Fields that are None are left out: TOML has no null."""
    return tomli_w.dumps(to_plain(value))


def to_plain(value: Any) -> Any:
    """The nested dicts and lists of a dataclass, without the fields that are None."""
    if dataclasses.is_dataclass(value):
        pairs = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {name: to_plain(item) for name, item in pairs if item is not None}
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    return value


def by_full_key(value: Any) -> dict[str, Any]:
    """The plain values of a dataclass by the keys that ``--set`` takes, such as ``optimizer.lr``, without None."""
    return dict(_leaves("", to_plain(value)))


def _leaves(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        yield prefix, value
        return
    for key, item in value.items():
        yield from _leaves(f"{prefix}.{key}" if prefix else key, item)


def _assign(table: dict[str, Any], override: str) -> str:
    """Carry out an assignment; give its key."""
    key, separator, literal = override.partition("=")
    if not separator or not key.strip():
        raise ConfigError(
            f"--set {override!r} is not an assignment; write it as key=value, e.g. --set optimizer.lr=0.1."
        )
    key = key.strip()
    *parents, last = key.split(".")
    for parent in parents:
        inner = table.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"--set {override!r}: {parent!r} is a single value, not a table.")
        table = inner
    table[last] = _literal(literal.strip())
    return key


def _literal(text: str) -> Any:
    try:
        return parse_toml(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _dataclass(kind: Any, table: Any, origin: _Origin, where: str) -> Any:
    if not isinstance(table, Mapping):
        raise ConfigError(f"{origin.document} holds {type(table).__name__}; expected {_describe(kind)}.")
    hints = get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key in table:
        if key not in fields:
            raise ConfigError(_unknown_key(kind, key, where, origin))
    missing = [name for name, field in fields.items() if name not in table and _is_required(field)]
    if missing:
        key = f"{where}{missing[0]}"
        raise ConfigError(f"{origin.document}: {key} is missing. Add it to the file, or pass --set {key}=…")
    values = {key: _convert(value, hints[key], origin, f"{where}{key}") for key, value in table.items()}
    try:
        return kind(**values)
    except (ValueError, RuggedError) as error:  # A dataclass refuses values that contradict each other.
        raise ConfigError(f"{origin.of_table(where)}: {error}") from error


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _unknown_key(kind: Any, key: str, where: str, origin: _Origin) -> str:
    names = _names(kind)
    known = [name for name in names if "." not in name]
    inner = [f"{where}{name}" for name in names if name.endswith(f".{key}")]
    advice = did_you_mean([repr(name) for name in inner]) if inner else suggest(key, known, "Known here")
    return f"{origin.of(f'{where}{key}')}: unknown key {f'{where}{key}'!r}. {advice}"


def _names(kind: Any) -> list[str]:
    """The fields of a dataclass, each followed by its own fields where it is a dataclass: ``optimizer.lr``."""
    hints = get_type_hints(kind)
    names = []
    for field in dataclasses.fields(kind):
        names.append(field.name)
        if dataclasses.is_dataclass(inner := _without_none(hints[field.name])):
            names += [f"{field.name}.{name}" for name in _names(inner)]
    return names


def _without_none(hint: Any) -> Any:
    """``X`` of ``X | None``."""
    if get_origin(hint) not in (Union, types.UnionType):
        return hint
    (inner,) = (option for option in get_args(hint) if option is not type(None))
    return inner


def _convert(value: Any, hint: Any, origin: _Origin, where: str) -> Any:
    """Check ``value`` against a type hint; an int is accepted where a float is wanted, nothing else is guessed."""
    outer = get_origin(hint)
    if (inner := _without_none(hint)) is not hint:
        return None if value is None or value == NONE else _convert(value, inner, origin, where)
    if outer is Literal:
        if value in get_args(hint):
            return value
        raise ConfigError(_unknown_choice(value, [str(option) for option in get_args(hint)], origin, where))
    if outer is tuple and isinstance(value, list):
        item_hint, *others = get_args(hint)
        if others != [...] and len(value) != 1 + len(others):
            raise ConfigError(f"{origin.of(where)}: {where} has {len(value)} values; expected {1 + len(others)}.")
        return tuple(_convert(item, item_hint, origin, f"{where}[{index}]") for index, item in enumerate(value))
    if outer is dict and isinstance(value, dict):
        item_hint = get_args(hint)[1]
        return {key: _convert(item, item_hint, origin, f"{where}.{key}") for key, item in value.items()}
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return _dataclass(hint, value, origin, f"{where}.")
    if hint is Any:
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    example = _example(value, hint) if origin.assignment(where) else ""
    shown = f", as in --set {shlex.quote(f'{where}={example}')}" if example and not where.endswith("]") else ""
    raise ConfigError(f"{origin.of(where)}: {where} is {value!r}; expected {_describe(hint)}{shown}.")


def _unknown_choice(value: Any, known: Sequence[str], origin: _Origin, where: str) -> str:
    found = f"{where} is {value!r}; expected one of {', '.join(known)}. {suggest(value, known)}"
    return f"{origin.of(where)}: {found}".rstrip()


_PLURALS = {bool: "true or false", int: "whole numbers", float: "numbers", str: "strings"}


def _describe(hint: Any) -> str:
    if get_origin(hint) is tuple:
        return f"a list of {_PLURALS.get(get_args(hint)[0], 'values')}"
    if dataclasses.is_dataclass(hint):
        return f"a table of {', '.join(field.name for field in dataclasses.fields(hint))}"
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a string"}
    return names.get(hint, "a table")


def _example(value: Any, hint: Any) -> str:
    """How a value of this kind is written in an assignment, near to the one given; empty for none."""
    if get_origin(hint) is tuple:
        item = _example(value, get_args(hint)[0])
        return f"[{item}]" if item else ""
    return json.dumps(str(value)) if hint is str else {bool: "true", int: "3", float: "0.1"}.get(hint, "")
