"""What a file of weights says of itself: a specification in its safetensors metadata."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from rugged.core.configuration import from_plain, to_plain
from rugged.core.errors import ConfigError, ModelError
from rugged.core.parsing import parse_json

Spec = TypeVar("Spec")


@dataclass(frozen=True)
class Entry(Generic[Spec]):
    """How specifications of a kind are written and read.

    Attributes:
        key: Of the entry in the metadata.
        kind: The dataclass of these specifications.
        format: It grows when a reader of the one before would misunderstand or refuse what is written.
        what: What such a file holds, for messages.
    """

    key: str
    kind: type[Spec]
    format: int
    what: str

    def write(self, spec: Spec) -> dict[str, str]:
        """A specification as a safetensors file's metadata carries it: strings by name."""
        # All in one entry: safetensors writes several in an order that changes, and files are compared by their hash.
        return {self.key: json.dumps({"format": self.format, **to_plain(spec)}, sort_keys=True)}

    def read(self, metadata: Mapping[str, str], source: str) -> Spec | None:
        """Read a specification back.

        Args:
            metadata: Of a safetensors file.
            source: The file, for messages.

        Returns:
            None where the file says nothing of the kind: it was not written by rugged, or holds something else.

        Raises:
            ModelError: Written by another version of rugged, or damaged.
        """
        if self.key not in metadata:
            return None
        try:
            plain = parse_json(metadata[self.key])
            written = plain.pop("format", 1) if isinstance(plain, dict) else 1  # The first files did not say.
            if written != self.format:
                raise ModelError(
                    f"{source} holds a {self.what} of format {written}; this rugged reads format {self.format}. "
                    f"It was written by another version: update rugged, or train the {self.what} again."
                )
            return from_plain(self.kind, plain, source=source)
        except (ConfigError, ValueError) as error:
            raise ModelError(f"{source} has an unreadable specification of a {self.what}: {error}") from error
