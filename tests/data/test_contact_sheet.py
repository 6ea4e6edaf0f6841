"""The contact sheet: the pictures that are on it, unchanged, and a page that holds everything."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from rugged.data import draw_contact_sheet
from rugged.data.dataset import ClassInfo, Dataset, Split

BACKGROUND = (250, 250, 248)


def dataset_of(classes, per_class, side, name="class"):
    """Each class has pictures of one colour of its own."""
    colours = np.stack([np.array([label % 16 * 8, label // 16 * 8, 99], dtype=np.uint8) for label in range(classes)])
    labels = np.repeat(np.arange(classes), per_class)
    images = np.broadcast_to(colours[labels][:, None, None], (len(labels), side, side, 3))
    ids = tuple(f"c{label:03d}/{index}" for label in range(classes) for index in range(per_class))
    train = Split("train", images, labels, ids)
    infos = tuple(ClassInfo(f"c{label:03d}", f"{name} {label}") for label in range(classes))
    val = Split("val", images[:1], labels[:1], ids[:1])
    return Dataset("pets", infos, train, val, "0" * 64, (), Path()), colours


@pytest.mark.parametrize(("classes", "per_class", "side"), [(2, 3, 64), (10, 5, 48), (200, 1, 64), (40, 20, 96)])
def test_every_class_shows_its_pictures(classes, per_class, side):
    dataset, colours = dataset_of(classes, per_class, side)
    page = np.asarray(draw_contact_sheet(dataset, per_class=4)).astype(np.int64)
    found = Counter((page @ [65536, 256, 1]).ravel().tolist())
    for colour in colours.astype(np.int64):
        assert found[int(colour @ [65536, 256, 1])] == min(per_class, 4) * side * side


@pytest.mark.parametrize(("side", "shown"), [(8, 40), (224, 96)])
def test_small_pictures_are_enlarged_and_large_ones_reduced(side, shown):
    dataset, colours = dataset_of(1, 2, side)
    page = np.asarray(draw_contact_sheet(dataset))
    assert (page == colours[0]).all(axis=2).sum() == 2 * shown * shown


@pytest.mark.parametrize("name", ["class", "a very long name indeed, with [brackets] and more " * 3])
def test_nothing_touches_the_margin(name):
    page = np.asarray(draw_contact_sheet(dataset_of(12, 4, 64, name)[0]))
    for edge in (page[:20], page[-20:], page[:, :20], page[:, -20:]):
        assert (edge == BACKGROUND).all()


def test_the_same_data_gives_the_same_page():
    rng = np.random.default_rng(0)
    dataset, _ = dataset_of(3, 30, 64)
    train = Split(
        "train",
        rng.integers(0, 256, dataset.train.images.shape, dtype=np.uint8),
        dataset.train.labels,
        dataset.train.ids,
    )
    order = rng.permutation(len(train))
    pages = [
        draw_contact_sheet(Dataset("pets", dataset.classes, split, dataset.val, "0" * 64, (), Path()))
        for split in (train, train.take(order))
    ]
    np.testing.assert_array_equal(np.asarray(pages[0]), np.asarray(pages[1]))


def test_a_page_of_200_classes_fits_a_screen():
    width, height = draw_contact_sheet(dataset_of(200, 1, 64)[0]).size
    assert 1 < width / height < 2
