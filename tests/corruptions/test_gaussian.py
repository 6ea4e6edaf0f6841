"""The Gaussian filter beside SciPy's."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, maximum_filter, minimum_filter

from rugged.corruptions import gaussian
from rugged.corruptions.gaussian import filter_bytes, filter_planes, gaussian_weights

SIGMAS = (0.1, 0.25, 0.4, 0.5, 0.6, 0.7, 0.9, 1, 1.1, 1.5, 2, 3.5, 6.5)


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("truncate", [3, 4, 7])
def test_weights_are_scipys_but_for_the_last_bits_of_exp(sigma, truncate):
    weights = gaussian_weights(sigma, truncate)
    radius = int(truncate * sigma + 0.5)
    point = np.zeros(2 * radius + 1)
    point[radius] = 1
    np.testing.assert_allclose(weights, gaussian_filter(point, sigma, truncate=truncate), rtol=6e-16, atol=0)
    assert weights.dtype == np.float64
    assert weights.sum() == pytest.approx(1, abs=1e-15)


# From the centre outwards, as NumPy 1.23.5 and SciPy 1.9.3 make them on a processor with AVX-512.
PUBLISHED = {
    0.25: "0x1.ffa81e9405ee0p-1 0x1.5f85afe8486dcp-12",
    0.5: "0x1.92b965ef5aaefp-1 0x1.b405b9842b206p-4 0x1.14aebe6a24088p-12",
    0.7: "0x1.23c2d39adde1dp-1 0x1.a4a892b55c7f1p-3 0x1.3b3170a27df78p-7 0x1.eaf0abfddfc56p-15",
    0.9: "0x1.c5e85af5bea50p-2 0x1.e9aeb020a6f44p-3 0x1.336a4e8e9e374p-5 0x1.c138a6b624c17p-10 0x1.7dff10d1ee066p-16",
    1: "0x1.9884a307594fbp-2 0x1.ef8eb9ad499bap-3 0x1.ba4b99d1799a9p-5 0x1.22724cb7eb26ap-8 0x1.18a9c4fd536c6p-13",
}


@pytest.mark.parametrize("sigma", PUBLISHED)
def test_weights_of_the_published_pictures(sigma):
    expected = [float.fromhex(weight) for weight in PUBLISHED[sigma].split()]
    np.testing.assert_array_equal(gaussian_weights(sigma)[len(expected) - 1 :], expected)


def test_exponentials_are_rounded_correctly():
    """exp(-1 / 128), exp(-4 / 128), … to 20 digits."""
    ours = np.array([1, 0.99221793826024351211, 0.96923323447634408185, 0.93210249235952757791, 0.88249690258459540286])
    weights = gaussian_weights(8, 0.5)
    np.testing.assert_array_equal(weights[4:], ours / np.concatenate((ours[:0:-1], ours)).sum())


@settings(max_examples=60)
@given(
    st.integers(1, 13),
    st.integers(1, 13),
    st.floats(0.01, 9),
    st.sampled_from([2.5, 4.0, 7.0]),
    st.sampled_from([np.float32, np.float64]),
    st.integers(0, 2**32 - 1),
)
def test_planes_are_filtered_as_by_scipy(height, width, sigma, truncate, dtype, seed):
    """Small planes: the filter often reaches over them several times."""
    planes = np.random.default_rng(seed).normal(size=(2, 3, height, width)).astype(dtype)
    ours = filter_planes(torch.from_numpy(planes), sigma, truncate=truncate).numpy()
    expected = gaussian_filter(planes, (0, 0, sigma, sigma), truncate=truncate, mode="nearest")
    assert ours.dtype == dtype
    last_bits = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(ours, expected, rtol=0, atol=last_bits * np.abs(planes).max())


@pytest.mark.parametrize("sigma", [0.7, 1.3, 4.0])
def test_sums_are_scipys_to_the_last_bit(monkeypatch, sigma):
    """With the very same weights."""
    planes = np.random.default_rng(1).normal(size=(2, 21, 34))
    ours = filter_planes(torch.from_numpy(planes), sigma).numpy()
    monkeypatch.setattr(
        "scipy.ndimage._filters._gaussian_kernel1d", lambda sigma, order, radius: gaussian_weights(sigma)
    )
    np.testing.assert_array_equal(ours, gaussian_filter(planes, (0, sigma, sigma), mode="nearest"))


def test_a_plane_does_not_depend_on_the_others():
    planes = torch.randn(7, 3, 19, 23, generator=torch.Generator().manual_seed(0))
    together = filter_planes(planes, 1.7)
    for i in range(7):
        assert torch.equal(filter_planes(planes[i : i + 1], 1.7)[0], together[i])
        assert torch.equal(filter_planes(planes[i, 1], 1.7), together[i, 1])


def test_a_filter_without_reach_changes_nothing():
    planes = torch.randn(2, 5, 6)
    ours = filter_planes(planes, 0.1)
    assert torch.equal(ours, planes)
    assert ours.data_ptr() != planes.data_ptr()


def by_planes(images, sigma, truncate):
    """Filter in the unit interval with SciPy and our weights; cut."""
    filtered = gaussian_filter(images.numpy() / 255.0, (0, 0, sigma, sigma), mode="nearest", truncate=truncate)
    return torch.from_numpy((np.clip(filtered, 0, 1) * 255).astype(np.uint8))


KINDS = ("noise", "black and white", "ramp", "flat", "nearly flat", "steps")


def pictures(kind, height, width, seed):
    """Make pictures whose blurred levels are whole in many places, for various reasons, and others."""
    random = np.random.default_rng(seed)
    rows, columns = np.arange(height)[:, None], np.arange(width)
    images = {
        "noise": random.integers(0, 256, (2, 3, height, width)),
        "black and white": random.choice([0, 255], (2, 3, height, width)),
        "ramp": np.broadcast_to(rows + 3 * columns, (2, 3, height, width)) % 256,
        "flat": np.broadcast_to(random.integers(0, 256, (2, 3, 1, 1)), (2, 3, height, width)),
        "nearly flat": 128 + (random.random((2, 3, height, width)) < 0.01),
        "steps": np.broadcast_to((columns // 16 * 85 + rows // 32 * 20) % 256, (2, 3, height, width)),
    }[kind]
    return torch.from_numpy(images.astype(np.uint8))


@pytest.fixture
def scipy_with_our_weights(monkeypatch):
    def weights(sigma, order, radius):
        return gaussian_weights(float(sigma), TRUNCATE[radius, float(sigma)])

    monkeypatch.setattr("scipy.ndimage._filters._gaussian_kernel1d", weights)


TRUNCATE = {(int(truncate * sigma + 0.5), float(sigma)): truncate for sigma in SIGMAS for truncate in (7.0, 4.0)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("height", "width"), [(64, 64), (1, 1), (2, 37), (53, 29)])
def test_bytes_are_filtered_as_by_scipy(scipy_with_our_weights, kind, height, width):
    """Byte for byte, also where the level hangs on the last bit of the reference's sum."""
    for sigma in SIGMAS:
        images = pictures(kind, height, width, seed=int(sigma * 100))
        assert torch.equal(filter_bytes(images, sigma), by_planes(images, sigma, 4.0)), sigma


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sigma", [0.4, 0.9, 2])
def test_a_wider_filter(scipy_with_our_weights, kind, sigma):
    images = pictures(kind, 40, 50, seed=3)
    assert torch.equal(filter_bytes(images, sigma, 7.0), by_planes(images, sigma, 7.0))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sigma", [0.5, 1, 3])
def test_bytes_do_not_depend_on_the_order_of_sums(monkeypatch, kind, sigma):
    """Float64 matrices instead of OpenCV in float32, other bands, other ways to settle."""
    images = pictures(kind, 64, 48, seed=1)
    expected = filter_bytes(images, sigma)
    with monkeypatch.context() as few:
        few.setattr(gaussian, "too_few_for_a_gpu", lambda _: True)
        assert torch.equal(filter_bytes(images, sigma), expected)
    monkeypatch.setattr(gaussian, "_WINDOWS", 100)
    assert torch.equal(filter_bytes(images, sigma), expected)
    monkeypatch.setattr(gaussian, "_SMALL", 0)
    assert torch.equal(filter_bytes(images, sigma), expected)
    monkeypatch.setattr(gaussian, "_BAND", 64)
    gaussian._matrices.cache_clear()
    assert torch.equal(filter_bytes(images, sigma), expected)
    gaussian._matrices.cache_clear()


@pytest.mark.parametrize("sigma", SIGMAS)
def test_fast_sums_err_less_than_is_allowed_for(sigma):
    """Against SciPy, on the pictures with the largest sums; a margin of two."""
    for kind in KINDS:
        planes = pictures(kind, 70, 90, seed=2).flatten(0, 1)
        expected = gaussian_filter(planes.numpy().astype(float), (0, sigma, sigma), mode="nearest")
        for sums in (gaussian._sums_on_host, gaussian._sums_by_matrices):
            ours, allowed = sums(planes, sigma, 4.0)
            assert np.abs(ours.double().numpy() - expected).max() < allowed / 2


def test_flat_pictures_stay_flat_within_one():
    levels = torch.arange(256, dtype=torch.uint8).view(-1, 1, 1, 1).expand(256, 1, 9, 9).contiguous()
    for sigma in SIGMAS:
        ours = filter_bytes(levels, sigma)
        assert (ours == ours[..., :1, :1]).all()
        assert set((levels.int() - ours.int()).unique().tolist()) <= {0, 1}


@settings(max_examples=20)
@given(st.integers(0, 4), st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_flatness(radius, height, width, seed):
    planes = np.random.default_rng(seed).choice(np.array([7, 8], np.uint8), (3, height, width), p=[0.03, 0.97])
    size = 2 * radius + 1
    lowest, highest = minimum_filter(planes, (1, size, size)), maximum_filter(planes, (1, size, size))
    np.testing.assert_array_equal(gaussian._is_flat(torch.from_numpy(planes), radius).numpy(), lowest == highest)


@pytest.mark.parametrize("precision", ["torch.backends.mkldnn.matmul", "torch.backends"])
def test_less_precise_products_that_the_user_allows_change_nothing(precision):
    """In a process of its own: what is set by the newer names cannot be unset."""
    program = f"""
import numpy as np, torch
from rugged.corruptions import corrupt
images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 3, 40, 50), dtype=np.uint8))
before = corrupt(images, "glass_blur", 3, preset="tiny64")
{precision}.fp32_precision = "tf32" if "{precision}" == "torch.backends" else "bf16"
assert torch.equal(corrupt(images, "glass_blur", 3, preset="tiny64"), before)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
