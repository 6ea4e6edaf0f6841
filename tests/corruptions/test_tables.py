"""Look-ups in tables against NumPy's."""

import cv2
import numpy as np
import pytest
import torch

from rugged.corruptions import corrupt, tables
from rugged.corruptions.tables import index_type, look_up_bytes, look_up_halfwords

CPU = torch.device("cpu")
TYPES = [np.uint8, np.int32, np.float32]


@pytest.fixture
def old_opencv(monkeypatch):
    """OpenCV as it was up to version 4.12: it looks up bytes alone."""

    def of_bytes_alone(values, table):
        if values.dtype != np.uint8:
            raise cv2.error
        return original(values, table)

    original = cv2.LUT
    monkeypatch.setattr(tables.cv2, "LUT", of_bytes_alone)
    tables._knows_halfwords.cache_clear()
    yield
    tables._knows_halfwords.cache_clear()


@pytest.mark.parametrize("of", TYPES)
@pytest.mark.parametrize("shape", [(1,), (256,), (3, 5, 7), (2, 3, 40, 50)])
def test_bytes(of, shape):
    random = np.random.default_rng(0)
    table, levels = random.integers(0, 256, 256).astype(of), random.integers(0, 256, shape, dtype=np.uint8)
    np.testing.assert_array_equal(look_up_bytes(table, torch.from_numpy(levels)).numpy(), table[levels])


@pytest.mark.parametrize("type_", [torch.uint16, torch.int32])
@pytest.mark.parametrize("of", TYPES)
@pytest.mark.parametrize("shape", [(1,), (3, 5, 7), (256, 256)])
def test_halfwords(type_, of, shape):
    if type_ == torch.uint16 and index_type(CPU) != type_:
        pytest.skip("this OpenCV looks up bytes alone")
    random = np.random.default_rng(0)
    table, indices = (
        random.integers(0, 256, 1 << 16).astype(of),
        np.arange(np.prod(shape)).reshape(shape) * 7919 % 65536,
    )
    ours = look_up_halfwords(torch.from_numpy(table), torch.from_numpy(indices).to(type_))
    np.testing.assert_array_equal(ours.numpy(), table[indices])
    backwards = look_up_halfwords(torch.from_numpy(table), torch.from_numpy(indices).to(type_).movedim(0, -1))
    np.testing.assert_array_equal(backwards.numpy(), np.moveaxis(table[indices], 0, -1))


@pytest.mark.parametrize("name", ["gaussian_noise", "glass_blur", "snow", "frost", "spatter"])
def test_an_older_opencv_gives_the_same_bytes(request, name):
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 3, 64, 64), dtype=np.uint8))
    expected = corrupt(images, name, 3, textures="procedural")
    request.getfixturevalue("old_opencv")
    assert index_type(CPU) == torch.int32
    assert torch.equal(corrupt(images, name, 3, textures="procedural"), expected)


def test_a_gpu_is_given_what_pytorch_looks_up():
    assert index_type(torch.device("meta")) == torch.int32
