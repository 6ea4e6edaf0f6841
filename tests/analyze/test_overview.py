"""The tables that are looked at first, of the four pictures that are worked out by hand."""

import dataclasses

import numpy as np

from rugged.analyze import all_tables, analyse, confused_pairs, overview, overview_lines, overview_tables
from rugged.results import Classes


def tables_of(cells, classes, count=10):
    return {table.title.partition(" (")[0]: table for table in overview_tables(analyse(cells, classes), count)}


def test_every_mistake_is_listed_only_where_all_tables_are_asked_for(cells, classes, monkeypatch):
    """There may be a million: of the ten that a terminal shows the matrices tell."""
    listed = []
    monkeypatch.setattr(
        overview, "confused_pairs", lambda *given: listed.append(len(given[0])) or confused_pairs(*given)
    )
    found = analyse(cells, classes)
    overview_tables(found)
    overview_lines(found)
    assert listed == []
    whole = all_tables(found)
    assert listed == [1, 4]  # Cells: clean, and fog and contrast at two severities.
    assert [row[2] for row in whole["confusions_corrupted"].rows] == [2, 2, 1, 1, 1]


def test_no_class_and_no_picture_stands_in_two_lists(cells, classes):
    tables = tables_of(cells, classes)
    assert "Best classes" not in tables
    assert [row[0] for row in tables["Classes, the worst first"].rows] == ["Lynx", "cat", "tea_pot"]
    assert [row[0] for row in tables["Pictures lost first"].rows] == ["c1/2", "c0/0"]
    assert [row[0] for row in tables["Pictures lost last or never"].rows] == ["c2/3", "c0/1"]
    alone = tables_of(cells, classes, 1)
    assert [row[0] for row in alone["Worst classes"].rows] == ["Lynx"]
    assert [row[0] for row in alone["Best classes"].rows] == ["tea_pot"]


def test_a_picture_that_is_never_lost_has_no_severity_of_loss(cells, classes):
    """Lost at 2 and at 2; at 1 and at 2; never and at 2; never under either."""
    tables = tables_of(cells, classes)
    rows = [*tables["Pictures lost first"].rows, *tables["Pictures lost last or never"].rows]
    assert {row[0]: row[2] for row in rows} == {"c0/0": "2.0", "c1/2": "1.5", "c0/1": "4.0", "c2/3": "never"}
    assert any("not lost counts 6" in line for line in overview_lines(analyse(cells, classes)))


def test_where_nothing_is_lost_no_picture_is_said_to_be_lost_first(cells, classes):
    for key, cell in cells.items():
        right = np.array([[label, (label + 1) % 3, (label + 2) % 3] for label in cell.labels], np.int32)
        cells[key] = dataclasses.replace(cell, top=right)
    tables = tables_of(cells, classes)
    assert "Pictures lost first" not in tables
    assert {row[2] for row in tables["Pictures lost last or never"].rows} == {"never"}


def test_shares_recognised_at_a_severity_or_a_higher_one_say_so(cells, classes):
    """Clean top-1 is 50%: under fog the last picture is mistaken when clean, and right at severity 2."""
    table = tables_of(cells, classes)["Pictures recognised at a severity or a higher one"]
    assert table.columns == ("Corruption", "Clean+", "1+", "2")
    assert table.rows[:2] == (("Fog", 1.0, 0.75, 0.5), ("Contrast", 1.0, 1.0, 0.25))
    assert any("Clean+ is no clean top-1" in line for line in overview_lines(analyse(cells, classes)))


def test_top5_of_three_classes_is_a_dash(cells, classes):
    table = tables_of(cells, classes)["Classes, the worst first"]
    place = table.columns.index("Corrupted top-5")
    assert {row[place] for row in table.words()} == {"–"}
    six = Classes(tuple("abcdef"), tuple("abcdef"))
    assert {row[place] for row in tables_of(cells, six)["Classes, the worst first"].words()} == {"100.00"}
