"""Fetching ahead: the next batches are on their way while the device works on this one."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

Item = TypeVar("Item")
Fetched = TypeVar("Fetched")


@contextmanager
def ahead(
    items: Iterable[Item], fetch: Callable[[Item], Fetched], depth: int
) -> Iterator[Iterator[tuple[Item, Fetched]]]:
    """Iterate over items together with what is fetched for them, in their order.

    Args:
        items: Read from the thread that fetches.
        fetch: What takes time, mostly in other places than the interpreter.
        depth: Items that are fetched before they are asked for, by a thread of their own; 0 does without one.

    Raises:
        Exception: What ``fetch`` raised, when its item's turn comes.
    """
    if depth == 0:
        yield ((item, fetch(item)) for item in items)
        return
    results: queue.Queue[tuple[Item, Fetched] | BaseException | None] = queue.Queue(depth)
    stopped = threading.Event()

    def put(result: tuple[Item, Fetched] | BaseException | None) -> None:
        while not stopped.is_set():
            with suppress(queue.Full):
                results.put(result, timeout=0.1)
                return

    def work() -> None:
        try:
            for item in items:
                put((item, fetch(item)))
                if stopped.is_set():
                    return
            put(None)
        except BaseException as error:  # Whatever it is, it belongs to the one who asked.
            put(error)

    thread = threading.Thread(target=work, name="rugged-fetch", daemon=True)
    thread.start()
    try:
        yield _until_none(results)
    finally:
        stopped.set()
        thread.join()


def _until_none(results: "queue.Queue[tuple[Item, Fetched] | BaseException | None]") -> Iterator[tuple[Item, Fetched]]:
    while (result := results.get()) is not None:
        if isinstance(result, BaseException):
            raise result
        yield result
