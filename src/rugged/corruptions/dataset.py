"""Any PyTorch data set of pictures, corrupted."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor
from torch.utils.data import Dataset

from rugged.core.errors import CorruptionError
from rugged.corruptions.engine import corrupt
from rugged.corruptions.kinds import in_its_form
from rugged.corruptions.request import as_integer, check_ids, look_up
from rugged.corruptions.textures import Textures


class MapStyle(Protocol):
    """What has a length and samples by index; the first part of a sample is its picture."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


class CorruptedDataset(Dataset[tuple[Any, ...]]):
    """A data set whose pictures carry one corruption at one severity.

    The noise of a picture is a function of its index (or id), the seed and the corruption: workers, order and
    repetition do not change a byte.

    Args:
        dataset: Of samples ``(picture, label, …)``: PIL images, uint8 tensors ``(3, H, W)`` or arrays ``(H, W, 3)``,
            which come back as what they were. Its own transform must leave them so.
        name: One of ``rugged.corruptions.ALL``.
        severity: 1 (mild) to 5.
        seed: Another seed, other draws.
        preset: Table of parameters; ``None`` takes the one nearest to the pictures' size.
        textures: For frost, as for ``rugged.corrupt``.
        ids: What names each picture, in place of its index. With the ids of a data set of rugged's, ``<class>/<stem>``,
            the pictures are those of its benchmark.
        transform: Applied to the corrupted picture.

    Raises:
        CorruptionError: There is no such corruption, severity or preset; there are not as many ids as pictures; or, at
            a sample, what it holds is no picture.

    Example:
        >>> import torch
        >>> from torchvision.datasets import FakeData
        >>> from torchvision.transforms.v2.functional import pil_to_tensor
        >>> from rugged import CorruptedDataset
        >>> clean = FakeData(size=10, image_size=(3, 64, 64), num_classes=4)
        >>> noisy = CorruptedDataset(clean, "gaussian_noise", 3, transform=pil_to_tensor)
        >>> image, label = noisy[7]
        >>> again, _ = noisy[7]
        >>> torch.equal(image, again)
        True
        >>> len(torch.utils.data.DataLoader(noisy, batch_size=5))
        2
    """

    def __init__(
        self,
        dataset: MapStyle,
        name: str,
        severity: int,
        *,
        seed: int = 0,
        preset: str | None = None,
        textures: str | Path | Textures | None = None,
        ids: Sequence[int | str] | None = None,
        transform: Callable[[Any], Any] | None = None,
    ) -> None:
        _, parameters = look_up(name, severity, preset, (64, 64), textures)
        self.dataset = dataset
        self.name = name
        self.severity = severity
        self.seed = as_integer(seed, "seed")
        self.preset = preset
        self.textures = parameters.get("textures", textures)  # Found once, and not for every sample.
        self.ids = check_ids(ids, len(dataset))
        self.transform = transform

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        place = as_integer(index, "an index")
        if not -len(self) <= place < len(self):
            raise IndexError(f"There is no sample {index}: the data set has {len(self)}.")
        place %= len(self)
        sample = self.dataset[place]
        if not isinstance(sample, tuple | list):
            raise CorruptionError(
                f"Sample {place} is {type(sample).__name__}; expected (picture, label). Wrap the data set in one that "
                "gives such samples."
            )
        own = self.ids[place]

        def corrupted(images: Tensor) -> Tensor:
            return corrupt(
                images, self.name, self.severity,
                preset=self.preset, seed=self.seed, ids=[own] * len(images), textures=self.textures,
            )  # fmt: skip

        picture = in_its_form(sample[0], corrupted)
        return (picture if self.transform is None else self.transform(picture), *sample[1:])
