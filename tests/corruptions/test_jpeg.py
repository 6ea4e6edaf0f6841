"""JPEG against Pillow: by the codec, as on a CPU, and computed, as on a GPU."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rugged.core.catalogue import PARAMETERS, PRESETS
from rugged.core.errors import CorruptionError
from rugged.corruptions import jpeg
from rugged.corruptions.jpeg import jpeg_compression

WAYS = ("codec", "computed")


def through(way, image, quality):
    """Compress one ``(H, W, 3)`` picture."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jpeg, "in_main_memory", lambda _: way == "codec")
        images = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None]
        return jpeg_compression(images, None, quality=quality)[0].permute(1, 2, 0).numpy()


def stored(image, quality):
    """Compress and decompress with Pillow."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def drawn(kind, height, width, seed):
    """Noise; black and white, which asks for more than a byte holds; and lines that change slowly."""
    random = np.random.default_rng(seed)
    noise = random.integers(0, 256, (height, width, 3))
    walk = np.cumsum(random.integers(-9, 10, (height, width, 3)), axis=1) + 128
    made = {"noise": noise, "extreme": (noise > 127) * 255, "smooth": walk.clip(0, 255)}
    return made[kind].astype(np.uint8)


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=40)
@given(
    st.sampled_from(("noise", "extreme", "smooth")),
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 100),
    st.integers(0, 2**32 - 1),
)
def test_jpeg_is_pillows(way, kind, height, width, quality, seed):
    image = drawn(kind, height, width, seed)
    np.testing.assert_array_equal(through(way, image, quality), stored(image, quality))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [(1, 1), (3, 4), (4, 5), (5, 3), (16, 17), (31, 33), (2, 64)])
def test_jpeg_at_the_edges_of_blocks(way, size):
    image = drawn("noise", *size, 0)
    np.testing.assert_array_equal(through(way, image, 30), stored(image, 30))


@pytest.mark.parametrize("way", WAYS)
def test_jpeg_is_pillows_at_published_qualities(way):
    wanted = {(one["quality"], PRESETS[preset]) for preset in PRESETS for one in PARAMETERS[preset]["jpeg_compression"]}
    for quality, side in sorted(wanted):
        for kind in ("noise", "smooth"):
            image = drawn(kind, side, side + 3, 0)
            np.testing.assert_array_equal(through(way, image, quality), stored(image, quality))


def test_jpeg_of_a_batch_is_that_of_each():
    images = [drawn(kind, 21, 34, seed) for seed, kind in enumerate(("noise", "extreme", "smooth"))]
    batch = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()
    for computed in (jpeg_compression(batch, None, quality=10), jpeg._computed(batch, 10)):
        for image, one in zip(images, computed, strict=True):
            np.testing.assert_array_equal(one.permute(1, 2, 0), stored(image, 10))


def test_jpeg_says_how_long_a_side_may_be():
    longest = torch.zeros(1, 3, 1, 65500, dtype=torch.uint8)
    assert not jpeg_compression(longest, None, quality=50).any()
    with pytest.raises(CorruptionError, match=r"at most 65500 pixels a side; these are 1 × 65501\."):
        jpeg_compression(torch.zeros(1, 3, 1, 65501, dtype=torch.uint8), None, quality=50)
