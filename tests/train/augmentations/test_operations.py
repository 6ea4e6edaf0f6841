"""The operations of the policies: their names, and which of them the benchmark tests."""

import pytest
import torch

from rugged.core.catalogue import ALL
from rugged.core.errors import ConfigError
from rugged.train.augmentations.augmix import augmix
from rugged.train.augmentations.geometry import MAPS
from rugged.train.augmentations.operations import COLOUR, apply_chosen, draw_signs, ledger
from rugged.train.augmentations.recipe import STRICT, TRIVIAL
from rugged.train.augmentations.trivial import trivial_augment


def test_what_a_recipe_may_name_is_what_there_is():
    assert {"identity", *MAPS, *COLOUR} == set(TRIVIAL)
    assert len(TRIVIAL) == 14
    assert set(STRICT) < set(TRIVIAL)


def test_the_ledger_names_elementary_operations_as_the_catalogue_does():
    assert ledger(("translate_y", "identity", "shear_x", "translate_x", "saturate")) == (
        "translate",
        "shear",
        "saturate",
    )
    assert set(ledger(TRIVIAL)) & set(ALL) == {"brightness", "contrast", "saturate"}
    assert not set(ledger(STRICT)) & set(ALL)
    assert ledger(("identity",)) == ()


@pytest.mark.parametrize("policy", [trivial_augment, augmix])
@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["rotat"], "no operation 'rotat'. Did you mean 'rotate'"),
        (["fog"], "There are: identity"),
        ([], "at least one operation"),
        ("rotate", "not 'rotate'"),
    ],
)
def test_what_cannot_be_drawn_from_is_refused(policy, names, message):
    with pytest.raises(ConfigError, match=message):
        policy(torch.zeros(2, 3, 8, 8, dtype=torch.uint8), names=names)


def test_operations_follow_one_another_each_with_the_strength_that_its_image_drew_for_it():
    images = torch.full((5, 3, 4, 4), 100, dtype=torch.uint8)
    choices = torch.tensor([[0, 1, 0, -1, 1], [1, 0, 0, 0, -1]])
    strengths = torch.tensor([[0.5, 2, 0.25, 9, 3], [3, 2.2, 1.5, 0.75, 9]])
    ranges = dict.fromkeys(("brightness", "posterize"), lambda strength: strength)
    result = apply_chosen(images, ("brightness", "posterize"), choices, strengths, ranges, smooth=False)
    # 100 · 0.5 in 3 bits; 100 in 2 bits · 2.2; 100 · 0.25 · 1.5; 100 · 0.75; 100 in 3 bits
    assert result.amin((1, 2, 3)).tolist() == [32, 140, 37, 75, 96]
    assert result.amax((1, 2, 3)).tolist() == [32, 140, 37, 75, 96]


@pytest.mark.parametrize("policy", [trivial_augment, augmix])
def test_no_pictures_are_none(policy):
    assert policy(torch.zeros(0, 3, 8, 8, dtype=torch.uint8)).shape == (0, 3, 8, 8)


def test_half_of_the_strengths_change_their_sign():
    torch.manual_seed(1)
    strengths = torch.full((2000,), 0.25)
    signed = draw_signs(strengths)
    assert torch.equal(signed.abs(), strengths)
    assert abs(int((signed < 0).sum()) - 1000) < 4.5 * 22.4
