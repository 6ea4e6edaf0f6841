"""A run's figures, epoch by epoch: ``metrics.csv``, and TensorBoard's events where they are wanted."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from rugged.core.errors import ConfigError
from rugged.core.files import write_text
from rugged.core.hints import how_to_install
from rugged.core.tables import csv_text

_COUNTERS = ("epoch", "step", "split")


class Log:
    """Writes finished epochs' figures.

    Args:
        table: The CSV file.
        columns: Its columns; what a row lacks of them stays empty.
        events: Folder of TensorBoard's events; None for none.

    Raises:
        ConfigError: Events are wanted, and TensorBoard is not installed.
    """

    def __init__(self, table: Path, columns: Sequence[str], events: Path | None = None) -> None:
        self._table = table
        self._columns = columns
        self._events = events
        if events is not None:
            _require_tensorboard()

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write the figures of all epochs so far, the last of which is new."""
        write_text(self._table, csv_text(self._columns, ([row.get(name) for name in self._columns] for row in rows)))
        if self._events is not None:
            _add_events(self._events, [row for row in rows if row["epoch"] == rows[-1]["epoch"]])


def _add_events(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    from torch.utils.tensorboard import SummaryWriter  # It takes a second to import, and few ask for it.

    with SummaryWriter(str(folder)) as writer:
        for row in rows:
            for name, value in row.items():
                if name not in _COUNTERS:
                    writer.add_scalar(f"{name}/{row['split']}", value, row["epoch"])


def _require_tensorboard() -> None:
    try:
        import_module("tensorboard")
    except ImportError as error:
        raise ConfigError(f"TensorBoard is not installed. {how_to_install('tensorboard')}.") from error
