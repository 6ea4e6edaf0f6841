"""Work that several processes share piece by piece: the first one gathers it, and they stop and fail together.

Objects travel between the processes as pickles: all were started by one command and run the same code, and no file is
read that way.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

from rugged.core.errors import ConfigError, Interrupted, RunError
from rugged.core.progress import Bar, progress
from rugged.core.stopping import StopRequest
from rugged.engine.devices import Fabric, by_the_first

Piece = TypeVar("Piece")
T = TypeVar("T")


def in_turn(
    fabric: Fabric,
    pieces: Sequence[Piece],
    work: Callable[[Piece], T],
    stop: StopRequest,
    done: Callable[[Sequence[Piece]], None] = lambda _: None,
) -> list[T]:
    """Work on pieces, each of which goes to the next process in turn; one process does all of them.

    Which process works on a piece changes nothing in its result, so any number of them gives what one does.

    Args:
        fabric: The processes.
        pieces: The same in all of them.
        work: Gives a piece's result, nothing of it on another device than the CPU.
        stop: Looked at before every piece.
        done: Told of the pieces that all processes together have finished.

    Returns:
        In the first process the results of all pieces, in their order; in the others nothing.

    Raises:
        Exception: What ``work`` raised, in the process where it did.
        RunError: It raised in another process.
        Interrupted: A signal came to any of the processes, and pieces are left undone; in all of them.
    """
    processes = fabric.world_size
    results: list[T] = []

    def work_through() -> bool:
        for start in range(0, len(pieces), processes):
            if stop.signal_number is not None:
                return False
            round_of_all = pieces[start : start + processes]
            results.extend(work(piece) for piece in round_of_all[fabric.global_rank :][:1])
            done(round_of_all)
        return True

    _together(fabric, work_through, stop)
    if processes == 1:
        return results
    shares: list[Any] | None = [None] * processes if fabric.is_global_zero else None
    torch.distributed.gather_object(results, shares)
    return [shares[index % processes][index // processes] for index in range(len(pieces))] if shares else []


def _together(fabric: Fabric, work: Callable[[], bool], stop: StopRequest) -> None:
    """Have all processes work; if one fails or stops before the end, all do. ``work`` tells whether it came there."""
    failure, finished = None, False
    try:
        finished = work()
    except Exception as error:  # Whatever it is, the others must not wait for this process.
        if fabric.world_size == 1:
            raise
        failure = error
    state = torch.tensor([failure is not None, not finished, stop.signal_number or 0], device=fabric.device)
    if fabric.world_size > 1:
        torch.distributed.all_reduce(state, torch.distributed.ReduceOp.MAX)
    failed, unfinished, signal_number = state.tolist()
    if failure is not None:
        raise failure
    if failed:
        raise RunError("Another process could not go on; it says why.")
    if unfinished:
        raise Interrupted("Stopped. Run the same command again to go on.", signal_number)


def shared_batch_size(fabric: Fabric, wanted: int, images: int) -> int:
    """Images of a batch, all processes together: those that are wanted, or all where there are fewer.

    Raises:
        ConfigError: Not even one for each process.
    """
    size = min(wanted, images)
    if size < fabric.world_size:
        raise ConfigError(f"{fabric.world_size} processes cannot share batches of {size}. Start fewer of them.")
    return size


def told_by_the_first(fabric: Fabric, work: Callable[[], T]) -> T:
    """What ``work`` returns in the first of several processes, in all of them; the others do not call it.

    Raises:
        Exception: What ``work`` raises, in the first process.
        RunError: It did, in the others.
    """
    told: list[Any] = [by_the_first(fabric, work)]
    if fabric.world_size > 1:
        torch.distributed.broadcast_object_list(told, 0)
    result: T = told[0]
    return result


@contextmanager
def shown_by_the_first(
    fabric: Fabric, description: str, total: int, unit: str = "images", done: int = 0
) -> Iterator[Bar]:
    """Show progress as ``rugged.core.progress.progress`` does, once for all processes."""
    if not fabric.is_global_zero:
        yield _NoBar()
        return
    with progress(description, total, unit, done) as bar:
        yield bar


class _NoBar:
    """Progress that nobody looks at."""

    def advance(self, count: int = 1, note: str | None = None) -> None:
        pass
