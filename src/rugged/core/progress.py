"""Progress of long work: a bar with the time left on a terminal, a line now and then in a log."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

_SECONDS_BETWEEN_LINES = 15.0

_console: Console | None = None


def console() -> Console:
    """The one console that everything but results is printed to: standard error."""
    global _console
    if _console is None:
        _console = Console(stderr=True, highlight=False, soft_wrap=True)
    return _console


def say(message: str) -> None:
    """Print one line to standard error, above a running bar if there is one."""
    console().print(message, markup=False)


class Bar(Protocol):
    """What ``progress`` gives to the work it watches."""

    def advance(self, count: int = 1, note: str | None = None) -> None:
        """Count ``count`` more units as done; ``note`` is shown beside the figures."""


@contextmanager
def progress(description: str, total: int, unit: str = "images", done: int = 0) -> Iterator[Bar]:
    """Show the progress of ``total`` units of work and the time left; a log is given the rate too.

    Args:
        description: What is being done, as a person would say it.
        total: Units in all.
        unit: Name of a unit, in the plural.
        done: Units that were finished before (resumed work): they count as done, not towards the rate.
    """
    if console().is_terminal:
        with _rich_progress(unit) as display:
            yield _TerminalBar(display, display.add_task(description, total=total, completed=done, note=""))
    else:
        bar = _LogBar(description, total, unit, done)
        yield bar
        bar.finish()


def _rich_progress(unit: str) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.fields[note]}", style="dim"),
        console=console(),
    )


class _TerminalBar:
    def __init__(self, display: Progress, task: TaskID) -> None:
        self._display = display
        self._task = task

    def advance(self, count: int = 1, note: str | None = None) -> None:
        fields = {} if note is None else {"note": note}
        self._display.update(self._task, advance=count, **fields)  # type: ignore[arg-type]


class _LogBar:
    def __init__(self, description: str, total: int, unit: str, done: int) -> None:
        self._description, self._total, self._unit = description, total, unit
        self._before = self._done = done
        self._note = ""
        self._started = self._last_line = time.monotonic()

    def advance(self, count: int = 1, note: str | None = None) -> None:
        self._done += count
        self._note = self._note if note is None else note
        if time.monotonic() - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            say(self._line())

    def finish(self) -> None:
        elapsed = time.monotonic() - self._started
        before = f" ({self._before:,} were done before)" if self._before else ""
        note = f"  {self._note}" if self._note else ""
        done = f"{self._done - self._before:,} {self._unit} in {format_seconds(elapsed)}"
        say(f"{self._description}: {done}{before}{note}")

    def _line(self) -> str:
        rate = (self._done - self._before) / max(time.monotonic() - self._started, 1e-9)
        left = format_seconds((self._total - self._done) / rate) if rate > 0 else "?"
        share = f"{self._done / max(self._total, 1):.0%}"
        return (
            f"{self._description}: {share} ({self._done:,}/{self._total:,} {self._unit}, {rate:,.0f}/s, {left} left)"
            + (f"  {self._note}" if self._note else "")
        )


def format_seconds(seconds: float) -> str:
    """A duration as a person reads it: ``8.4 s``, ``3 min 05 s``, ``2 h 07 min``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
