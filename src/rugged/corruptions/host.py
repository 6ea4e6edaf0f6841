"""Which tensors the libraries of the CPU can work on where they lie."""

from torch import Tensor, device


def in_main_memory(place: Tensor | device) -> bool:
    """Whether a tensor, or what is made on a device, lies in the memory that NumPy and OpenCV read.

    Kernels ask this where such a library is faster than PyTorch on a CPU. The other branch is what a GPU runs. It is
    right on a CPU too, and the tests hold both to the same bytes there.
    """
    return (place if isinstance(place, device) else place.device).type == "cpu"
