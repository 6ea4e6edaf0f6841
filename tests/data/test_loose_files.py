"""Loose pictures are found, and named anew."""

from collections import Counter
from pathlib import PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from rugged.data.loose_files import find_loose_files, new_names

PATHS = st.lists(st.from_regex(r"([abA](\.png)?/)?[ab](\.(png|jpg|PNG))?(\.png)?", fullmatch=True), unique=True)


def as_png(path):
    return path if path.endswith(".png") else str(PurePosixPath(path).with_suffix(".png"))


@given(PATHS)
def test_no_two_get_the_same_name_and_none_that_of_a_folder(paths):
    names = new_names(paths, as_png, ".png")
    assert list(names) == paths
    made = Counter(name.casefold() for name in names.values() if name not in paths)
    assert max(made.values(), default=0) < 2
    assert len(set(names.values())) == len(paths)
    folders = {str(folder) for path in paths for folder in PurePosixPath(path).parents}
    assert not folders & {name for path, name in names.items() if name != path}


@given(PATHS)
def test_names_that_are_right_stay_and_others_change_no_more_than_they_must(paths):
    names = new_names(paths, as_png, ".png")
    wanted = Counter(as_png(path).casefold() for path in paths)
    longer = {f"{path}.png".casefold() for path in paths}
    folders = {str(folder).casefold() for path in paths for folder in PurePosixPath(path).parents}
    for path, name in names.items():
        if as_png(path) == path:
            assert name == path
        elif wanted[as_png(path).casefold()] == 1 and as_png(path).casefold() not in longer | folders:
            assert name == as_png(path)


def test_what_is_no_picture_by_its_name_is_not_missed(tmp_path):
    for name in ("b.png", "a.JPG", "notes.txt"):
        (tmp_path / name).touch()
    for name in ("gone.txt", "gone.png", "folder"):
        (tmp_path / name).symlink_to("nowhere")
    found = find_loose_files(tmp_path)
    assert found.paths == ("a.JPG", "b.png")
    assert [path.name for path, _ in found.problems] == ["folder", "gone.png"]
