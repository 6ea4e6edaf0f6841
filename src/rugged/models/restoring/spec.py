"""What a restorer is and what it was trained against, kept in its file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from rugged.core.configuration import from_plain, to_plain
from rugged.core.errors import ConfigError, ModelError
from rugged.core.parsing import parse_json
from rugged.models.restoring.generator import Generator

FORMAT = 1
"""Of restorers' files. It grows when a reader of the one before would misunderstand or refuse what is written."""

_SPEC_KEY = "rugged.restorer"


@dataclass(frozen=True)
class RestorerSpec:
    """Everything needed to use a restorer besides its weights, and its ledger: what it has learned from.

    Attributes:
        width: Of the generator; see :class:`rugged.models.restoring.Generator`.
        blocks: Likewise.
        blocks_up: Likewise.
        dataset: Name of the data set or folder whose pictures it learned from.
        picture_size: Height and width of the pictures it was shown.
        corruptions: Names of the corruptions it was shown, in the catalogue's order; of folders of pairs, none.
        severities: Of these.
        preset: Table of the corruptions' parameters.
        losses: What it was trained by, a sentence each.
        content_model: The network in whose features pictures were compared; None for none.
    """

    width: int
    blocks: tuple[int, ...]
    blocks_up: tuple[int, ...]
    dataset: str = ""
    picture_size: tuple[int, ...] = ()
    corruptions: tuple[str, ...] = ()
    severities: tuple[int, ...] = ()
    preset: str | None = None
    losses: tuple[str, ...] = ()
    content_model: str | None = None

    def __post_init__(self) -> None:
        counts = (*self.blocks, *self.blocks_up)
        # The bounds keep a file of somebody's from asking for all the memory there is.
        if not (1 <= self.width <= 1024 and 1 <= len(self.blocks) <= 6 and all(0 <= each <= 100 for each in counts)):
            raise ValueError(f"width {self.width} and blocks {list(self.blocks)} make no network.")
        if len(self.blocks_up) != len(self.blocks) - 1:
            raise ValueError(
                f"blocks_up has {len(self.blocks_up)} numbers; expected {len(self.blocks) - 1}, one less than blocks."
            )


def make_restorer(spec: RestorerSpec) -> Generator:
    """The network that a specification describes, untrained: it gives back the pictures it gets."""
    return Generator(spec.width, spec.blocks, spec.blocks_up)


def to_metadata(spec: RestorerSpec) -> dict[str, str]:
    """A specification as a safetensors file's metadata carries it: strings by name."""
    return {_SPEC_KEY: json.dumps({"format": FORMAT, **to_plain(spec)}, sort_keys=True)}


def from_metadata(metadata: Mapping[str, str], source: str) -> RestorerSpec | None:
    """Read a specification back.

    Args:
        metadata: Of a safetensors file.
        source: The file, for messages.

    Returns:
        None where the file says nothing: it holds no restorer of rugged's.

    Raises:
        ModelError: Written by a later rugged, or damaged.
    """
    if _SPEC_KEY not in metadata:
        return None
    try:
        plain = parse_json(metadata[_SPEC_KEY])
        written = plain.pop("format", None) if isinstance(plain, dict) else None
        if written != FORMAT:
            raise ModelError(
                f"{source} is a restorer's file of format {written}; this rugged reads format {FORMAT}. "
                "It was written by another version: update rugged, or train the restorer again."
            )
        return from_plain(RestorerSpec, plain, source=source)
    except (ConfigError, ValueError) as error:
        raise ModelError(f"{source} has an unreadable specification of a restorer: {error}") from error
