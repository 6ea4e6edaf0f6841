"""Augmentations do what their names say, to each image on its own."""

import torch

from rugged.corruptions import EXTRA, corrupt
from rugged.train.augment import augment, operations, random_flip, random_shift, settle_textures
from rugged.train.recipe import AugmentRecipe, CorruptRecipe


def pictures(count, height=6, width=9):
    torch.manual_seed(1)
    return torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8)


def test_half_of_the_images_are_mirrored():
    images = pictures(400)
    result = random_flip(images)
    same = (result == images).flatten(1).all(1)
    mirrored = (result == images.flip(-1)).flatten(1).all(1)
    assert (same ^ mirrored).all()
    assert 160 < mirrored.sum() < 240  # Within four standard deviations of 200.


def test_every_shift_is_drawn_and_fills_from_the_mirror():
    images = pictures(2000)
    padded = torch.nn.functional.pad(images.float(), (2, 2, 2, 2), mode="reflect").to(torch.uint8)
    windows = [padded[:, :, top : top + 6, left : left + 9] for top in range(5) for left in range(5)]
    torch.manual_seed(3)
    result = random_shift(images, 2)
    matches = torch.stack([(result == window).flatten(1).all(1) for window in windows])
    assert (matches.sum(0) == 1).all()  # Each image is exactly one of the 25 windows …
    counts = matches.sum(1)
    assert counts.min() > 80 - 4.5 * 8.8  # … and each window is drawn about 80 times.
    assert counts.max() < 80 + 4.5 * 8.8


def test_shifts_larger_than_the_picture_are_held_back():
    images = pictures(5, 2, 2)
    assert random_shift(images, 10).shape == images.shape
    assert torch.equal(random_shift(pictures(5, 1, 1), 4), pictures(5, 1, 1))


def test_the_seed_decides_and_inputs_stay_as_they_are():
    images = pictures(50)
    before = images.clone()
    torch.manual_seed(5)
    first = augment(images, AugmentRecipe())
    torch.manual_seed(5)
    assert torch.equal(augment(images, AugmentRecipe()), first)
    assert torch.equal(images, before)
    assert not torch.equal(augment(images, AugmentRecipe()), first)


def test_the_ledger_lists_what_is_used_and_nothing_else():
    assert operations(AugmentRecipe()) == ("flip", "crop")
    assert operations(AugmentRecipe(flip=False, crop=0)) == ()
    images = pictures(3)
    assert torch.equal(augment(images, AugmentRecipe(flip=False, crop=0)), images)


def test_corruptions_of_a_recipe_are_applied_and_listed():
    recipe = AugmentRecipe(flip=False, crop=0, corrupt=CorruptRecipe(("contrast",), (4,), probability=1.0))
    images = pictures(5)
    assert torch.equal(augment(images, recipe), corrupt(images, "contrast", 4))
    assert operations(recipe) == ("contrast",)
    assert operations(AugmentRecipe(corrupt=CorruptRecipe(("extra",)))) == ("flip", "crop", *EXTRA)
    assert operations(AugmentRecipe(corrupt=CorruptRecipe(("extra",), probability=0.0))) == ("flip", "crop")


def test_drawn_textures_are_written_into_the_recipe(monkeypatch):
    assert settle_textures(AugmentRecipe()) == (AugmentRecipe(), None)
    drawn, textures = settle_textures(AugmentRecipe(corrupt=CorruptRecipe(("frost",), textures="procedural")))
    assert textures.label == "procedural"
    monkeypatch.setattr("rugged.train.augment.choose_textures", lambda _: textures)
    assert settle_textures(AugmentRecipe(corrupt=CorruptRecipe(("frost",)))) == (drawn, textures)
