"""An attack on clean pictures: what an adversary who knows the network makes of its accuracy."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rugged.benchmark.routes.route import Images
from rugged.benchmark.variants.base import Answer, Setting, TakePictures
from rugged.core.stopping import StopRequest
from rugged.corruptions.streams import Stream, stream_keys
from rugged.corruptions.uniform import uniform
from rugged.engine import Network, ascend

RADIUS, STEPS, STEP_SIZE = 4, 20, 1
"""In levels of 255: the radius that AdvProp trains with, and four times its steps."""

_AT_ONCE = 50
"""Pictures that are attacked together: what bounds the memory. Fixed, as the size of batches always is."""


@dataclass(frozen=True)
class Attack:
    """A classifier that is shown clean pictures, each changed to mislead it.

    The pictures are changed at their own size and rounded to whole levels: they could be files. Each search begins at a
    place drawn from the picture's keyed stream.

    Source: Madry et al. 2018 (arXiv:1706.06083).
    """

    setting: Setting
    network: Network
    name: str = "pgd"
    clean_only: bool = True

    @property
    def how(self) -> str:
        """What was done."""
        return (
            f"Clean pictures attacked with the network's own gradients: every value may change by {RADIUS} of 255 "
            f"levels (L-inf), {STEPS} steps of {STEP_SIZE}, one random start (PGD, Madry et al. 2018). Stronger "
            "attacks find more errors: this bounds the accuracy under attack from above."
        )

    @property
    def facts(self) -> Mapping[str, Any]:
        """What answers depend on."""
        return {"radius": RADIUS, "steps": STEPS, "step_size": STEP_SIZE, "at_once": _AT_ONCE}

    @contextmanager
    def answering(self, pictures: TakePictures, images: Images, stop: StopRequest) -> Iterator[Answer]:  # noqa: ARG002
        """Answer for attacked pictures."""

        def answer(shown: Tensor, chunk: slice) -> Tensor:
            labels = torch.from_numpy(images.labels[chunk])
            return self.setting.subject.answer(self.attacked(shown, images.ids[chunk], labels))

        yield answer

    def attacked(self, images: Tensor, ids: tuple[str, ...], labels: Tensor) -> Tensor:
        """The worst pictures found near some.

        Args:
            images: ``(N, 3, H, W)`` uint8. Not modified.
            ids: Of the images.
            labels: ``(N,)`` int64.

        Returns:
            The same, every value within the radius.
        """
        parts = [slice(start, start + _AT_ONCE) for start in range(0, len(images), _AT_ONCE)]
        return torch.cat([self._search(images[part], ids[part], labels[part].to(images.device)) for part in parts])

    def _search(self, images: Tensor, ids: tuple[str, ...], labels: Tensor) -> Tensor:
        values = images.float()
        stream = Stream(stream_keys(self.name, 1, self.setting.seed, ids), images.device)
        start = uniform(stream, tuple(images.shape[1:])).sub_(0.5).mul_(2 * RADIUS).add_(values)
        with self.setting.fabric.autocast():
            found = ascend(self.network.logits, values, start, labels, steps=STEPS, step_size=STEP_SIZE, radius=RADIUS)
        return found.round().to(torch.uint8)


def make_attack(setting: Setting, stop: StopRequest) -> Attack:  # noqa: ARG001 - nothing is measured yet.
    """The attack on a classifier.

    Raises:
        ModelError: Nobody can look into it.
    """
    network = setting.network("pgd", "the network's gradients")
    network.module.requires_grad_(False)  # Those of the pictures are enough.
    return Attack(setting, network)
