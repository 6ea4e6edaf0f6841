"""What a restorer is and what it was trained against, kept in its file."""

from collections.abc import Sequence
from dataclasses import dataclass

from rugged.core.errors import ModelError
from rugged.models.metadata import Entry
from rugged.models.restoring.generator import Generator


@dataclass(frozen=True)
class RestorerSpec:
    """Everything needed to use a restorer besides its weights, and its ledger: what it has learned from.

    Attributes:
        width: Channels of the generator at half of the picture's size; see :class:`rugged.models.restoring.Generator`.
        blocks: Its blocks at each level on the way down.
        blocks_up: Its blocks at each level on the way up.
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
        require_network(self.width, self.blocks, self.blocks_up)


def require_network(width: int, blocks: Sequence[int], blocks_up: Sequence[int]) -> None:
    """Refuse what makes no :class:`rugged.models.restoring.Generator`, or one that fits into no memory.

    Raises:
        ModelError: It does.
    """
    # The bounds keep a file of somebody's from asking for all the memory there is.
    if not (1 <= width <= 1024 and 1 <= len(blocks) <= 6 and all(0 <= each <= 100 for each in (*blocks, *blocks_up))):
        raise ModelError(
            f"width {width}, blocks {list(blocks)} and blocks_up {list(blocks_up)} make no network; expected a width "
            "from 1 to 1024, and 1 to 6 levels of 0 to 100 blocks."
        )
    if len(blocks_up) != len(blocks) - 1:
        raise ModelError(f"blocks_up has {len(blocks_up)} numbers; expected {len(blocks) - 1}, one less than blocks.")


def make_restorer(spec: RestorerSpec) -> Generator:
    """The network that a specification describes, untrained: it gives back the pictures it gets."""
    return Generator(spec.width, spec.blocks, spec.blocks_up)


_ENTRY = Entry("rugged.restorer", RestorerSpec, format=1, what="restorer")

to_metadata = _ENTRY.write
from_metadata = _ENTRY.read
