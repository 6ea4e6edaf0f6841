"""Recipes: the shipped ones can be read, the wrong ones are refused."""

import dataclasses
import re
import tomllib
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

import pytest

from rugged.core.configuration import dump
from rugged.core.errors import ConfigError
from rugged.engine.optimize import learning_rate
from rugged.models import resolve
from rugged.restore import RestoreRecipe
from rugged.train import Recipe, load_recipe, shipped_recipes
from rugged.train.augment import operations
from rugged.train.augmentations.recipe import AugmentRecipe
from rugged.train.recipe import LIMITS, ModelRecipe


@pytest.mark.parametrize("name", shipped_recipes())
def test_shipped_recipes_begin_with_what_they_are_and_name_a_real_network(name):
    title, command, result, *_ = shipped_recipes()[name].splitlines()
    assert title.startswith("# ")
    assert command.startswith(f"#   rugged train {name} --data ")
    assert re.search(r"\d", result)
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
        ("plain64", ("optimizer.nmae=sgd",), "'name'"),
        ("plain64", ("optimizer.name=sdg",), "Did you mean 'sgd'"),
        (
            "plain64",
            ('augment.corrupt.names=["frots"]',),
            "^recipe plain64 --set [^ ]*: augment.corrupt.names: 'frots' is no corruption. Did you mean frost",
        ),
        (
            "plain64",
            ("augment.corrupt.severities=[0]",),
            "^recipe plain64 --set [^ ]*: augment.corrupt.severities are 0; expected some of 1 to 5",
        ),
        (
            "plain64",
            ('augment.trivial.names=["inverted"]',),
            "^recipe plain64 --set [^ ]*: augment.trivial.names has 'inverted'; expected some of",
        ),
    ],
)
def test_refusals(where, overrides, message):
    with pytest.raises(ConfigError, match=message):
        load_recipe(where, overrides)


@pytest.mark.parametrize(
    ("name", "values"),
    {
        "epochs": (0, -1),
        "batch_size": (0,),
        "seed": (-1, 2**63),
        "label_smoothing": (-0.1, 1, "nan"),
        "development_per_class": (-1,),
        "model.input_size": (0, -5),
        "optimizer.lr": (0, -1, "nan", "inf"),
        "optimizer.weight_decay": (-1, "nan", "inf"),
        "optimizer.momentum": (-1, 1, 1.5, "nan"),
        "optimizer.warmup_epochs": (-1, "nan", "inf"),
        "optimizer.clip_norm": (0, -1, "nan", "inf"),
        "augment.crop": (-1,),
        "augment.corrupt.probability": (-0.1, 1.5, "nan"),
    }.items(),
)
def test_numbers_out_of_range_are_refused(name, values):
    for value in values:
        with pytest.raises(ConfigError, match=rf"{name} is {value}\b.*from .* to "):
            load_recipe("plain64", [f"{name}={value}"])


def test_every_number_of_a_recipe_has_a_range():
    fields = set()

    def collect(kind, prefix):
        for name, hint in get_type_hints(kind).items():
            if dataclasses.is_dataclass(hint):
                collect(hint, f"{prefix}{name}.")
            elif get_origin(hint) is not tuple and {int, float} & {hint, *get_args(hint)}:
                fields.add(f"{prefix}{name}")

    collect(Recipe, "")
    assert fields == set(LIMITS)


@pytest.mark.parametrize(
    "override",
    ["seed=0", "label_smoothing=0", "optimizer.momentum=0", "optimizer.warmup_epochs=0", "optimizer.weight_decay=0",
     "optimizer.lr=1e-9", "optimizer.clip_norm=1.0", "model.input_size=224", "augment.crop=0"],
)  # fmt: skip
def test_the_usual_edges_are_allowed(override):
    load_recipe("plain64", [override])


@pytest.mark.parametrize(
    ("page", "recipe", "elsewhere"),
    [
        ("training.md", Recipe(ModelRecipe("rugged/resnet18_64"), epochs=1), "augment"),
        ("restore.md", RestoreRecipe(epochs=1), r"(adversary\.)?optimizer\.\w+"),
    ],
)
def test_the_guide_shows_every_key_with_its_default(page, recipe, elsewhere):
    """Of keys that are told of elsewhere those that are shown."""
    guide = (Path(__file__).resolve().parents[2] / "docs" / page).read_text(encoding="utf-8")
    shown = guide.split("```toml\n", 1)[1].split("```", 1)[0]
    defaults = tomllib.loads(shown)
    examples = tomllib.loads(re.sub(r"(?m)^# (?=\w+ = )", "", shown))

    def check(recipe, table, example, where=""):
        for field in dataclasses.fields(recipe):
            default, name = getattr(recipe, field.name), f"{where}{field.name}"
            if field.name not in example and re.fullmatch(elsewhere, name):
                continue
            assert field.name in example, f"{name} is not shown"
            if dataclasses.is_dataclass(default):
                check(default, table[field.name], example[field.name], f"{name}.")
            elif field.default is dataclasses.MISSING:
                assert field.name in table
            elif default in (None, ()):
                assert not table.get(field.name), f"{name} has no default, and is shown with one"
            else:
                assert table.get(field.name) == (list(default) if isinstance(default, tuple) else default), name
        assert set(example) <= {field.name for field in dataclasses.fields(recipe)}

    check(recipe, defaults, examples)


def test_the_guide_names_every_augmentation():
    guide = (Path(__file__).resolve().parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
    for field in dataclasses.fields(AugmentRecipe):
        assert f"[augment.{field.name}]" in guide or f"`{field.name} = " in guide, field.name


def test_the_reports_recipes_are_as_the_report_says():
    """SGD at 0.001 with momentum 0.9 for ten epochs, a tenth of that after seven, batches of 64, ImageNet's mean."""
    clean, corrupted = load_recipe("cs182_b"), load_recipe("cs182_c")
    assert clean == corrupted  # They differ in the pictures alone.
    assert (clean.epochs, clean.batch_size, clean.development_per_class) == (10, 64, 0)
    assert (clean.model.pretrained, clean.model.input_size) == (True, 224)
    assert (clean.model.mean, clean.model.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    rates = [learning_rate(clean.optimizer, 100 * epoch, 1000, 100) for epoch in range(10)]
    assert rates == pytest.approx([0.001] * 7 + [0.0001] * 3)
    assert (clean.optimizer.name, clean.optimizer.momentum, clean.optimizer.nesterov, clean.optimizer.weight_decay) == (
        "sgd",
        0.9,
        False,
        0.0,
    )
    assert operations(clean.augment) == ("crop", "flip", "rotate")
    assert clean.augment.rotate == 15


def test_an_override_alone_is_no_list_of_them():
    with pytest.raises(ConfigError, match=r"Write \['epochs=2'\]"):
        load_recipe("plain64", "epochs=2")


def test_what_no_file_says_is_refused_alike():
    recipe = load_recipe("plain64")
    for changed, message in (
        ({"epochs": -4}, "epochs is -4; it must be from 1"),
        ({"epochs": "4"}, "epochs is '4'; expected a number"),
        ({"model": {"architecture": "resnet18_64"}}, r"model is dict; expected ModelRecipe, as in model=ModelRecipe\("),
        ({"patience": 3, "development_per_class": 0}, "need a development split"),
    ):
        with pytest.raises(ConfigError, match=message):
            dataclasses.replace(recipe, **changed)
