"""Which cells a question is about."""

import pytest

from rugged.analyze import averaged, corruptions_of, restrict, select, severities_of
from rugged.core.errors import ConfigError


def keys(cells):
    return [(cell.corruption, cell.severity) for cell in cells]


def test_means_are_over_the_benchmarks_corruptions_unless_there_are_none(cells):
    assert corruptions_of(cells) == ("fog", "contrast", "speckle_noise")
    assert averaged(cells) == ("fog", "contrast")
    assert severities_of(cells) == severities_of(cells, "fog") == (1, 2)
    assert keys(select(cells)) == [("fog", 1), ("fog", 2), ("contrast", 1), ("contrast", 2)]
    extra = restrict(cells, "speckle_noise")
    assert averaged(extra) == ("speckle_noise",)
    assert keys(select(extra)) == [("speckle_noise", 1), ("speckle_noise", 2)]


def test_one_corruption_one_severity_or_clean(cells):
    assert keys(select(cells, "speckle_noise")) == [("speckle_noise", 1), ("speckle_noise", 2)]
    assert keys(select(cells, severity=2)) == [("fog", 2), ("contrast", 2)]
    assert keys(select(cells, "contrast", 1)) == [("contrast", 1)]
    assert keys(select(cells, "clean")) == keys(select(cells, severity=0)) == [("clean", 0)]
    assert set(restrict(cells, severity=1)) == {("clean", 0), ("fog", 1), ("contrast", 1)}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("fogg",), r"fogg was not measured\. Did you mean 'fog'\? Measured: clean, fog, contrast, speckle_noise\."),
        (("fog", 3), r"severity 3 was not measured\. Measured: 0, 1, 2\."),
        (("fog", 0), "fog at severity 0 is none"),
        (("clean", 2), "clean at severity 2 is none"),
    ],
)
def test_what_was_not_measured_is_refused(cells, asked, message):
    with pytest.raises(ConfigError, match=message):
        select(cells, *asked)


def test_without_clean_or_without_corruptions(cells):
    with pytest.raises(ConfigError, match="clean predictions are missing"):
        select({("fog", 1): cells["fog", 1]}, "clean")
    with pytest.raises(ConfigError, match="Only clean"):
        select({("clean", 0): cells["clean", 0]})
    with pytest.raises(ConfigError, match="Only clean"):
        restrict({("clean", 0): cells["clean", 0]}, severity=0)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("clean",), r"Clean stands beside every corruption\. Name one of: fog, contrast, speckle_noise\."),
        ((None, 0), r"Clean stands beside every corruption\. Name one of: 1, 2\."),
        (("fog", 0), r"Name one of: 1, 2\."),
        (("fogg", 0), r"fogg was not measured\. Did you mean 'fog'\? Measured: fog, contrast, speckle_noise\."),
        ((None, 9), r"severity 9 was not measured\. Measured: 1, 2\."),
    ],
)
def test_what_is_named_instead_is_not_refused_in_turn(cells, asked, message):
    with pytest.raises(ConfigError, match=message):
        restrict(cells, *asked)
