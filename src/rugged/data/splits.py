"""Parts of a data set, chosen the same way every time.

By the hash of a picture's id, whatever the order, the container or the other pictures' pixels; or evenly over the
classes.
"""

from collections import defaultdict
from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from rugged.core.errors import DataError
from rugged.data.dataset import Split


def hash_key(picture_id: str, purpose: str) -> bytes:
    """A number, as 8 bytes, that looks random and depends on ``picture_id`` and ``purpose`` alone.

    Two purposes give unrelated orders, so that a held-out part and a development split do not overlap by design.
    """
    return blake2b(f"{purpose}\n{picture_id}".encode(), digest_size=8).digest()


def held_out(ids: Iterable[str], fraction: float) -> set[str]:
    """Choose the share of one class that becomes validation pictures.

    Ranks the ids by their hash and takes the first ``fraction`` of them, rounded, but at least one and never all;
    a class of one picture keeps it for training.

    Args:
        ids: The ids of one class.
        fraction: In (0, 1).
    """
    ranked = sorted(ids, key=lambda picture_id: hash_key(picture_id, "rugged holdout"))
    if len(ranked) < 2:
        return set()
    return set(ranked[: min(max(round(len(ranked) * fraction), 1), len(ranked) - 1)])


def require_training(train: Split) -> None:
    """See that there is something to learn from.

    Raises:
        DataError: The data set is one to be measured on alone.
    """
    if not len(train):
        raise DataError(
            "The data set has no training pictures: a model can be measured on it, not trained. Name one that has a "
            "folder train/ beside the validation pictures."
        )


def development_split(train: Split, per_class: int = 25) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Set apart training pictures to choose and to stop on, so that the validation split is read once, at the end.

    Of the same pictures always the same: what a model was not trained on, its temperature may be fitted on later.

    Args:
        train: The training split. Classes without a picture in it are passed over.
        per_class: Pictures of each class that go to the development split.

    Returns:
        Positions in ``train`` of the pictures to train on and of those for development, each in rising order.

    Raises:
        DataError: There are no training pictures, or a class has no more than ``per_class``, so none would be left.
    """
    require_training(train)
    members: dict[int, list[int]] = defaultdict(list)
    for position, label in enumerate(train.labels.tolist()):
        members[label].append(position)
    development = np.zeros(len(train), dtype=bool)
    smallest = min(members.values(), key=len, default=[])
    if smallest and len(smallest) <= per_class:
        name = train.ids[smallest[0]].split("/", 1)[0]
        raise DataError(
            f"A development split of {per_class} pictures a class leaves none to train on: class {name!r} has "
            f"{len(smallest)}. Ask for fewer pictures a class with --set development_per_class={len(smallest) // 5}, "
            f"or add pictures to the class."
        )
    for positions in members.values():
        positions.sort(key=lambda position: hash_key(train.ids[position], "rugged development 0"))
        development[positions[:per_class]] = True
    return np.flatnonzero(~development), np.flatnonzero(development)


def evenly(labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Choose images evenly over the classes: the first of each class, then the second of each, and so on.

    Where a round does not fit whole, its classes are taken evenly spaced.

    Args:
        labels: ``(N,)`` class of each image.
        count: How many; more than N gives all.

    Returns:
        Their positions, in rising order.
    """
    if count >= len(labels):
        return np.arange(len(labels))
    order = np.argsort(labels, kind="stable")
    round_of = np.empty(len(labels), np.int64)
    round_of[order] = np.arange(len(labels)) - np.searchsorted(labels[order], labels[order])
    last = np.sort(round_of)[count]  # The first round that does not fit whole.
    whole = np.flatnonzero(round_of < last)
    partial = np.flatnonzero(round_of == last)
    partial = partial[np.argsort(labels[partial])]
    spaced = partial[np.linspace(0, len(partial), count - len(whole), endpoint=False).astype(np.int64)]
    return np.sort(np.concatenate([whole, spaced]))
