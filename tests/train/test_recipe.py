"""Recipes: the shipped ones can be read, the wrong ones are refused."""

import pytest

from rugged.core.configuration import dump
from rugged.core.errors import ConfigError
from rugged.models import resolve
from rugged.train import load_recipe, shipped_recipes


@pytest.mark.parametrize("name", shipped_recipes())
def test_shipped_recipes_begin_with_what_they_are_and_name_a_real_network(name):
    assert shipped_recipes()[name].startswith("# ")
    assert resolve(load_recipe(name).model.architecture) == load_recipe(name).model.architecture


@pytest.mark.parametrize("name", shipped_recipes())
def test_a_resolved_recipe_reads_as_the_same_recipe(name, tmp_path):
    recipe = load_recipe(name, ["epochs=2", "optimizer.clip_norm=1.0"])
    (tmp_path / "recipe.toml").write_text(dump(recipe))
    assert load_recipe(tmp_path / "recipe.toml") == recipe


@pytest.mark.parametrize(
    ("where", "overrides", "message"),
    [
        ("plain46", (), "Did you mean 'plain64'"),
        ("nothing.toml", (), "Cannot read the recipe nothing.toml"),
        ("plain64", ("optimizer.lr=-1",), r"optimizer\.lr is -1"),
        ("plain64", ("epochs=0",), "epochs is 0"),
        ("plain64", ("batch_size=0",), "batch_size is 0"),
        ("plain64", ("label_smoothing=1",), "label_smoothing is 1"),
        ("plain64", ("augment.crop=-1",), "must not be negative"),
        ("plain64", ("optimizer.nmae=sgd",), "'name'"),
        ("plain64", ("optimizer.name=sdg",), "Did you mean 'sgd'"),
    ],
)
def test_refusals(where, overrides, message):
    with pytest.raises(ConfigError, match=message):
        load_recipe(where, overrides)
