"""What comes often enough, of what came last."""

from rugged.corruptions.recurring import Recurring


def test_it_pays_from_the_given_number_on():
    recurring = Recurring(3, 10)
    assert [recurring.pays("a") for _ in range(4)] == [False, False, True, True]
    assert [recurring.pays("b", times) for times in (2, 1)] == [False, True]
    assert recurring.pays("c", 3)


def test_what_others_have_displaced_begins_anew():
    recurring = Recurring(2, 2)
    assert [recurring.pays(what) for what in "aba"] == [False, False, True]
    assert not recurring.pays("c")  # displaces b, which came before a
    assert recurring.pays("a")
    assert not recurring.pays("b")
