"""Work on all cores: a process for each, since codecs and small tensor operations hold the interpreter lock."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

import cv2
import torch

from rugged.core.errors import Interrupted, RunError
from rugged.core.stopping import StopRequest

T = TypeVar("T")

_ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def work_on(
    items: Sequence[T], work: Callable[[T], object], workers: int, stop: StopRequest
) -> Generator[T, None, None]:
    """Do ``work`` for each item, and give each back once it is done.

    Args:
        items: The work, given out in this order; its ends come in any. They and ``work`` travel to the processes.
        work: What is done.
        workers: Processes, of one thread each. One alone works in this process.
        stop: Looked at before each item is given out; what was begun by then is finished.

    Raises:
        Interrupted: ``stop`` was requested; what was given back is done.
        RunError: A process ended of itself, or was ended.
        Exception: What ``work`` raises.
    """
    workers = min(workers, len(items))
    yield from _here(items, work, stop) if workers < 2 else _elsewhere(items, work, workers, stop)
    if stop.signal_number is not None:
        raise Interrupted("Stopped. Run the same command again to go on.", stop.signal_number)


def _here(items: Sequence[T], work: Callable[[T], object], stop: StopRequest) -> Iterator[T]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # On such small tensors threads would mostly wait for one another.
    try:
        for item in items:
            if stop.signal_number is not None:
                return
            work(item)
            yield item
    finally:
        torch.set_num_threads(threads)


def _elsewhere(
    items: Sequence[T], work: Callable[[T], object], workers: int, stop: StopRequest
) -> Generator[T, None, None]:
    waiting: dict[Future[None], T] = {}
    rest = iter(items)
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")  # A fork would share torch's threads in whatever state they are.
    pool = ProcessPoolExecutor(workers, context, _begin, (work,))
    try:
        with _for_children():
            for item in islice(rest, 2 * workers):
                waiting[pool.submit(_do, item)] = item
        while waiting:
            finished, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in finished:
                item = waiting.pop(future)
                future.result()
                yield item
            if stop.signal_number is None:
                for item in islice(rest, len(finished)):
                    waiting[pool.submit(_do, item)] = item
    except BrokenProcessPool as error:
        if stop.signal_number is None:  # Else the signal went to the whole group, and they obeyed at once.
            raise RunError(
                "A worker process ended before its work was done: stopped by somebody, or by the system for want of "
                "memory. What was finished is kept: run the same command again, perhaps with fewer --workers. In a "
                'script of your own, the call belongs under if __name__ == "__main__": since workers import the script.'
            ) from error
    finally:
        if waiting:  # An error, or a second Ctrl-C: nobody wants what is being done.
            for child in set(multiprocessing.active_children()) - before:
                child.kill()
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _for_children() -> Iterator[None]:
    """What child processes are to inherit: one thread each, and no Ctrl-C, which is for the parent to handle."""
    kept = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    if sys.platform != "win32":  # A child inherits what is blocked; on Windows it must ignore by itself.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


_work: Callable[[Any], object]


def _begin(work: Callable[[Any], object]) -> None:
    """Make a new process ready."""
    global _work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _work = work


def _end_with_parent() -> None:
    """End when the parent is gone, however that came: nobody would take what is made."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _do(item: Any) -> None:
    _work(item)
