"""The two ways of drawing, from keyed bits and from the reference's stream, must give pictures of the same kind."""

from pathlib import Path

import numpy as np
import pytest
import torch

from rugged.core.catalogue import ALL
from rugged.corruptions import corrupt, replay
from rugged.corruptions.registry import KERNELS

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
COUNT = 48


def traits(pictures, clean):
    """Four figures of each picture: how far from the clean one, how light, how varied, how rough."""
    pictures = pictures.astype(float)
    return np.stack(
        [
            np.abs(pictures - clean).mean((1, 2, 3)),
            pictures.mean((1, 2, 3)),
            pictures.std((1, 2, 3)),
            np.abs(np.diff(pictures, axis=2)).mean((1, 2, 3)),
        ]
    )


@pytest.mark.parametrize("severity", [1, 3, 5])
@pytest.mark.parametrize("name", [name for name in ALL if KERNELS[name].draw])
def test_keyed_pictures_are_like_replayed_ones(name, severity):
    """Means of 48 pictures each: apart by no more than their own spread explains, at 4.5 standard errors."""
    with np.load(GOLDEN / "tiny64.npz") as archive:
        clean = archive["tiny64/scene1/input"]
    batch = torch.from_numpy(clean).permute(2, 0, 1).expand(COUNT, -1, -1, -1)
    keyed = corrupt(batch, name, severity, preset="tiny64", seed=11, textures="procedural").permute(0, 2, 3, 1).numpy()
    state = np.random.RandomState(severity)
    replayed = np.stack(
        [
            replay(clean, name, severity, preset="tiny64", random_state=state, textures="procedural")
            for _ in range(COUNT)
        ]
    )
    ours, theirs = traits(keyed, clean), traits(replayed, clean)
    error = np.sqrt((ours.var(1, ddof=1) + theirs.var(1, ddof=1)) / COUNT)
    assert (np.abs(ours.mean(1) - theirs.mean(1)) <= 4.5 * error + 1e-9).all()
