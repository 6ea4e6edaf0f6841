"""The operations of the policies: their names, and which of them the benchmark tests."""

import pytest
import torch

from rugged.core.catalogue import ALL
from rugged.core.errors import ConfigError
from rugged.corruptions import corrupt
from rugged.train.augmentations.augmix import augmix
from rugged.train.augmentations.geometry import MAPS
from rugged.train.augmentations.operations import (
    ALL_OPERATIONS,
    AUGMIX_OPERATIONS,
    COLOUR,
    apply_chosen,
    draw_signs,
    policy_ledger,
)
from rugged.train.augmentations.trivial import trivial_augment


def test_what_a_recipe_may_name_is_what_there_is():
    assert {"identity", *MAPS, *COLOUR} == set(ALL_OPERATIONS)
    assert len(ALL_OPERATIONS) == 14
    assert set(AUGMIX_OPERATIONS) < set(ALL_OPERATIONS)


def test_the_ledger_names_elementary_operations_as_the_catalogue_does():
    assert policy_ledger(("translate_y", "identity", "shear_x", "translate_x", "saturate")) == (
        "translate",
        "shear",
        "saturate",
    )
    assert set(policy_ledger(ALL_OPERATIONS)) & set(ALL) == {"brightness", "contrast", "saturate", "defocus_blur"}
    assert not set(policy_ledger(AUGMIX_OPERATIONS)) & set(ALL)
    assert policy_ledger(("identity",)) == ()
    assert policy_ledger(("sharpness", "posterize", "sharpness")) == ("sharpness", "defocus_blur", "posterize")


def test_sharpness_below_1_blurs_about_as_defocus_does():
    """An edge between dark and bright, as wide after the one as after the other."""
    images = torch.full((1, 3, 64, 64), 40, dtype=torch.uint8)
    images[..., 32:] = 200
    blurred = COLOUR["sharpness"](images, torch.tensor([0.01])).double()
    defocused = corrupt(images, "defocus_blur", 1).double()
    widths = [((some - images)[0, 0, 32].abs().sum() / 160).item() for some in (blurred, defocused)]
    assert 0.5 < widths[0] / widths[1] < 2


@pytest.mark.parametrize("policy", [trivial_augment, augmix])
@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["rotat"], "names has 'rotat'; expected some of identity, .*Did you mean 'rotate'"),
        (["fog"], "names has 'fog'; expected some of identity, "),
        ([], "names has no name; expected some of identity, "),
        ("rotate", "names is 'rotate'; expected a list"),
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
