"""Pictures picked out of a batch on a device by decisions that were made on the CPU."""

from torch import Tensor

from rugged.corruptions.host import send


def take(images: Tensor, places: Tensor) -> Tensor:
    """Select pictures of a batch, in the order given.

    Args:
        images: ``(N, ...)``, of any type.
        places: ``(K,)`` int64, on the CPU.

    Returns:
        ``(K, ...)``, new memory.
    """
    return images.index_select(0, send(places, images.device))  # Bytes are indexed twenty times slower by brackets.
