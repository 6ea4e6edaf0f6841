"""Augmentations do what their names say, to each image on its own."""

import csv
import dataclasses

import pytest
import torch

import rugged.train.augment as module
from rugged.core.errors import ConfigError, ModelError
from rugged.core.files import read_json, sha256_file
from rugged.corruptions import BENCHMARK, EXTRA, corrupt
from rugged.data import development_split, open_dataset
from rugged.engine import make_fabric, open_restorer
from rugged.models import ModelSpec, RestorerSpec, load_model, make_restorer, preprocess, save_restorer
from rugged.train import load_recipe, train
from rugged.train.augment import Sources, gather, operations, settle_textures, views
from rugged.train.augmentations.recipe import (
    AugmentRecipe,
    AugMixRecipe,
    CorruptRecipe,
    FourierRecipe,
    MixRecipe,
    NoiseRecipe,
    PixMixRecipe,
    SmoothRecipe,
    TrivialRecipe,
)
from rugged.train.learner import Learner


def pictures(count, height=6, width=9):
    torch.manual_seed(1)
    return torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8)


def augment(images, recipe, side=6):
    """The one view of a recipe without consistency."""
    (view,) = views(images, recipe, gather(recipe, None, side, make_fabric("cpu")), side)
    return view


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
    assert operations(AugmentRecipe()) == ("crop", "flip")
    assert operations(AugmentRecipe(flip=False, crop=0)) == ()
    images = pictures(3)
    assert torch.equal(augment(images, AugmentRecipe(flip=False, crop=0)), images)


def test_corruptions_of_a_recipe_are_applied_and_listed():
    recipe = AugmentRecipe(flip=False, crop=0, corrupt=CorruptRecipe(("contrast",), (4,), probability=1.0))
    images = pictures(5)
    assert torch.equal(augment(images, recipe), corrupt(images, "contrast", 4))
    assert operations(recipe) == ("contrast",)
    assert operations(AugmentRecipe(corrupt=CorruptRecipe(("extra",)))) == ("crop", "flip", *EXTRA)
    assert operations(AugmentRecipe(corrupt=CorruptRecipe(("extra",), probability=0.0))) == ("crop", "flip")


def test_drawn_textures_are_written_into_the_recipe(monkeypatch):
    assert settle_textures(AugmentRecipe()) == (AugmentRecipe(), None)
    drawn, textures = settle_textures(AugmentRecipe(corrupt=CorruptRecipe(("frost",), textures="procedural")))
    assert textures.label == "procedural"
    monkeypatch.setattr("rugged.train.augment.choose_textures", lambda _: textures)
    assert settle_textures(AugmentRecipe(corrupt=CorruptRecipe(("frost",)))) == (drawn, textures)


EXAMPLES = {
    "crop": 4,
    "resized_crop": 0.3,
    "flip": True,
    "rotate": 15.0,
    "trivial": TrivialRecipe(1.0),
    "augmix": AugMixRecipe(1.0),
    "pixmix": PixMixRecipe(1.0, fractals=3),
    "smooth": SmoothRecipe(1.0),
    "fourier": FourierRecipe(1.0),
    "noise": NoiseRecipe(1.0, norms=("2", "inf")),
    "corrupt": CorruptRecipe(("contrast",), probability=1.0),
    "restore": "restorer.safetensors",
    "erase": 1.0,
    "mix": MixRecipe(1.0),
}
"""A value of each field that switches an augmentation on."""

SCHEDULE = {"plain_epochs"}
"""Fields that say when pictures are augmented, not how."""

FILES = {"restore"}
"""Augmentations that read a file."""

NOTHING = AugmentRecipe(crop=0, flip=False)
EVERYTHING = AugmentRecipe(**{name: value for name, value in EXAMPLES.items() if name not in FILES})


@pytest.mark.parametrize("name", [each.name for each in dataclasses.fields(AugmentRecipe) if each.name not in SCHEDULE])
def test_every_augmentation_is_in_the_ledger_and_changes_the_pictures(name, tmp_path, monkeypatch):
    assert name in EXAMPLES, f"EXAMPLES needs a value of augment.{name} that switches it on"
    monkeypatch.chdir(tmp_path)
    spec = RestorerSpec(width=4, blocks=(1,), blocks_up=())
    restorer = make_restorer(spec)
    torch.nn.init.constant_(restorer.head[-1].bias, -0.2)
    save_restorer("restorer.safetensors", restorer, spec)

    recipe, fabric = dataclasses.replace(NOTHING, **{name: EXAMPLES[name]}), make_fabric("cpu")
    assert operations(NOTHING) == ()
    assert operations(recipe), f"augment.{name} has no line in the ledger, operations() of train/augment.py"
    learner = Learner(
        fabric, dataclasses.replace(load_recipe("demo_baseline"), augment=recipe),
        ModelSpec("timm/test_resnet", tuple("abc"), tuple("abc"), 16),
        model=None, module=None, optimizer=None, average=None, sources=gather(recipe, None, 16, fabric),
    )  # fmt: skip
    images = pictures(8, 16, 16)
    (seen,), _ = learner.augmented(images, torch.zeros(8, dtype=torch.int64))
    assert (seen.float() - images).abs().max() > 1, f"augment.{name} changes nothing: is it called in train/augment.py?"


def test_everything_together_works_and_is_listed_once():
    images = pictures(6, 16, 16)
    result = augment(images, EVERYTHING, side=12)
    assert result.shape == (6, 3, 12, 12)
    assert result.dtype == torch.uint8
    names = operations(EVERYTHING)
    assert len(set(names)) == len(names)
    assert set(names) == {
        "crop", "flip", "rotate", "shear", "translate", "brightness", "saturate", "contrast", "sharpness", "posterize",
        "solarize", "autocontrast", "equalize", "fractal_mix", "random_filter", "colour_curve", "fourier_mix",
        "defocus_blur", "gaussian_noise", "erase", "mixup", "cutmix",
    }  # fmt: skip


def test_what_a_corruption_of_the_benchmark_does_goes_by_its_name():
    overlapping = set(operations(EVERYTHING)) & set(BENCHMARK)
    assert overlapping == {"brightness", "contrast", "defocus_blur", "gaussian_noise"}
    warped = AugmentRecipe(smooth=SmoothRecipe(1.0, ("random_filter", "elastic_transform")))
    assert set(operations(warped)) & set(BENCHMARK) == {"elastic_transform"}


def test_consistency_asks_for_the_pictures_and_two_mixes_of_them():
    images = pictures(8, 16, 16)
    recipe = AugmentRecipe(flip=False, crop=0, augmix=AugMixRecipe(consistency=12.0))
    first, second, third = views(images, recipe, Sources(), 16)
    assert torch.equal(first, images)
    assert not torch.equal(second, images)
    assert not torch.equal(second, third)
    assert "posterize" in operations(recipe)


@pytest.mark.parametrize("name", ["trivial", "augmix", "pixmix", "smooth", "fourier", "noise", "mix"])
def test_every_table_is_off_until_its_probability_says_otherwise(name):
    plain = AugmentRecipe(flip=False, crop=0)
    assert getattr(plain, name).probability == 0
    table = dataclasses.replace(getattr(plain, name), probability=1.0)
    assert operations(plain) == ()
    assert operations(dataclasses.replace(plain, **{name: table}))


def test_pixmix_alters_its_copies_as_strongly_as_the_recipe_says(monkeypatch):
    monkeypatch.setattr(module, "pixmix", lambda images, mixers, copy, **_: copy(images))
    monkeypatch.setattr(module, "alter", lambda images, *, severity: images + severity)
    recipe = AugmentRecipe(crop=0, flip=False, pixmix=PixMixRecipe(1.0, severity=7))
    (view,) = views(torch.zeros(2, 3, 8, 8, dtype=torch.uint8), recipe, Sources(fractals=torch.empty(0)), 8)
    assert (view == 7).all()


def test_pictures_pass_through_a_restorer_once_they_are_corrupted(tmp_path):
    spec = RestorerSpec(width=4, blocks=(1,), blocks_up=())
    module = make_restorer(spec)
    torch.nn.init.constant_(module.head[-1].bias, -0.2)
    file = tmp_path / "deblur" / "restorer.safetensors"
    save_restorer(file, module, spec)
    corrupted = CorruptRecipe(("brightness",), (3,), probability=1.0)
    plain = AugmentRecipe(crop=0, flip=False, corrupt=corrupted)
    behind = dataclasses.replace(plain, restore=str(file))
    images = pictures(4)
    torch.manual_seed(0)
    bright = augment(images, plain)
    torch.manual_seed(0)
    seen = augment(images, behind)
    assert torch.equal(seen, open_restorer(file.parent, make_fabric("cpu")).restore(bright))
    assert not torch.equal(seen, bright)
    assert operations(behind) == ("brightness", "restored by deblur")
    assert operations(dataclasses.replace(behind, restore=str(file.parent))) == operations(behind)
    with pytest.raises(ModelError, match="There is no model file"):
        augment(images, dataclasses.replace(plain, restore=str(tmp_path / "gone.safetensors")))


def test_the_last_epochs_see_plain_pictures(picture_folder, tmp_path, monkeypatch):
    seen = []

    def noted(images, recipe, *others):
        seen.append(recipe)
        return views(images, recipe, *others)

    monkeypatch.setattr("rugged.train.learner.views", noted)
    recipe = load_recipe(
        "demo_baseline",
        [
            "model.architecture=timm/test_resnet", "epochs=3", "batch_size=1000", "development_per_class=6",
            "augment.crop=2", "augment.trivial.probability=1", "augment.augmix.consistency=12",
            "augment.pixmix.probability=1", "augment.pixmix.fractals=2", "augment.plain_epochs=2", "average.decay=0.9",
        ],
    )  # fmt: skip
    run = train(recipe, open_dataset(picture_folder), tmp_path / "run", device="cpu")
    assert seen[:3] == [recipe.augment, AugmentRecipe(crop=2), AugmentRecipe(crop=2)]
    assert set(seen[3:]) == {AugmentRecipe(crop=2)}  # The average's batch norms are measured on plain ones, too.
    assert "posterize" in load_model(run.model)[1].training_operations
    with pytest.raises(ConfigError, match="plain_epochs is 4, of 3 epochs"):
        load_recipe("demo_baseline", ["epochs=3", "augment.plain_epochs=4"])


def test_a_classifier_that_learns_behind_a_restorer_is_judged_behind_it(picture_folder, tmp_path):
    """Its manifest names the restorer, whose pictures are greyer here than those that it is given."""
    spec = RestorerSpec(width=4, blocks=(1,), blocks_up=())
    file, module = tmp_path / "restorer.safetensors", make_restorer(spec)
    torch.nn.init.constant_(module.head[-1].bias, -0.3)
    save_restorer(file, module, spec)
    wishes = [
        "model.architecture=timm/test_resnet", "epochs=1", "development_per_class=6", f"augment.restore={file}",
        "precision=fp32", "watch=extra",
    ]  # fmt: skip
    dataset = open_dataset(picture_folder)
    run = train(load_recipe("demo_baseline", wishes), dataset, tmp_path / "run", device="cpu")
    assert read_json(run.manifest)["companions"] == {"augment.restore": sha256_file(file)}

    split = dataset.train.take(development_split(dataset.train, 6)[1])
    images, labels = torch.from_numpy(split.images.copy()).permute(0, 3, 1, 2), torch.from_numpy(split.labels)
    restorer, (model, facts) = open_restorer(file, make_fabric("cpu", "fp32")), load_model(run.model)

    def answers(shown):
        with torch.no_grad():
            return model.eval()(preprocess(restorer.restore(shown), facts))

    right = [(answers(corrupt(images, name, 3, ids=split.ids)).argmax(1) == labels).double().mean() for name in EXTRA]
    (row,) = [each for each in csv.DictReader(run.metrics.read_text().splitlines()) if each["split"] == "dev"]
    loss = torch.nn.functional.cross_entropy(answers(images), labels).item()
    assert float(row["loss"]) == pytest.approx(loss, rel=1e-4)
    assert float(row["extra_top1"]) == pytest.approx(torch.stack(right).mean().item())
