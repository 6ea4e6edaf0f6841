"""JSON and TOML of others: what nests too deeply is as wrong as a missing bracket, and no crash of the parser."""

import json
import tomllib
from typing import Any

_TOO_DEEP = "it nests too deeply"


def parse_json(text: str | bytes) -> Any:
    """Read JSON.

    Raises:
        ValueError: It is none.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error


def parse_toml(text: str) -> dict[str, Any]:
    """Read TOML.

    Raises:
        tomllib.TOMLDecodeError: It is none.
    """
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise tomllib.TOMLDecodeError(_TOO_DEEP) from error
