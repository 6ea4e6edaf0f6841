"""Rows on their way to whoever writes them: counted, with progress, and stopped where a signal asks for it."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from rugged.core.errors import DataError, Interrupted
from rugged.core.progress import progress
from rugged.core.stopping import stop_on_signal
from rugged.core.wording import counted
from rugged.predict.stream import Row


class Watched:
    """Rows to be iterated over once.

    Args:
        rows: What passes.
        bar: Show progress on standard error.

    Attributes:
        total: Rows that have passed.
        bad: Those of them with an error.
    """

    def __init__(self, rows: Iterator[Row], *, bar: bool) -> None:
        self._rows = rows
        self._bar = bar
        self.total = self.bad = 0

    def __iter__(self) -> Iterator[Row]:
        with ExitStack() as stack:
            stop = stack.enter_context(stop_on_signal())
            bar = stack.enter_context(progress("Predicting", None, "pictures")) if self._bar else None
            for row in self._rows:
                if stop.signal_number is not None:
                    raise Interrupted(f"Stopped after {self.total:,} pictures.", stop.signal_number)
                self.total += 1
                self.bad += row.error is not None
                if bar is not None:
                    bar.advance()
                yield row

    def require_good(self, names: Sequence[str]) -> None:
        """Say at the end that some pictures could not be used.

        Args:
            names: Where they were looked for.

        Raises:
            DataError: So it is, or there was none.
        """
        if not self.total:
            raise DataError(f"There is no picture in {', '.join(names)}. Name files, folders with pictures, or lists.")
        if self.bad:
            rest = " The rest is done." if self.bad < self.total else ""
            raise DataError(
                f"{self.bad:,} of {counted(self.total, 'picture')} could not be used; the reasons stand above.{rest}"
            )
