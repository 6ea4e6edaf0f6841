"""Names, sets and severities as users give them."""

from pathlib import Path

import pytest

from rugged.core.catalogue import ALL, BENCHMARK, EXTRA
from rugged.core.errors import ConfigError
from rugged.core.selection import choose_corruptions, choose_preset, choose_severities, require_list


def test_sets_stand_for_their_corruptions():
    assert choose_corruptions(["benchmark"]) == BENCHMARK
    assert choose_corruptions(["extra"]) == EXTRA
    assert choose_corruptions(["all"]) == ALL
    assert choose_corruptions(["extra", "benchmark", "fog"]) == BENCHMARK + EXTRA


def test_names_come_once_in_the_catalogues_order():
    assert choose_corruptions(["saturate", "contrast", "snow", "contrast"]) == ("snow", "contrast", "saturate")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "No corruption was named. There are: gaussian_noise"),
        (["contrats"], "'contrats' is no corruption. Did you mean contrast?"),
        (["benchmarks"], "Did you mean benchmark?"),
        (["xyz"], "There are: gaussian_noise.* and the sets benchmark, extra, all"),
    ],
)
def test_other_names_are_refused(names, message):
    with pytest.raises(ConfigError, match=message):
        choose_corruptions(names)


def test_severities_rise_and_come_once():
    assert choose_severities([5, 1, 5]) == (1, 5)
    for wrong in ([], [0], [1, 6], [True], [2.0], 1, None, "123"):
        with pytest.raises(ConfigError, match=r"expected (a list of )?some of 1 to 5"):
            choose_severities(wrong)


def test_presets_are_taken_by_size_unless_named():
    assert choose_preset(None, 64, 70) == "tiny64"
    assert choose_preset("cifar32", 64, 70) == "cifar32"
    with pytest.raises(ConfigError, match=r"no preset 'tiny46'\. Did you mean 'tiny64'\?"):
        choose_preset("tiny46", 64, 64)


def test_a_text_is_no_list_of_names():
    with pytest.raises(ConfigError, match="Expected a list of corruptions, not the text 'fog'"):
        choose_corruptions("fog")


@pytest.mark.parametrize("given", [[], ["a"], ("a", "b"), iter(["a"])])
def test_a_list_of_any_kind_is_one(given):
    require_list(given, "names")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("fog", r"^Expected a list of names, not the text 'fog'\. Write \['fog'\]\.$"),
        (Path("runs/a"), r"not the path 'runs/a'\. Write \['runs/a'\]\.$"),
        (None, r"^Expected a list of names, not None\.$"),
        (3, r"not 3\.$"),
    ],
)
def test_one_thing_is_no_list(given, message):
    with pytest.raises(ConfigError, match=message):
        require_list(given, "names")
    with pytest.raises(ConfigError, match=r"^key: Expected a list"):
        require_list(given, "names", "key")
