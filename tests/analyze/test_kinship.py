"""Near and far mistakes by hand, groups that ship, and files of a user's own."""

import tomllib

import numpy as np
import pytest

from rugged.analyze import Groups, confusion_matrix, group_matrix, kinship_of, kinship_table, read_groups, select
from rugged.analyze.kinship import UNGROUPED, shipped_groups
from rugged.core.errors import ConfigError
from rugged.core.shipped import shipped
from rugged.data.builtin import CLASSES
from rugged.results import Classes

CATS = Groups(("cats", "things"), np.array([0, 0, 1]), "made")


def test_near_mistakes_are_those_counted_by_hand(cells):
    """Clean: a cat taken for a lynx, and a tea pot taken for a cat. Of two wrong classes each, one and none is near."""
    table = kinship_table(cells, CATS)
    assert (table.clean.wrong, table.clean.near, table.clean.share, table.clean.chance) == (2, 1, 0.5, 0.25)
    assert (table.corrupted.wrong, table.corrupted.near) == (7, 3)
    assert table.corrupted.chance == pytest.approx(6 / 7 * 0.5)
    assert table.severities[1].near == 1
    assert table.corruptions["contrast"].near == 0
    assert table.clean_matrix.tolist() == [[3, 0], [1, 0]]
    assert table.corrupted_matrix.tolist() == [[9, 3], [1, 3]]


def test_mistakes_spread_evenly_are_near_as_often_as_by_chance():
    groups = Groups(("a", "b", "c"), np.array([0, 0, 0, 1, 1, 2]), "made")
    found = kinship_of(np.ones((6, 6), np.int64), groups)
    assert found.share == pytest.approx(found.chance) == pytest.approx(8 / 30)
    assert np.isnan(kinship_of(np.eye(6, dtype=np.int64), groups).share)


def test_the_matrix_of_groups_adds_up_that_of_classes(cells):
    matrix = confusion_matrix(select(cells), 3)
    assert group_matrix(matrix, Groups(("all",), np.zeros(3, np.int64), "made")).tolist() == [[16]]
    alone = Groups(("a", "b", "c"), np.arange(3), "made")
    np.testing.assert_array_equal(group_matrix(matrix, alone), matrix)


@pytest.mark.parametrize(("name", "classes", "groups"), [
    ("tiny-imagenet", 200, 30), ("cifar-10", 10, 2), ("cifar-100", 100, 20), ("builtin", 10, 4),
])  # fmt: skip
def test_shipped_groups_name_every_class_once(name, classes, groups):
    table = tomllib.loads(shipped("analyze/groups")[name])
    entries = [entry for group in table.values() for entry in group]
    assert (len(table), len(entries), len(set(entries))) == (groups, classes, classes)
    assert all(len(group) > 1 for group in table.values())
    if name == "cifar-100":
        assert {len(group) for group in table.values()} == {5}


def test_groups_are_found_by_the_classes_of_a_data_set():
    builtin = shipped_groups(Classes(*zip(*CLASSES, strict=True)))
    assert builtin.source == "builtin"
    assert builtin.sizes.sum() == 10
    assert shipped_groups(Classes(*zip(*CLASSES[:9], strict=True))) is None  # Too few to tell near from far.
    known = tomllib.loads(shipped("analyze/groups")["tiny-imagenet"])
    chosen = tuple(known["vessels"][:2] + known["cats"] + known["vessels"][2:9])
    some = shipped_groups(Classes(chosen, chosen))
    assert some.names == ("cats", "vessels")
    assert some.members.tolist() == [1, 1] + [0] * len(known["cats"]) + [1] * (len(chosen) - 2 - len(known["cats"]))
    ten = ("airplane", "truck", "Frog", "ship", "automobile", "bird", "cat", "deer", "dog", "horse")
    cifar = shipped_groups(Classes(tuple(map(str, range(10))), ten))
    assert (cifar.source, cifar.members.tolist()) == ("cifar-10", [1, 1, 0, 1, 1, 0, 0, 0, 0, 0])
    assert shipped_groups(Classes(("n02123045", "x"), ("tabby", "none of these"))) is None


def test_a_users_groups_take_ids_and_names_and_gather_the_rest(tmp_path, classes):
    path = tmp_path / "mine.toml"
    path.write_text('animals = ["n1", "lynx"]')
    groups = read_groups(path, classes)
    assert groups.names == ("animals", UNGROUPED)
    assert groups.members.tolist() == [0, 0, 1]
    assert groups.source == "mine.toml"


def test_what_is_in_no_group_is_near_to_nothing():
    """Two cats and three other things. Of 20 ways to be wrong, spread evenly, two stay among the cats."""
    groups = Groups(("cats", UNGROUPED), np.array([0, 0, 1, 1, 1]), "made")
    found = kinship_of(np.ones((5, 5), np.int64), groups)
    assert (found.wrong, found.near) == (20, 2)
    assert found.chance == pytest.approx(2 / 20)


@pytest.mark.parametrize(("text", "message"), [
    ('a = ["cat", "n1"]', "cat stands in a and in a"),
    ('a = ["cat"]\nb = ["cat"]', "cat stands in a and in b"),
    ('a = ["cat", "lynks"]', "group a: There is no class 'lynks'. Did you mean 'Lynx'"),
    ('a = "cat"', "a is no list of classes"),
    ("a = [1]", "a is no list of classes"),
    ("", "holds no groups"),
    ("a = []", "holds no groups"),
    ('ungrouped = ["cat"]', "Call this group otherwise"),
    ("a = [", "Cannot read the groups"),
])  # fmt: skip
def test_a_users_faults_are_named(tmp_path, classes, text, message):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message.replace("?", r"\?")):
        read_groups(path, classes)
    with pytest.raises(ConfigError, match="Cannot read the groups"):
        read_groups(tmp_path / "none.toml", classes)
