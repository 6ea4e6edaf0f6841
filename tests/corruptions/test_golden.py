"""Replay against what the published code returned, pixel by pixel."""

from pathlib import Path

import numpy as np
import pytest

from rugged.core.catalogue import PRESETS
from rugged.corruptions import BENCHMARK, EXTRA, frost, replay, zoom
from rugged.corruptions.recurring import Recurring

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
SEEDS = {f"scene{n}": 1000 + n for n in range(1, 7)} | {f"val_{n}.JPEG": 2000 + n for n in range(4)}

CASES = [(name, False) for name in BENCHMARK + EXTRA] + [("zoom_blur", True), ("frost", True)]


@pytest.fixture(autouse=True)
def comes_again(request, monkeypatch):
    """Whether something is made for a size of pictures, as when it comes again and again, or each is done alone."""
    if "again" in request.fixturenames:
        often = 1 if request.getfixturevalue("again") else 10**9
        for module in (zoom, frost):
            monkeypatch.setattr(module, "_recurring", Recurring(often, 100))


def check(archive, name, textures):
    """Replay every golden picture of one corruption; at least 99.99% of values identical, all within one level."""
    keys = [key for key in archive.files if f"/{name}/" in key]
    assert keys
    for key in keys:
        preset, scene, _, severity = key.split("/")
        image, expected = archive[f"{preset}/{scene}/input"], archive[key]
        state = np.random.RandomState(SEEDS[scene])
        ours = replay(image, name, int(severity), preset=preset, random_state=state, textures=textures)
        assert not np.array_equal(expected, image), key
        assert np.abs(ours.astype(int) - expected).max() <= 1, key
        assert (ours == expected).mean() >= 0.9999, key


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(("name", "again"), CASES)
def test_made_pictures(preset, name, again, request):
    photographs = request.getfixturevalue("shared") / "data" / "frost" if name == "frost" else None
    with np.load(GOLDEN / f"{preset}.npz") as archive:
        check(archive, name, photographs)


@pytest.mark.parametrize(("name", "again"), CASES)
def test_real_pictures(shared, name, again):
    with np.load(shared / "golden" / "real_tiny64.npz") as archive:
        check(archive, name, shared / "data" / "frost")


def test_replay_draws_from_the_state_it_is_given():
    """Two calls in a row go on in one stream, as calls of the reference do."""
    image = np.full((8, 8, 3), 128, dtype=np.uint8)
    state, twin = np.random.RandomState(3), np.random.RandomState(3)
    first = replay(image, "gaussian_noise", 1, preset="tiny64", random_state=state)
    second = replay(image, "gaussian_noise", 1, preset="tiny64", random_state=state)
    for ours in (first, second):
        exact = np.clip(image / 255.0 + twin.normal(size=image.shape, scale=0.04), 0, 1) * 255
        np.testing.assert_array_equal(ours, exact.astype(np.uint8))
