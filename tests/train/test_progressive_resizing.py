"""Pictures that grow while a network learns."""

import pytest

import rugged.train.learner
from rugged.core.errors import ConfigError, ModelError
from rugged.data import open_dataset
from rugged.models import load_model, preprocess
from rugged.train import load_recipe, train
from rugged.train.network import specify
from rugged.train.progressive_resizing import picture_side, sides_shown


def recipe_with(*changes):
    return load_recipe("demo_baseline", changes)


def sides(full, *changes):
    recipe = recipe_with(*changes)
    return [picture_side(recipe, full, epoch) for epoch in range(recipe.epochs)]


def test_pictures_have_their_full_size_unless_a_recipe_says_otherwise():
    assert sides(64, "epochs=5") == [64] * 5


def test_they_grow_evenly_and_are_full_for_the_rest():
    assert sides(64, "epochs=10", "growth.start=32", "growth.share=0.8") == [32, 32, 40, 40, 48, 48, 56, 56, 64, 64]


@pytest.mark.parametrize(("full", "start", "share"), [(64, 32, 1.0), (224, 100, 0.6), (75, 33, 0.5), (9, 3, 0.9)])
def test_they_never_shrink_and_stay_between_start_and_full(full, start, share):
    found = sides(full, "epochs=20", f"growth.start={start}", f"growth.share={share}")
    assert found == sorted(found)
    assert found[0] == start
    assert max(found) <= full
    assert all(side == full for side in found[int(share * 20) :])


@pytest.mark.parametrize("share", [0.1, 0.7, 1.0])
@pytest.mark.parametrize("epochs", [1, 2, 3, 7])
def test_the_last_epoch_is_at_full_size_however_few_they_are(epochs, share):
    changes = (f"epochs={epochs}", "growth.start=16", f"growth.share={share}")
    found = sides(64, *changes)
    assert found[-1] == sides_shown(recipe_with(*changes), 64)[-1] == 64
    assert found[0] == (64 if epochs == 1 else 16)


def test_what_is_shown_at_full_size_alone_is_not_resized(picture_folder):
    ledgers = [
        specify(recipe_with(f"epochs={epochs}", "growth.start=16"), open_dataset(picture_folder), None)
        for epochs in (1, 2)
    ]
    assert ["resize" in spec.training_operations for spec in ledgers] == [False, True]


def test_a_start_that_is_no_smaller_is_refused():
    with pytest.raises(ConfigError, match=r"growth\.start is 64, and the pictures' full size is 64"):
        sides_shown(recipe_with("growth.start=64"), 64)


def test_the_network_sees_these_sizes_and_the_model_file_says_the_full_one(picture_folder, tmp_path, monkeypatch):
    seen = []

    def noted(images, spec):
        values = preprocess(images, spec)
        seen.append(values.shape[-1])
        return values

    monkeypatch.setattr(rugged.train.learner, "preprocess", noted)
    recipe = recipe_with(
        "model.architecture=timm/test_resnet", "epochs=4", "batch_size=1000", "development_per_class=6",
        "growth.start=24", "growth.share=0.75",
    )  # fmt: skip
    dataset = open_dataset(picture_folder)
    run = train(recipe, dataset, tmp_path / "run", device="cpu")
    full = min(dataset.size)
    assert seen == sides(full, "epochs=4", "growth.start=24", "growth.share=0.75")
    spec = load_model(run.model)[1]
    assert spec.input_size == full
    assert "resize" in spec.training_operations


def test_a_size_that_the_network_does_not_take_is_said_before_anything_is_written(picture_folder, tmp_path):
    recipe = recipe_with("model.architecture=rugged/alexnet64", "development_per_class=6", "growth.start=8")
    with pytest.raises(ModelError, match="cannot be trained on 8×8 pixels"):
        train(recipe, open_dataset(picture_folder), tmp_path / "run", device="cpu")
    assert not (tmp_path / "run/manifest.json").exists()


@pytest.mark.parametrize("share", ["0.7", "1.0"])
def test_every_size_that_is_to_come_is_tried_and_the_full_one(share):
    changes = ("epochs=12", "growth.start=32", f"growth.share={share}")
    found = sides_shown(recipe_with(*changes), 64)
    assert set(found) == {*sides(64, *changes)}
    assert len(found) == len(set(found))


def test_a_size_between_that_the_network_does_not_take_is_said_before_anything_is_written(picture_folder, tmp_path):
    """A side of 40 pixels, halved five times and rounded, does not meet itself when it is doubled again."""
    recipe = recipe_with(
        "model.architecture=timm/hrnet_w18_small", "model.input_size=64", "epochs=12", "batch_size=8",
        "development_per_class=6", "growth.start=32",
    )  # fmt: skip
    with pytest.raises(ModelError, match="cannot be trained on 40×40 pixels"):
        train(recipe, open_dataset(picture_folder), tmp_path / "run", device="cpu")
    assert not (tmp_path / "run/manifest.json").exists()
