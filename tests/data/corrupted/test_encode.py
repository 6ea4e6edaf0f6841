"""Files are those that Pillow would write and read."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from rugged.core.errors import DataError
from rugged.data.corrupted.encode import encode


def pictures(height, width):
    rng = np.random.default_rng(height * width)
    noise = rng.integers(0, 256, (3, height, width, 3), dtype=np.uint8)
    ramp = np.linspace(0, 255, height * width * 3).reshape(height, width, 3).astype(np.uint8)
    return np.concatenate([noise, ramp[None], np.full((1, height, width, 3), 77, np.uint8)])


@pytest.mark.parametrize("size", [(64, 64), (33, 70), (1, 1), (7, 16)])
def test_jpeg_is_byte_for_byte_what_pillow_writes(size):
    made = pictures(*size)
    found = [bytes(data) for data in encode(torch.from_numpy(made).permute(0, 3, 1, 2), "jpeg")]
    for pixels, data in zip(made, found, strict=True):
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "JPEG", quality=85, optimize=True)
        assert data == stream.getvalue()


@pytest.mark.parametrize("size", [(64, 64), (33, 70), (1, 1)])
def test_png_loses_nothing(size):
    made = pictures(*size)
    for pixels, data in zip(made, encode(torch.from_numpy(made).permute(0, 3, 1, 2), "png"), strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), pixels)


def test_what_the_codec_cannot_store_is_told():
    with pytest.raises(DataError, match="70000 x 1 cannot be stored as jpeg"):
        list(encode(torch.zeros(1, 3, 1, 70_000, dtype=torch.uint8), "jpeg"))
