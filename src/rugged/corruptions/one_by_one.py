"""Work of libraries that take one picture at a time, in main memory."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from rugged.core.environment import available_cores
from rugged.corruptions.host import in_main_memory


def one_by_one(work: Callable[[np.ndarray, np.ndarray], object], images: Tensor) -> Tensor:
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
    if in_main_memory(images):
        for picture, out in zip(pictures, result, strict=True):
            work(picture, out)
    else:
        with ThreadPoolExecutor(available_cores()) as pool:
            list(pool.map(work, pictures, result))  # A list, so that what went wrong in a thread is raised here.
    return torch.from_numpy(result).to(images.device)
