"""Progress of long work: a bar with the time left on a terminal, a line now and then in a log."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from rugged.core.wording import counted

_SECONDS_BETWEEN_LINES = 15.0

_console: Console | None = None


def console() -> Console:
    """The one console that everything but results is printed to: standard error."""
    global _console
    if _console is None:
        _console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
    return _console


def say(message: str) -> None:
    """Print one line to standard error, above a running bar if there is one."""
    console().print(message, markup=False)


class Bar(Protocol):
    """What ``progress`` gives to the work it watches."""

    def advance(self, count: int = 1, note: str | None = None) -> None:
        """Count ``count`` more units as done; ``note`` is shown beside the figures."""


@contextmanager
def progress(description: str, total: int | None, unit: str = "images", done: int = 0) -> Iterator[Bar]:
    """Show the progress of ``total`` units of work and the time left; a log is given the rate too.

    Args:
        description: What is being done, as a person would say it.
        total: Units in all; None where nobody knows before the end.
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
    def __init__(self, description: str, total: int | None, unit: str, done: int) -> None:
        self._description, self._total, self._unit = description, total, unit
        self._before = self._done = done
        self._note = ""
        self._started = self._last_line = time.monotonic()
        self._first: tuple[float, int] | None = None  # When the first piece was done, and how many units were then.

    def advance(self, count: int = 1, note: str | None = None) -> None:
        self._done += count
        self._first = self._first or (time.monotonic(), self._done)
        self._note = self._note if note is None else note
        if time.monotonic() - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            say(self._line())

    def finish(self) -> None:
        elapsed = time.monotonic() - self._started
        before = f" ({self._before:,} were done before)" if self._before else ""
        note = f"  {self._note}" if self._note else ""
        done = f"{counted(self._done - self._before, self._unit.removesuffix('s'))} in {format_seconds(elapsed)}"
        say(f"{self._description}: {done}{before}{note}")

    def _line(self) -> str:
        rate = self._rate()
        speed = "" if not rate else f", {rate:,.1f}/s" if rate < 9.95 else f", {rate:,.0f}/s"
        note = f"  {self._note}" if self._note else ""
        if self._total is None:
            return f"{self._description}: {counted(self._done, self._unit.removesuffix('s'))}{speed}{note}"
        left = f", {format_seconds((self._total - self._done) / rate)} left" if rate else ""
        share = f"{self._done / max(self._total, 1):.0%}"
        return f"{self._description}: {share} ({self._done:,}/{self._total:,} {self._unit}{speed}{left}){note}"

    def _rate(self) -> float:
        """Units a second since the first piece was done, which had waited for all that had to start; 0 until then."""
        when, done = self._first or (self._started, self._done)
        return (self._done - done) / max(time.monotonic() - when, 1e-9)


def format_seconds(seconds: float) -> str:
    """A duration as a person reads it: ``8.4 s``, ``3 min 05 s``, ``2 h 07 min``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
