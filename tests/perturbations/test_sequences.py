"""Each sequence against theory, a naive loop, or another library."""

import colorsys
import math

import numpy as np
import pytest
import scipy.ndimage
import scipy.stats
import torch
from PIL import Image

from rugged.corruptions import corrupt
from rugged.corruptions.normal import standard_normal
from rugged.corruptions.spatter import water
from rugged.corruptions.streams import Stream, stream_keys
from rugged.perturbations import ALL_SEQUENCES, PRESETS, frames_of, perturb
from rugged.perturbations.catalogue import COURSES

SNOW = [("tiny64", 0.28, 2, 10, 2.5), ("imagenet224", 0.3, 3, 14, 4), ("cifar32", 0.3, 2, 10, 2)]
CLEAN_AT_FIRST = ("gaussian_noise", "shot_noise", "speckle_noise", "zoom_blur")


def flat(level, count=4, side=64):
    return torch.full((count, 3, side, side), level, dtype=torch.uint8)


def arrays(frames):
    """One picture's frames as ``(F, H, W, 3)``."""
    return frames.permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", ALL_SEQUENCES)
def test_shape_and_first_frame(scenes, preset, name):
    images = scenes[preset][:1]
    result = perturb(images, name, preset=preset)
    side = PRESETS[preset].side
    assert result.shape == (1, frames_of(name, preset), 3, side, side)
    assert result.dtype == torch.uint8
    assert torch.equal(result[:, 0], images) == (name in CLEAN_AT_FIRST)
    neighbours = (result[0, 1:].float() - result[0, :-1].float()).abs().mean((1, 2, 3))
    # Frames differ from those before, but for flakes that fall alike at two angles, and water that has run off.
    assert (neighbours > 0).double().mean() > 0.9


@pytest.mark.parametrize("difficulty", [1, 2, 3])
@pytest.mark.parametrize("preset", PRESETS)
def test_gaussian_noise_has_the_published_spread(preset, difficulty):
    """Values are cut to whole levels: half a level less on average, 1/12 of a level's square more of variance."""
    side = PRESETS[preset].side
    sigma = COURSES[preset]["gaussian_noise"].by_difficulty[difficulty - 1]["sigma"] * 255
    frames = perturb(flat(128, 1, side), "gaussian_noise", preset=preset, difficulty=difficulty)[:, 1:].double()
    assert frames.std().item() == pytest.approx(math.sqrt(sigma**2 + 1 / 12), rel=0.01)
    assert frames.mean().item() == pytest.approx(127.5, abs=5 * sigma / math.sqrt(frames.numel()))


@pytest.mark.parametrize("difficulty", [1, 2, 3])
def test_shot_noise_has_the_published_spread(difficulty):
    photons = COURSES["tiny64"]["shot_noise"].by_difficulty[difficulty - 1]["photons"]
    counts = np.arange(4 * photons)
    levels = np.floor(np.clip(counts / photons, 0, 1) * 255)
    shares = scipy.stats.poisson.pmf(counts, 102 / 255 * photons)
    mean = (shares * levels).sum()
    spread = math.sqrt((shares * (levels - mean) ** 2).sum())
    frames = perturb(flat(102), "shot_noise", difficulty=difficulty)[:, 1:].double()
    assert frames.std().item() == pytest.approx(spread, rel=0.005)
    assert frames.mean().item() == pytest.approx(mean, abs=0.1)


@pytest.mark.parametrize("difficulty", [1, 2, 3])
def test_speckle_noise_has_the_published_spread(difficulty):
    """It grows with the level that it is on."""
    sigma = COURSES["tiny64"]["speckle_noise"].by_difficulty[difficulty - 1]["sigma"]
    for level in (50, 150):
        frames = perturb(flat(level), "speckle_noise", difficulty=difficulty)[:, 1:].double()
        assert frames.std().item() == pytest.approx(math.sqrt((level * sigma) ** 2 + 1 / 12), rel=0.01)


def test_noise_is_new_in_every_frame_and_unlike_the_corruptions():
    images = flat(128, 1)
    noise = perturb(images, "gaussian_noise", seed=3)[0, 1:].double().flatten(1)
    corrupted = corrupt(images, "gaussian_noise", 1, seed=3)[0].double().flatten()
    together = torch.corrcoef(torch.cat((noise, corrupted[None])))
    off_diagonal = together[~torch.eye(31, dtype=torch.bool)]
    assert off_diagonal.abs().max() < 5 / math.sqrt(noise.shape[1])


def naive_motion_blur(picture, radius, sigma, degrees):
    """Sum along a line, tap by tap, with edge pixels repeated, rounded to 16 bits and cut to 8."""
    steps = np.arange(2 * radius + 1)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    weights /= weights.sum()
    margin = 2 * radius + 2
    padded = np.pad(picture.astype(np.float64), ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    total = np.zeros(picture.shape)
    for step, weight in zip(steps, weights, strict=True):
        down = math.ceil(step * math.sin(math.radians(degrees)) - 0.5) + margin
        right = math.ceil(step * math.cos(math.radians(degrees)) - 0.5) + margin
        total += weight * padded[down : down + picture.shape[0], right : right + picture.shape[1]]
    return np.floor(total + 1 / 514)


@pytest.mark.parametrize(
    ("preset", "radius", "sigma", "step"), [("tiny64", 14, 3, 5), ("imagenet224", 10, 3, 4), ("cifar32", 6, 1.8, 9)]
)
def test_motion_blur_turns_by_the_published_angles(scenes, preset, radius, sigma, step):
    picture = scenes[preset][:1]
    ours = arrays(perturb(picture, "motion_blur", preset=preset)[0])
    last = len(ours) - 1
    for frame in (1, 7, last):
        expected = naive_motion_blur(picture[0].permute(1, 2, 0).numpy(), radius, sigma, (frame - last) * step)
        assert np.abs(ours[frame] - expected).max() <= 1
        assert (ours[frame] == expected).mean() > 0.999


def test_motion_blur_at_64_comes_before_resizing_and_at_224_after():
    """A large picture is blurred in its own pixels and then made small, so much less is left of the blur."""
    random = np.random.default_rng(0).integers(0, 256, (192, 240, 3), dtype=np.uint8)
    images = torch.from_numpy(random.transpose(2, 0, 1)[None].copy())
    blurred = naive_motion_blur(random, 14, 3, 0).astype(np.uint8)
    expected = np.asarray(Image.fromarray(blurred).resize((80, 64), Image.Resampling.BILINEAR))[:, 8:72]
    ours = arrays(perturb(images, "motion_blur", preset="tiny64")[0])[-1]
    assert np.abs(ours.astype(int) - expected).max() <= 1
    small = np.asarray(Image.fromarray(random).resize((320, 256), Image.Resampling.BILINEAR))[16:240, 48:272]
    ours = arrays(perturb(images, "motion_blur", preset="imagenet224")[0])[-1]
    assert np.abs(ours.astype(int) - naive_motion_blur(small, 10, 3, 0)).max() <= 1


@pytest.mark.parametrize(("preset", "wider"), [("cifar32", 0), ("tiny64", 0), ("tiny64", 33), ("imagenet224", 0)])
def test_zoom_blur_is_the_running_mean_of_zooms(scenes, preset, wider):
    """The whole picture is enlarged about its own middle, and then cut to the frame."""
    side = PRESETS[preset].side
    images = torch.cat((scenes[preset][:1], scenes[preset][:1, :, :, :wider]), dim=3)
    picture = images[0].permute(1, 2, 0).numpy()
    ours = arrays(perturb(images, "zoom_blur", preset=preset)[0])
    x, y, total = (side + wider) * 0.5 + 0.5, side * 0.5 + 0.5, np.zeros((side, side, 3))
    for frame in range(31):
        share = 1 / (1 + 0.004 * frame)
        data = (share, 0, x - share * x, 0, share, y - share * y)
        size = (side + wider, side)
        zoomed = Image.fromarray(picture).transform(size, Image.Transform.AFFINE, data, Image.Resampling.BILINEAR)
        total += np.asarray(zoomed)[:, round(wider / 2) :][:, :side]
        if frame:
            mean = total / (frame + 1)
            # In float32 a mean that is a whole level may end up just below it.
            assert (np.abs(ours[frame] - np.floor(mean)) <= 1).all()
            assert (ours[frame] == np.floor(mean))[mean % 1 > 0.01].mean() > 0.999


@pytest.mark.parametrize(("preset", "deviation", "zoom", "radius", "sigma"), SNOW)
def test_snow_turns_the_same_flakes(scenes, preset, deviation, zoom, radius, sigma):
    """Against SciPy's zoom and the naive motion blur, with the flakes that the sequence draws."""
    side = PRESETS[preset].side
    part = math.ceil(side / zoom)
    stream = Stream(stream_keys("snow sequence", 1, 2, ["a"]), torch.device("cpu"))
    layer = standard_normal(stream, (part, part))[0].double().numpy() * deviation + 0.05
    layer = scipy.ndimage.zoom(layer, zoom, order=1)
    trim = (len(layer) - side) // 2
    layer = layer[trim : trim + side, trim : trim + side]
    layer = np.floor(np.clip(np.where(layer < 0.5, 0, layer), 0, 1) * 255)
    picture = scenes[preset][0].permute(1, 2, 0).numpy() / 255
    grey = (picture @ [0.299, 0.587, 0.114])[..., None]
    pale = 0.85 * picture + 0.15 * np.maximum(picture, 1.5 * grey + 0.5)
    ours = arrays(perturb(scenes[preset][:1], "snow", preset=preset, seed=2, ids=["a"])[0])
    for frame in (1, 11, 29):  # At 30 and 150 degrees steps of a half are rounded by their last bit.
        flakes = naive_motion_blur(layer[..., None], radius, sigma, frame * 4 - 150) / 255
        expected = np.floor(np.clip(pale + flakes + flakes[::-1, ::-1], 0, 1) * 255)
        assert np.abs(ours[frame] - expected).max() <= 1
        assert (ours[frame] == expected).mean() > 0.999


@pytest.mark.parametrize(
    ("preset", "mean", "deviation", "sigma", "threshold", "flow"),
    [
        ("tiny64", 0.6, 0.25, 1.75, 0.7, [0.2, 0.8]),
        ("imagenet224", 0.65, 0.27, 3.7, 0.69, [0.05, 0.1, 0.15, 0.7]),
        ("cifar32", 0.6, 0.265, 1.75, 0.7, [0.2, 0.8]),
    ],
)
def test_spatter_runs_down_the_columns(scenes, preset, mean, deviation, sigma, threshold, flow):
    """Against SciPy's filter and NumPy's convolution; what water looks like is tested with the corruption."""
    images, side = scenes[preset][:1], PRESETS[preset].side
    stream = Stream(stream_keys("spatter sequence", 1, 2, ["a"]), torch.device("cpu"))
    noise = standard_normal(stream, (side, side))[0].double().numpy() * deviation + mean
    layer = scipy.ndimage.gaussian_filter(noise, sigma, mode="nearest")
    layer = np.where(layer < threshold, 0, layer)
    ours = perturb(images, "spatter", preset=preset, seed=2, ids=["a"])[0]
    for frame in ours:
        expected = water(images, torch.from_numpy(layer)[None], strength=0.6)[0]
        assert (frame == expected).double().mean() > 0.999
        layer = np.stack([np.convolve(column, flow, mode="same") for column in layer.T], axis=1)


def test_brightness_goes_through_the_picture_itself(scenes):
    """Values are cut to whole levels, as in the reference, so that some of them come back one lower."""
    ours = perturb(scenes["tiny64"], "brightness")
    middle = ours[:, 15].int()
    assert (scenes["tiny64"].int() - middle).abs().max() <= 1
    means = ours.double().mean((0, 2, 3, 4))
    assert (means[1:] > means[:-1]).all()
    grey = perturb(flat(100, 1), "brightness")
    assert torch.equal(grey[0, 15], flat(100, 1)[0])


@pytest.mark.parametrize(("preset", "step"), [("tiny64", 0.02), ("imagenet224", 0.02), ("cifar32", 0.015)])
def test_brightness_shifts_the_value_channel(scenes, preset, step):
    ours = arrays(perturb(scenes[preset][:1], "brightness", preset=preset)[0])
    picture = scenes[preset][0].permute(1, 2, 0).numpy()
    for frame in (0, 9, 30):
        for row, column in ((3, 5), (20, 11), (31, 30)):
            hue, saturation, value = colorsys.rgb_to_hsv(*(picture[row, column] / 255))
            shifted = min(max(value + (frame - 15) * step, 0), 1)
            expected = np.array(colorsys.hsv_to_rgb(hue, saturation, shifted)) * 255
            assert np.abs(ours[frame, row, column] + 0.5 - expected).max() < 0.51


def test_translation_moves_a_pixel_a_frame(scenes):
    picture = scenes["tiny64"][0]
    ours = perturb(picture[None], "translate")[0]
    for frame in range(31):
        shift = frame - 15
        if shift < 0:
            assert torch.equal(ours[frame, ..., :shift], picture[..., -shift:])
            assert not ours[frame, ..., shift:].any()
        else:
            assert torch.equal(ours[frame, ..., shift:], picture[..., : 64 - shift])
            assert not ours[frame, ..., :shift].any()


@pytest.mark.parametrize("name", ["rotate", "shear", "translate"])
def test_the_frame_in_the_middle_is_the_picture(scenes, name):
    for preset in ("tiny64", "imagenet224"):
        ours = perturb(scenes[preset][:1], name, preset=preset)
        assert torch.equal(ours[0, ours.shape[1] // 2], scenes[preset][0])


@pytest.mark.parametrize("name", ["translate", "rotate", "shear", "tilt"])
def test_margins_come_into_view(name):
    """A picture that is larger than the frame hides the black around it, in part or all of it."""
    large = torch.full((1, 3, 256, 300), 200, dtype=torch.uint8)
    wide = (perturb(large, name, preset="imagenet224") == 0).sum()
    narrow = (perturb(large[..., :224, :224], name, preset="imagenet224") == 0).sum()
    assert wide < narrow / 3
    if name == "translate":
        assert wide == 0


def test_scale_goes_from_two_fifths_to_more_than_all():
    images = torch.full((1, 3, 64, 64), 200, dtype=torch.uint8)
    shares = (perturb(images, "scale")[0] == 200).double().mean((1, 2, 3))
    for frame, share in enumerate(shares.tolist()):
        assert 64 * math.sqrt(share) == pytest.approx(64 * min(0.4 + 0.025 * frame, 1), abs=1)


@pytest.mark.parametrize(("preset", "truncate"), [("tiny64", 7), ("imagenet224", 6), ("cifar32", 7)])
def test_gaussian_blur_is_scipys(scenes, preset, truncate):
    picture = scenes[preset][0].permute(1, 2, 0).numpy()
    ours = arrays(perturb(scenes[preset][:1], "gaussian_blur", preset=preset)[0])
    for frame in (0, 13, 30):
        sigma = COURSES[preset]["gaussian_blur"].steps[frame]
        exact = scipy.ndimage.gaussian_filter(picture / 255, (sigma, sigma, 0), mode="nearest", truncate=truncate)
        expected = (exact * 255).astype(np.uint8)
        assert (ours[frame] == expected).mean() > 0.999
        assert np.abs(ours[frame].astype(int) - expected).max() <= 1
