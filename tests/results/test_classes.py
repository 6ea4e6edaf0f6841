"""Classes are found by id or name, and what is not found is guessed at."""

import json

import pytest

from rugged.core.errors import ConfigError, ResultsError
from rugged.results import Classes, read_classes

CLASSES = Classes(("n1", "n2", "n3", "n4"), ("tea_pot", "crane", "crane", "Labrador retriever"))


@pytest.mark.parametrize(("wanted", "label"), [("n2", 1), ("tea pot", 0), ("TEA_POT", 0), ("labrador RETRIEVER", 3)])
def test_a_class_is_found_by_id_or_name(wanted, label):
    assert CLASSES.find(wanted) == label


def test_what_cannot_be_found_is_guessed_at():
    with pytest.raises(ConfigError, match=r"no class 'labrador retreiver'\. Did you mean 'Labrador retriever'\?"):
        CLASSES.find("labrador retreiver")
    with pytest.raises(ConfigError, match="There are 4, such as tea_pot"):
        CLASSES.find("xyz")
    with pytest.raises(ConfigError, match=r"2 classes are called 'crane'\. Say which by its id: n2, n3"):
        CLASSES.find("crane")


def test_names_that_are_shared_are_shown_with_their_ids():
    assert CLASSES.shown == ("tea_pot", "crane (n2)", "crane (n3)", "Labrador retriever")


def test_a_blank_name_is_shown_as_the_id_and_a_broken_one_on_one_line():
    assert Classes(("n1", "n2", "n3"), ("", "two\n lines", " \t")).shown == ("n1", "two lines", "n3")


def test_an_id_is_found_in_any_case_and_as_it_stands_before_a_name():
    classes = Classes(("n1", "cat", "Cat"), ("cat", "dog", "lynx"))
    assert classes.find("N1") == 0
    assert classes.find("cat") == 1
    with pytest.raises(ConfigError, match="3 classes are called 'CAT'"):
        classes.find("CAT")


def test_they_are_read_from_a_run_or_refused(tmp_path):
    path = tmp_path / "classes.json"
    with pytest.raises(ResultsError, match="does not list the classes"):
        read_classes(path)
    entries = [{"id": one, "name": name} for one, name in zip(CLASSES.ids, CLASSES.names, strict=True)]
    path.write_text(json.dumps(entries))
    assert read_classes(path) == CLASSES
    with pytest.raises(ResultsError, match="lists 4 classes, the summary is about 5"):
        read_classes(path, 5)
    for damaged in ([], [{"id": "a"}], [{"id": "a", "name": "b"}] * 2, {"id": "a"}, 3):
        path.write_text(json.dumps(damaged))
        with pytest.raises(ResultsError, match="does not list the classes"):
            read_classes(path)
