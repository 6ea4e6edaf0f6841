"""One check of names, for recipes and for callers."""

import pytest

from rugged.core.errors import ConfigError
from rugged.train.augmentations.names import require_known
from rugged.train.augmentations.recipe import NORMS, SMOOTH, NoiseRecipe, SmoothRecipe

KNOWN = ("rotate", "shear")


def test_some_of_what_is_known_is_accepted():
    require_known("names", ["shear"], KNOWN)
    require_known("names", KNOWN, KNOWN)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "augment.x has no name; expected some of rotate, shear."),
        (("shear", "fog"), "augment.x has 'fog'; expected some of rotate, shear."),
        (["rotat"], "augment.x has 'rotat'; expected some of rotate, shear. Did you mean 'rotate'?"),
        ("rotate", "augment.x is 'rotate'; expected a list of some of rotate, shear."),
        ([3], "augment.x has 3; expected some of rotate, shear."),
    ],
)
def test_anything_else_is_refused(names, message):
    with pytest.raises(ConfigError) as caught:
        require_known("augment.x", names, KNOWN)
    assert str(caught.value) == message


def test_recipes_know_what_there_is():
    assert SmoothRecipe(names=SMOOTH).names == ("random_filter", "colour_curve", "elastic_transform")
    assert NoiseRecipe(norms=NORMS).norms == ("0", "0.5", "1", "2", "inf")
    with pytest.raises(ConfigError, match=r"augment\.noise\.norms has '3'; expected some of 0, 0\.5"):
        NoiseRecipe(norms=("3",))
