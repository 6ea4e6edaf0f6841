"""What was perhaps meant, where a name is not known."""

from rugged.core.hints import did_you_mean, nearest, no_such, suggest

WEATHER = ("snow", "frost", "fog")


def test_the_nearest_names_come_first_and_far_ones_not_at_all():
    assert nearest("snwo", WEATHER) == ["snow"]
    assert nearest("frog", WEATHER, 3) == ["fog", "frost"]  # One letter too many, two that differ.
    assert nearest("contrast", WEATHER, 3) == []
    assert nearest(3, WEATHER) == []


def test_guesses_are_offered_or_something_else_is_said():
    assert did_you_mean(["a", "b"], "No.") == "Did you mean a, b?"
    assert did_you_mean([], "No.") == "No."
    assert did_you_mean([]) == ""


def test_a_suggestion_falls_back_on_all_there_is_if_that_is_wanted():
    assert suggest("snwo", WEATHER, "There are") == "Did you mean 'snow'?"
    assert suggest("contrast", WEATHER, "There are") == "There are: snow, frost, fog."
    assert suggest("contrast", dict.fromkeys(WEATHER)) == ""


def test_what_does_not_exist_is_refused_with_all_that_does():
    every = "There are: snow, frost, fog."
    assert no_such("weather", "snwo", WEATHER) == f"There is no weather 'snwo'. Did you mean 'snow'? {every}"
    assert no_such("weather", None, WEATHER) == f"There is no weather None. {every}"
