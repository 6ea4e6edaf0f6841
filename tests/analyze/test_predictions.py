"""Single predictions are those of the cell, chosen as they say."""

from tests.analyze.cells import random_cell

from rugged.analyze import predictions_of_class, random_predictions, select, surest_mistakes


def test_a_prediction_is_a_row_of_the_cell(cells):
    (first, second, *_) = predictions_of_class(select(cells, "fog"), 0)
    assert (first.id, first.corruption, first.severity, first.label) == ("c0/0", "fog", 1, 0)
    assert (first.top, first.right) == ((0, 1, 2), True)
    assert [round(share, 6) for share in second.probabilities] == [0.5, 0.3, 0.2]
    assert len(predictions_of_class(list(cells.values()), 0)) == 2 * len(cells)
    assert {one.id for one in predictions_of_class(list(cells.values()), 2)} == {"c2/3"}


def test_a_random_choice_is_the_same_for_the_same_seed_and_across_cells():
    (one, _), (other, _) = random_cell(1), random_cell(2)
    chosen = random_predictions(one, 12, seed=3)
    assert chosen == random_predictions(one, 12, seed=3)
    assert [row.id for row in chosen] == [row.id for row in random_predictions(other, 12, seed=3)]
    assert len({row.id for row in chosen}) == 12
    assert [row.id for row in chosen] != [row.id for row in random_predictions(one, 12, seed=4)]
    assert len(random_predictions(one, 1000)) == 200


def test_the_surest_mistakes_come_first(cells):
    assert [row.id for row in surest_mistakes(cells["contrast", 2], 2)] == ["c1/2", "c0/0"]
    assert [row.id for row in surest_mistakes(cells["clean", 0], 9)] == ["c2/3", "c0/1"]
