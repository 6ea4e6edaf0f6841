"""Recipes of restorers say what will happen, or are refused."""

import pytest

from rugged import restore
from rugged import train as classifiers
from rugged.core.errors import ConfigError, ModelError
from rugged.models import RestorerSpec
from rugged.restore import load_recipe


@pytest.mark.parametrize(
    ("generator", "message"),
    [
        ({"blocks": [0] * 7, "blocks_up": [0] * 6}, "1 to 6 levels"),
        ({"blocks": [], "blocks_up": []}, "1 to 6 levels"),
        ({"blocks": [1, 101], "blocks_up": [1]}, "0 to 100 blocks"),
        ({"blocks": [1, 1], "blocks_up": [-1]}, "0 to 100 blocks"),
        ({"blocks": [1, 1], "blocks_up": []}, "blocks_up has 0 numbers; expected 1, one less than blocks"),
        ({"width": 0}, "a width from 1 to 1024"),
        ({"width": 1025}, "a width from 1 to 1024"),
    ],
)
def test_recipes_and_files_refuse_the_same_networks(generator, message):
    with pytest.raises(ConfigError, match=message):
        load_recipe("deblur64", [f"generator.{name}={value}" for name, value in generator.items()])
    with pytest.raises(ModelError, match=message):
        RestorerSpec(**{"width": 4, "blocks": (1,), "blocks_up": (), **generator})


def test_each_training_takes_its_own_recipes():
    for train, recipe, message in (
        (
            restore.train,
            classifiers.load_recipe("plain64"),
            r"is Recipe; expected RestoreRecipe, .*rugged\.train\.train",
        ),
        (restore.train, "deblur64", r"expected what rugged\.restore\.load_recipe\('deblur64'\) gives"),
        (classifiers.train, load_recipe("deblur64"), r"is RestoreRecipe; expected Recipe, .*rugged\.restore\.train"),
        (classifiers.train, "plain64", r"expected what rugged\.train\.load_recipe\('plain64'\) gives"),
    ):
        with pytest.raises(ConfigError, match=message):
            train(recipe, "builtin", "out")


def test_a_discriminator_that_would_never_take_part_is_refused():
    """Its loss would stand in the restorer's ledger all the same."""
    for after in (3, 4.5):
        with pytest.raises(ConfigError, match=rf"adversary.after_epochs is {after} and epochs 3: .* never take part"):
            load_recipe("deblur64", ["epochs=3", f"adversary.after_epochs={after}"])
    for other in ("adversary.after_epochs=2.5", "adversary.loss=none", "adversary.weight=0"):
        load_recipe("deblur64", ["epochs=3", other])
