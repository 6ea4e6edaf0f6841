"""Pairs show the same picture twice: drawn by the engine, or found in folders."""

import math
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from rugged.core.errors import ConfigError, DataError
from rugged.corruptions import corrupt
from rugged.data import open_dataset
from rugged.engine import Restorer, make_fabric
from rugged.models import RestorerSpec, make_restorer
from rugged.restore import folders, load_recipe
from rugged.restore.drawn import draw_pairs
from rugged.restore.folders import open_pairs, take_pairs
from rugged.restore.looking import look

CPU = torch.device("cpu")
SPEC = RestorerSpec(width=4, blocks=(1,), blocks_up=())


def recipe(*overrides):
    return load_recipe("deblur64", ["development_per_class=6", *overrides])


def test_a_share_stays_clean_and_the_others_are_corrupted(picture_folder):
    dataset = open_dataset(picture_folder)
    pairs = draw_pairs(recipe("pairs.clean=0.5", 'pairs.corruptions=["brightness"]'), dataset, CPU)
    assert len(pairs) == 2 * (24 - 6)
    torch.manual_seed(0)
    batch = pairs.fetch(np.arange(36).repeat(10))
    clean, damaged = pairs.make(batch)
    changed = (clean != damaged).flatten(1).any(1).float().mean().item()
    assert changed == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(360))  # Four standard deviations of a binomial.
    # Brightness lifts every value; were one of the two mirrored alone, some would seem to fall.
    assert (damaged.int() - clean.int() >= -1).all()
    assert (damaged.flip(-1).int() - clean.int() < -1).any()
    flipped = (clean != batch).flatten(1).any(1).float().mean().item()
    assert flipped == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(360))


def test_crops_are_of_the_same_place(picture_folder):
    pairs = draw_pairs(recipe("pairs.clean=1.0", "pairs.crop=16"), open_dataset(picture_folder), CPU)
    torch.manual_seed(0)
    clean, damaged = pairs.make(pairs.fetch(np.arange(8)))
    assert clean.shape == (8, 3, 16, 16)
    assert torch.equal(clean, damaged)
    with pytest.raises(ConfigError, match=r"pairs.crop is 64, and the pictures of pictures have 32 x 32"):
        draw_pairs(recipe("pairs.crop=64"), open_dataset(picture_folder), CPU)


def test_held_out_pairs_are_the_benchmarks_corruptions_of_other_pictures(picture_folder):
    dataset = open_dataset(picture_folder)
    pairs = draw_pairs(recipe('pairs.corruptions=["gaussian_noise"]', "pairs.severities=[2]"), dataset, CPU)
    plain, noisy = pairs.held_out()
    assert len(plain.clean) == 3
    assert (plain.title, noisy.title) == ("nothing", "Gaussian noise 2")
    assert plain.damaged is None
    ids = [name for place, name in enumerate(pairs.development.ids) if place % 4]  # Whose noise is their own.
    assert torch.equal(noisy.damaged, corrupt(noisy.clean, "gaussian_noise", 2, ids=ids))
    assert len(plain.clean) + len(noisy.clean) == 12
    learned = {dataset.train.ids[row] for row in pairs.rows}
    assert not learned & set(pairs.development.ids)
    assert set(pairs.development.ids) <= set(dataset.train.ids)  # Nothing of the validation split.


def write_pairs(root, names, size=(20, 24), shift=30, orientation=1, kind="png"):
    rng = np.random.default_rng(0)
    for name in names:
        sharp = rng.integers(0, 200, (*size, 3), dtype=np.uint8)
        for side, pixels in {"sharp": sharp, "blur": sharp + np.uint8(shift)}.items():
            file = root / side / f"{name}.{kind}"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(file, exif=stored(orientation))


def stored(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.fixture
def gopro(tmp_path):
    for sequence in ("GOPR0372", "GOPR0374", "GOPR0378"):
        write_pairs(tmp_path / "GOPRO" / "train" / sequence, ("000047", "000048"))
    write_pairs(tmp_path / "GOPRO" / "test" / "GOPR0384", ("000001",))
    return tmp_path / "GOPRO"


def test_gopros_layout_is_found_and_a_whole_sequence_held_out(gopro):
    folder = open_pairs(gopro)
    assert len(folder.pairs) == 6  # Those in test are not among them.
    pairs = take_pairs(recipe("pairs.crop=16"), folder, CPU)
    held = {pair.sequence.name for pair in pairs.development}
    assert len(held) == 1
    assert held.isdisjoint(pair.sequence.name for pair in pairs.pairs)
    assert len(pairs) == 4
    for each in pairs.held_out():
        assert each.title in held
        assert each.clean.shape == (1, 3, 16, 16)
        assert (each.damaged.int() - each.clean.int() == 30).all()


def test_both_pictures_of_a_pair_are_cut_and_mirrored_alike(gopro):
    pairs = take_pairs(recipe("pairs.crop=16"), open_pairs(gopro), CPU)
    torch.manual_seed(0)
    clean, damaged = pairs.make(pairs.fetch(np.array([0, 1, 2, 3] * 8)))
    assert clean.shape == (32, 3, 16, 16)
    assert (damaged.int() - clean.int() == 30).all()
    assert len({picture.numpy().tobytes() for picture in clean}) > 20  # Four pictures, cut in many places.


@pytest.mark.parametrize("below", ["", "train"])
def test_a_plain_pair_of_folders_will_do(tmp_path, below):
    write_pairs(tmp_path / "set" / below, ("a", "b", "c"))
    pairs = take_pairs(recipe(), open_pairs(tmp_path / "set"), CPU)
    assert (len(pairs), len(pairs.development)) == (2, 1)
    assert pairs.provenance.picture_size == (20, 24)


def test_pairs_in_the_current_folder_are_damaged_as_they_are_elsewhere(tmp_path, monkeypatch):
    write_pairs(tmp_path / "set", ("a", "b"))
    monkeypatch.chdir(tmp_path / "set")
    held = list(take_pairs(recipe(), open_pairs(Path()), CPU).held_out())
    restorer = Restorer(make_restorer(SPEC).eval(), SPEC, "", make_fabric("cpu", "fp32"))  # It changes nothing.
    figures, shown = look(restorer, held, None)
    apart = pytest.approx(20 * math.log10(255 / 30))
    assert figures == {"psnr": apart, "psnr_before": apart}
    assert [column.title for column in shown] == ["set"]


def test_the_content_hash_tells_folders_apart(tmp_path):
    write_pairs(tmp_path / "one", ("a", "b"))
    write_pairs(tmp_path / "same", ("a", "b"))
    write_pairs(tmp_path / "other", ("a", "c"))
    one, same, other = (open_pairs(tmp_path / name).content_hash for name in ("one", "same", "other"))
    assert one == same != other


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: (root / "blur" / "b.png").unlink(), r"b.png has no partner of the same name: 1 of"),
        (lambda root: (root / "sharp" / "b.png").write_bytes(b"no"), "b.png is not a readable picture"),
        (
            lambda root: Image.new("RGB", (24, 21)).save(root / "sharp" / "b.png"),
            r"20 x 24 pixels, its partner 21 x 24",
        ),
        (
            lambda root: Image.new("RGB", (24, 20)).save(root / "sharp" / "b.png", exif=stored(3)),
            r"blur/b.png has the EXIF orientation 1, its partner 3",
        ),
        (
            lambda root: Image.new("RGB", (24, 20)).save(root / "sharp" / "b.bmp"),
            r"sharp/b.bmp and .*sharp/b.png have one name",
        ),
        (lambda root: (root / "blur").rename(root / "blurred"), "holds no pairs of pictures"),
        (lambda root: root.rename(root.with_name("gone")), "There is no folder"),
    ],
)
def test_pairs_that_cannot_be_used_are_named(tmp_path, spoil, message):
    write_pairs(tmp_path / "set", ("a", "b", "c"))
    spoil(tmp_path / "set")
    with pytest.raises(DataError, match=message):
        open_pairs(tmp_path / "set")


@pytest.mark.parametrize("kind", ["png", "jpg", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_sizes_are_those_of_the_upright_pictures(tmp_path, orientation, kind):
    write_pairs(tmp_path / "set", ("a", "b"), size=(20, 90), orientation=orientation, kind=kind)
    size = (20, 90) if orientation < 5 else (90, 20)
    pairs = take_pairs(recipe("pairs.crop=none"), open_pairs(tmp_path / "set"), CPU)
    assert pairs.provenance.picture_size == size
    assert pairs.make(pairs.fetch(np.array([0])))[0].shape == (1, 3, *size)
    pairs = take_pairs(recipe("pairs.crop=16"), open_pairs(tmp_path / "set"), CPU)
    (held,) = pairs.held_out()
    assert held.clean.shape == held.damaged.shape == (1, 3, 16, 16)


def test_a_picture_of_another_size_than_its_head_said_is_named(tmp_path):
    write_pairs(tmp_path / "set", ("a", "b"))
    pairs = take_pairs(recipe("pairs.crop=16"), open_pairs(tmp_path / "set"), CPU)
    Image.new("RGB", (30, 30)).save(pairs.pairs[0].blurred)
    with pytest.raises(DataError, match=f"{pairs.pairs[0].blurred} has 30 x 30 pixels; its head said 20 x 24"):
        pairs.fetch(np.array([0]))


def test_one_pair_is_too_few(tmp_path):
    write_pairs(tmp_path / "set", ("a",))
    with pytest.raises(DataError, match="holds one pair"):
        open_pairs(tmp_path / "set")


def test_sizes_must_suit_the_crop(tmp_path):
    write_pairs(tmp_path / "set", ("a", "b"))
    write_pairs(tmp_path / "set", ("c",), size=(18, 40))
    folder = open_pairs(tmp_path / "set")
    with pytest.raises(ConfigError, match=r"2 sizes .*Set pairs.crop"):
        take_pairs(recipe(), folder, CPU)
    with pytest.raises(ConfigError, match=r"c.png has 18 x 40 pixels \(1 pairs are too small"):
        take_pairs(recipe("pairs.crop=19"), folder, CPU)


def test_a_picture_that_breaks_later_is_named(gopro):
    pairs = take_pairs(recipe("pairs.crop=16"), open_pairs(gopro), CPU)
    pairs.pairs[0].sharp.write_bytes(pairs.pairs[0].sharp.read_bytes()[:200])
    with pytest.raises(DataError, match=f"{pairs.pairs[0].sharp} cannot be read"):
        pairs.fetch(np.array([0]))


def test_files_are_decoded_side_by_side_and_come_in_order(gopro, monkeypatch):
    read, two_at_once = folders._read, threading.Barrier(2)

    def wait_for_another(pair):
        two_at_once.wait(timeout=30)
        return read(pair)

    monkeypatch.setattr(folders, "available_cores", lambda: 2)
    pairs = take_pairs(recipe("pairs.crop=16"), open_pairs(gopro), CPU)
    alone = [read(pair) for pair in pairs.pairs]
    monkeypatch.setattr(folders, "_read", wait_for_another)
    for (sharp, blurred), expected in zip(pairs.fetch(np.arange(4)), alone, strict=True):
        assert torch.equal(sharp, expected[0])
        assert torch.equal(blurred, expected[1])
