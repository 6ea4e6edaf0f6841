"""Fractals: rich pictures, the same on every machine, by systems and games that do what theory says."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from rugged.core.errors import ConfigError
from rugged.train.augmentations import fractals as module
from rugged.train.augmentations.fractals import fractals


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache folder for each test, so that every one draws."""
    monkeypatch.setenv("RUGGED_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "fractals"


SQUARE = np.array([[0.5, 0, x, 0, 0.5, y, 200 * y / 0.5] for x in (0, 0.5) for y in (0, 0.5)], np.float32)
"""Four quarters make a square: the attractor is all of it, evenly. Two of them have the shade 0, two 200."""


def play(maps, table, size=16, reach=1.0):
    count = module._TOGETHER
    everyone = np.repeat(maps[None], count, 0), np.repeat(table[None], count, 0)
    return module._chaos_game(np.random.RandomState(5), *everyone, np.full((count, 1), reach, np.float32), size)


def test_every_machine_draws_the_same():
    """The digest was taken once, on x86-64; only exactly rounded arithmetic and a frozen generator are used."""
    digest = hashlib.sha256(fractals(40, 24, 7).numpy().tobytes()).hexdigest()
    assert digest == "9c30f7a20eb40f20356a98e5b49179c4bda976d08041049a98e16ddd7af8b4f1"


def test_the_arguments_decide():
    pictures = fractals(40, 24, 7)
    assert pictures.shape == (40, 3, 24, 24)
    assert pictures.dtype == torch.uint8
    assert pictures.is_contiguous()
    assert torch.equal(fractals(33, 24, 7), pictures[:33])
    assert not torch.equal(fractals(40, 24, 8), pictures)


def test_pictures_are_bright_colourful_intricate_and_different():
    pictures = fractals(128, 64).double()
    means, flat = pictures.mean((2, 3)), pictures.flatten(1)
    assert (means.mean(1) > 50).all()
    assert (means.mean(1) < 205).all()
    assert (flat.std(1) > 35).all()
    assert ((pictures.max(1).values - pictures.min(1).values).mean((1, 2)) > 20).double().mean() > 0.98  # no greys
    steps = (pictures[..., 1:] - pictures[..., :-1]).abs().mean((1, 2, 3))
    assert steps.min() > 5  # A smooth background alone has steps of about 1.
    likeness = np.corrcoef(flat.numpy()) - np.eye(128)
    assert likeness.max() < 0.8


def test_singular_values_add_up_to_what_makes_good_attractors():
    random = np.random.RandomState(3)
    for _ in range(20):
        maps, table = module._systems(random)
        values = np.linalg.svd(maps[..., :6].reshape(-1, maps.shape[1], 2, 3)[..., :2].astype(float), compute_uv=False)
        number = (values[..., 0] > 1e-9).sum(1)
        assert number.min() >= 2
        assert number.max() <= 7
        assert values.max() <= 1 + 1e-6
        total = (values[..., 0] + 2 * values[..., 1]).sum(1)
        assert (total > (5 + number) / 2 - 1e-5).all()
        assert (total < (6 + number) / 2 + 1e-5).all()
        weights = np.where(values[..., 0] > 1e-9, values.prod(2) + 0.02, 0)
        shares = np.stack([(table == index).mean(1) for index in range(maps.shape[1])], 1)
        assert np.abs(shares - weights / weights.sum(1, keepdims=True)).max() <= 1 / 256 + 1e-6


def test_rotations_are_uniform():
    random = np.random.RandomState(3)
    cosines, sines = np.concatenate([np.stack(module._rotations(random)) for _ in range(40)], 1)
    assert np.allclose(cosines**2 + sines**2, 1, atol=1e-6)
    angles = np.arctan2(sines, cosines).ravel() / np.pi
    assert stats.kstest(angles, "uniform", (-1, 2)).pvalue > 1e-3
    assert stats.kstest(np.abs(angles * 2 % 1 - 0.5) * 2, "uniform").pvalue > 1e-3  # no more in corners than on axes


def test_the_game_fills_a_square_evenly_and_shades_it_by_history():
    hits, shade = play(SQUARE, np.arange(256) // 64)
    expected = hits.sum(1, keepdims=True) / 256
    # Walkers are independent, but not what one of them does in successive steps: allow for twice the variance.
    assert ((hits - expected) ** 2 / expected).mean() < 2
    rows = shade.reshape(-1, 16, 16).mean((0, 2))
    # The last map has half the weight, the one before a quarter …: the binary digits of a place, times 200.
    assert rows == pytest.approx(200 * ((np.arange(16) + 0.5) / 16 * 0.96 + 0.02), abs=3)


def test_what_lies_beyond_the_frame_is_left_out():
    whole, _ = play(SQUARE, np.arange(256) // 64, reach=1.2)
    inside, _ = play(SQUARE, np.arange(256) // 64, reach=0.5)
    points = module._TOGETHER * 256 * module._HITS
    assert whole.sum() == points
    assert inside.sum() == pytest.approx(points * (0.96 * 0.5) ** 2, rel=0.05)


def test_the_game_is_the_one_that_a_plain_loop_plays():
    maps, table = module._systems(np.random.RandomState(9))
    reach = np.full((module._TOGETHER, 1), 1, np.float32)
    hits, _ = module._chaos_game(np.random.RandomState(1), maps, table, reach, 64)
    random = np.random.RandomState(2)
    for index in range(3):
        place, places = np.zeros(2), []
        for chosen in table[index][random.randint(256, size=20_000)]:
            row = maps[index, chosen]
            place = row[[0, 3]] * place[0] + row[[1, 4]] * place[1] + row[[2, 5]]
            places.append(place)
        places = np.array(places[20:])
        low, high = np.quantile(places, (0.02, 0.98), axis=0)
        x, y = ((places - low) / (high - low)).T
        seen = np.histogram2d(y, x, 8, ((0, 1), (0, 1)))[0]
        drawn = hits[index].reshape(8, 8, 8, 8).sum((1, 3))
        mirrored = seen + seen[:, ::-1]
        assert max(np.corrcoef(drawn.ravel(), one.ravel())[0, 1] for one in (seen, mirrored)) > 0.9


@pytest.mark.parametrize("arguments", [(0, 64), (5, 0), (5, 8, -1), (5, 8, 2**32)])
def test_what_cannot_be_drawn_is_refused(arguments):
    with pytest.raises(ConfigError, match="at least one"):
        fractals(*arguments)


def test_a_single_pixel_can_be_drawn():
    assert fractals(1, 1).shape == (1, 3, 1, 1)


def test_what_was_drawn_before_is_read(cache, monkeypatch):
    pictures = fractals(3, 8, 5)
    assert [path.name for path in cache.iterdir()] == [f"3-8-5-{module.FRACTALS_VERSION}.npy"]
    monkeypatch.setattr(module, "_pictures", None)
    again = fractals(3, 8, 5)
    assert torch.equal(again, pictures)
    assert again.is_contiguous()
    again.zero_()  # Each call's result is its own.
    assert torch.equal(fractals(3, 8, 5), pictures)
    for others in ((4, 8, 5), (3, 9, 5), (3, 8, 6)):
        with pytest.raises(TypeError):
            fractals(*others)
    monkeypatch.setattr(module, "FRACTALS_VERSION", module.FRACTALS_VERSION + 1)
    with pytest.raises(TypeError):
        fractals(3, 8, 5)


def _nothing(path):
    path.write_bytes(b"")


def _half(path):
    path.write_bytes(path.read_bytes()[:-100])


def _noise(path):
    path.write_bytes(bytes(range(256)) * 5)


def _another_header(path):
    path.write_bytes(path.read_bytes().replace(b"{'descr", b"{{{{{{{"))


def _another_shape(path):
    np.save(path, np.zeros((3, 3, 8, 9), np.uint8))


def _another_type(path):
    np.save(path, np.zeros((3, 3, 8, 8), np.int8))


class _Touching:
    """Does something when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path.with_name("touched"),)


def _objects(path):
    np.save(path, np.full((3, 3, 8, 8), _Touching(path)), allow_pickle=True)


@pytest.mark.parametrize("damage", [_nothing, _half, _noise, _another_header, _another_shape, _another_type, _objects])
def test_a_damaged_file_is_drawn_anew(cache, damage):
    pictures = fractals(3, 8, 5)
    (path,) = cache.iterdir()
    whole = path.read_bytes()
    damage(path)
    assert torch.equal(fractals(3, 8, 5), pictures)
    assert path.read_bytes() == whole
    assert list(cache.iterdir()) == [path]


def test_without_a_cache_that_can_be_written_they_are_drawn_all_the_same(cache, monkeypatch):
    pictures = fractals(3, 8, 5)
    cache.parent.with_name("file").touch()
    monkeypatch.setenv("RUGGED_CACHE", str(cache.parent.with_name("file")))
    assert torch.equal(fractals(3, 8, 5), pictures)
    monkeypatch.setenv("RUGGED_CACHE", str(cache.parent.with_name("locked")))
    monkeypatch.setattr("rugged.core.files.Path.mkdir", _refuse)
    assert torch.equal(fractals(3, 8, 5), pictures)
    monkeypatch.setattr("rugged.core.files.Path.exists", _refuse)
    assert torch.equal(fractals(3, 8, 5), pictures)


def _refuse(path, **_):
    raise PermissionError(13, "Permission denied", str(path))


def test_drawing_is_announced_where_it_takes_long(monkeypatch, capsys):
    fractals(3, 8, 5)
    assert "Drawing" not in capsys.readouterr().err
    monkeypatch.setattr(module, "_MANY", 40 * 64)
    monkeypatch.setattr("rugged.core.progress._console", None)
    fractals(40, 8, 5)
    assert "Drawing fractals: 40 pictures in" in capsys.readouterr().err
    fractals(40, 8, 5)
    assert capsys.readouterr().err == ""
