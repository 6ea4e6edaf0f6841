"""New names for loose pictures."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from rugged.data.loose_files import new_names

PATHS = st.lists(st.from_regex(r"[ab](/[ab])?(\.(png|jpg))?(\.png)?", fullmatch=True), unique=True)


def without_ending(path):
    return f"{path.split('.')[0]}.png"


@given(PATHS)
def test_no_two_get_the_same_name_and_a_name_of_its_own_is_kept(paths):
    names = new_names(paths, without_ending, ".png")
    assert list(names) == paths
    assert len(set(names.values())) == len(paths)
    times = Counter(map(without_ending, paths))
    longer = {f"{path}.png" for path in paths}
    for path, name in names.items():
        if times[without_ending(path)] == 1 and without_ending(path) not in longer:
            assert name == without_ending(path)
