"""Glass: the shuffle against the published loop, and where pixels go."""

from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rugged.core.catalogue import PARAMETERS
from rugged.corruptions import glass
from rugged.corruptions.gaussian import filter_bytes
from rugged.corruptions.glass import draw_glass_blur, glass_blur, replay_glass_blur, shuffle
from rugged.corruptions.streams import Stream, stream_keys

CPU = torch.device("cpu")


def noise(count, height, width, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (count, 3, height, width), dtype=np.uint8))


def one_by_one(image, pairs, reach, passes):
    """Copy pixels one after the other, as published: from the last to the first, pairs (across, down) in that order."""
    image, pairs = image.copy(), iter(pairs)
    height, width = image.shape[:2]
    for _ in range(passes):
        for h in range(height - reach, reach, -1):
            for w in range(width - reach, reach, -1):
                across, down = next(pairs)
                image[h, w] = image[h + down, w + across]
    assert next(pairs, None) is None
    return image


class Scripted:
    """Stands for a random state whose pairs are known."""

    def __init__(self, seed):
        self.random, self.pairs = np.random.default_rng(seed), []

    def randint(self, low, high, size):
        pairs = self.random.integers(low, high, size)
        self.pairs.extend(pairs.reshape(-1, 2).tolist())
        return pairs


@settings(max_examples=80)
@given(st.integers(1, 24), st.integers(1, 24), st.integers(1, 5), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_shuffle_is_the_published_loop(height, width, reach, passes, seed):
    images = noise(3, height, width, seed)
    offsets, expected = [], []
    for i, image in enumerate(images.permute(0, 2, 3, 1).numpy()):
        script = Scripted([seed, i])
        offsets.append(replay_glass_blur(script, image, reach=reach, passes=passes))
        expected.append(one_by_one(image, script.pairs, reach, passes))
    for on_host in (True, False):
        with mock.patch.object(glass, "in_main_memory", lambda _, on_host=on_host: on_host):
            ours = shuffle(images, torch.cat(offsets), reach)
        np.testing.assert_array_equal(ours.permute(0, 2, 3, 1).numpy(), np.stack(expected))


@pytest.mark.parametrize(("across", "down"), [(1, 1), (1, 0), (0, 1), (-2, 1), (0, 0), (-2, -2), (1, -2)])
def test_the_longest_chains(across, down):
    """Every pixel points the same way: forwards, the last pixel of a line ends up in all of it."""
    image = noise(1, 40, 30)
    offsets = torch.full((1, 2, 36, 26), down * 30 + across, dtype=torch.int32)
    expected = one_by_one(image[0].permute(1, 2, 0).numpy(), [(across, down)] * (2 * 36 * 26), 2, 2)
    np.testing.assert_array_equal(shuffle(image, offsets, 2)[0].permute(1, 2, 0).numpy(), expected)


def test_replay_draws_pair_by_pair():
    """One call for all pairs takes the same numbers from the state as a call for each."""
    ours = replay_glass_blur(np.random.RandomState(5), np.zeros((9, 7, 3), np.uint8), reach=2, passes=2)
    state, expected = np.random.RandomState(5), np.zeros((1, 2, 5, 3))
    for number in range(2):
        for row in range(4, -1, -1):
            for column in range(2, -1, -1):
                across, down = state.randint(-2, 2, size=(2,))
                expected[0, number, row, column] = down * 7 + across
    np.testing.assert_array_equal(ours.numpy(), expected)
    assert ours.dtype == torch.int32


@pytest.mark.parametrize(("reach", "passes"), [(1, 1), (1, 2), (2, 1), (3, 2), (4, 2), (5, 1)])
def test_offsets_are_uniform_in_both_directions(reach, passes):
    """Each of the (2 reach)² pairs is as likely as the others, to four standard deviations of the chi-square."""
    width = 300
    offsets = draw_glass_blur(
        Stream(stream_keys("glass", 1, 0, range(4)), CPU),
        torch.empty(4, 3, 200, width, dtype=torch.uint8),
        reach=reach,
        passes=passes,
    )
    assert offsets.shape == (4, passes, 200 - 2 * reach, width - 2 * reach)
    assert offsets.dtype == torch.int32
    places = offsets + reach * (width + 1)
    down, across = places // width, places % width
    assert 0 <= down.min() <= down.max() < 2 * reach
    assert 0 <= across.min() <= across.max() < 2 * reach
    choices = 4 * reach**2
    for image in (down * 2 * reach + across).flatten(1):
        counts = image.bincount(minlength=choices).double()
        expected = counts.sum() / choices
        chi_square = ((counts - expected) ** 2 / expected).sum()
        assert abs(chi_square - (choices - 1)) < 4 * (2 * (choices - 1)) ** 0.5


@pytest.mark.parametrize("reach", [1, 2, 3, 4, 5])
def test_every_halfword_gives_its_first_two_digits(reach):
    """To the base of 2 reach: rows down, then columns across."""

    class Halfwords:
        def halfwords(self, count, dtype):
            return torch.arange(65536)[None, :count].to(dtype)

    height = width = 256 + 2 * reach
    ours = draw_glass_blur(Halfwords(), torch.empty(1, 3, height, width), reach=reach, passes=1).flatten()
    digits = np.arange(65536) * (2 * reach) ** 2 // 65536
    down, across = digits // (2 * reach) - reach, digits % (2 * reach) - reach
    np.testing.assert_array_equal(ours.numpy(), down * width + across)


def test_offsets_of_images_passes_and_neighbours_are_independent():
    offsets = draw_glass_blur(
        Stream(stream_keys("glass", 1, 0, range(2)), CPU), torch.empty(2, 3, 200, 200), reach=2, passes=2
    )
    down = (offsets + 2 * 201).div(200, rounding_mode="floor").double() - 1.5
    first = down[0, 0]
    for other in (down[1, 0], down[0, 1], first.roll(1, 0), first.roll(1, 1)):
        correlation = (first * other).mean() / first.var()
        assert abs(correlation) < 4 / first.numel() ** 0.5


@pytest.mark.parametrize(("reach", "passes"), [(1, 1), (2, 1), (1, 3), (4, 1)])
def test_pixels_move_by_the_reach_against_the_chain_and_freely_along_it(reach, passes):
    """Channels carry a pixel's row and column. Backwards nothing comes from further than reach rows a pass."""
    rows, columns = torch.meshgrid(torch.arange(120), torch.arange(90), indexing="ij")
    image = torch.stack((rows, columns, rows)).to(torch.uint8)[None]
    stream = Stream(stream_keys("glass", 1, 0, ["a"]), CPU)
    ours = shuffle(image, draw_glass_blur(stream, image, reach=reach, passes=passes), reach)[0].int()
    assert torch.equal(ours[0], ours[2])  # pixels move whole
    up = rows - ours[0]
    assert up.max() == reach * passes
    assert (columns - ours[1])[up > 0].abs().max() <= 90
    if reach == 1:  # no chains: every step is one pixel up or to the left, or none
        assert up.min() == 0
        assert 0 <= (columns - ours[1]).min() <= (columns - ours[1]).max() == passes
    frame = torch.ones(120, 90, dtype=torch.bool)
    frame[reach + 1 : 121 - reach, reach + 1 : 91 - reach] = False
    assert torch.equal(ours[0][frame], rows[frame].int())
    assert torch.equal(ours[1][frame], columns[frame].int())


def test_blurs_come_before_and_after():
    images = noise(2, 30, 40)
    parameters = PARAMETERS["imagenet224"]["glass_blur"][2]
    offsets = draw_glass_blur(Stream(stream_keys("glass", 1, 0, range(2)), CPU), images, **parameters)
    expected = filter_bytes(shuffle(filter_bytes(images, 1.0), offsets, 2), 1.0)
    assert torch.equal(glass_blur(images, offsets, **parameters), expected)


def test_a_radius_of_nothing_only_moves_pixels():
    images = noise(1, 30, 40)
    parameters = PARAMETERS["tiny64"]["glass_blur"][0]
    offsets = draw_glass_blur(Stream(stream_keys("glass", 1, 0, ["a"]), CPU), images, **parameters)
    ours = glass_blur(images, offsets, **parameters)
    assert torch.equal(ours, shuffle(images, offsets, 1))
    there = {tuple(pixel) for pixel in images.flatten(2)[0].T.tolist()}
    assert {tuple(pixel) for pixel in ours.flatten(2)[0].T.tolist()} <= there


@pytest.mark.parametrize("size", [(1, 1), (2, 50), (50, 2), (4, 4)])
def test_pictures_without_room_are_only_blurred(size):
    images = noise(2, *size)
    offsets = draw_glass_blur(Stream(stream_keys("glass", 1, 0, range(2)), CPU), images, reach=2, passes=2)
    assert offsets.numel() == 0
    assert torch.equal(shuffle(images, offsets, 2), images)


@pytest.mark.parametrize("preset", ["cifar32", "tiny64", "imagenet224", "inception299"])
def test_flat_pictures_stay_flat_within_one_for_each_blur(preset):
    levels = torch.arange(256, dtype=torch.uint8).view(-1, 1, 1, 1).expand(256, 3, 12, 12).contiguous()
    for parameters in PARAMETERS[preset]["glass_blur"]:
        offsets = draw_glass_blur(Stream(stream_keys("glass", 1, 0, range(256)), CPU), levels, **parameters)
        ours = glass_blur(levels, offsets, **parameters)
        assert (ours == ours[..., :1, :1]).all()
        assert set((levels.int() - ours.int()).unique().tolist()) <= {0, 1, 2}
