"""Work of libraries that take one picture at a time, in main memory."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch
from torch import Tensor

from rugged.core.environment import available_cores
from rugged.corruptions.host import in_main_memory

_SHARE = 1 << 17  # bytes of pictures that are worth a thread

Work = Callable[[np.ndarray, np.ndarray], object]


def one_by_one(work: Work, images: Tensor) -> Tensor:
    """Apply a function to each picture of a batch.

    Pictures on a CPU are worked on by the calling thread: how many cores are used is the caller's choice, who may run
    many workers. Pictures on another device are brought to main memory and back, and all cores work on them, since the
    device waits; OpenCV releases the interpreter's lock.

    Args:
        work: Takes one picture, of the shape of one of ``images``, and another such array to write its result to.
        images: ``(N, ...)`` uint8. Not modified.

    Returns:
        ``(N, ...)`` uint8 on the images' device, contiguous.
    """
    pictures = images.cpu().numpy()
    result = np.empty_like(pictures)
    shares = 1 if in_main_memory(images) else max(1, min(available_cores(), pictures.nbytes // _SHARE))
    if shares == 1:
        _each(work, pictures, result)
    else:
        with ThreadPoolExecutor(shares) as pool:
            parts = np.array_split(pictures, shares), np.array_split(result, shares)
            list(pool.map(partial(_each, work), *parts))  # A list, so that what went wrong in a thread is raised here.
    return torch.from_numpy(result).to(images.device)


def _each(work: Work, pictures: np.ndarray, results: np.ndarray) -> None:
    for picture, out in zip(pictures, results, strict=True):
        work(picture, out)
