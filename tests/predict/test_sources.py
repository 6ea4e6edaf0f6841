"""What names lead to, and in which order."""

import io
import os
import sys

import pytest

from rugged.core.errors import DataError
from rugged.predict import find_pictures


def names(*arguments, stdin=b""):
    return [source.name for source in find_pictures(arguments, io.BytesIO(stdin))]


@pytest.fixture
def tree(plain, tmp_path, monkeypatch):
    """Pictures below a folder, and things that are none."""
    monkeypatch.chdir(tmp_path)
    plain(tmp_path / "in" / "b.png", "red")
    plain(tmp_path / "in" / "a" / "z.PNG", "red")
    plain(tmp_path / "in" / "c.png", "red").rename(tmp_path / "in" / "without-ending")
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    (tmp_path / "in" / "broken.jpg").write_text("called one")
    plain(tmp_path / "in" / ".hidden" / "x.png", "red")
    plain(tmp_path / "in" / ".x.png", "red")
    (tmp_path / "in" / "a" / "up").symlink_to(tmp_path / "in")
    return tmp_path


def test_a_folders_pictures_come_in_the_order_of_their_names(tree):
    assert names("in") == ["in/b.png", "in/broken.jpg", "in/without-ending", "in/a/z.PNG"]


def test_files_are_taken_as_they_are_named(tree):
    assert names("in/notes.txt", "nothing.png", "in/b.png") == ["in/notes.txt", "nothing.png", "in/b.png"]


def test_patterns_fit_files_alone(tree):
    assert names("in/*.png") == ["in/b.png"]
    assert names(str(tree / "in" / "**" / "*.PNG")) == [str(tree / "in" / "a" / "z.PNG")]
    [source] = find_pictures(["in/*.gif"], io.BytesIO())
    assert (source.name, source.error) == ("in/*.gif", "no file fits this pattern")


def test_a_name_that_looks_like_a_pattern_is_a_file_where_there_is_one(tree, plain):
    plain(tree / "[b].png", "red")
    assert names("[b].png") == ["[b].png"]


def test_a_list_comes_by_standard_input(tree):
    assert names("-", stdin="in/b.png\r\n\nnäme.png\nlast".encode()) == ["in/b.png", "näme.png", "last"]
    assert names("-", stdin=b"two\nlines.png\0-dash.png\0") == ["two\nlines.png", "-dash.png"]
    assert names("-") == []


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text")
def test_names_that_are_no_text_are_kept(tree):
    [name] = names("-", stdin=b"\xff.png")
    assert os.fsencode(name) == b"\xff.png"


def test_a_list_is_read_as_it_comes():
    """The first name is there before the second block is asked for."""

    class Slow(io.BytesIO):
        asked = 0

        def read1(self, size=-1):
            self.asked += 1
            return [b"one\ntw", b"o\n", b""][self.asked - 1]

    stream = Slow()
    found = find_pictures(["-"], stream)
    assert next(found).name == "one"
    assert stream.asked == 1
    assert [source.name for source in found] == ["two"]


def test_a_table_gives_paths_and_ids(tree):
    table = tree / "in" / "eval.csv"
    table.write_text(
        "id,path,height,width,channels\nn01/b,b.png,32,32,3\n7,in/a/z.PNG,32,32,3\n8,,1,1,1\n\n", "utf-8-sig"
    )
    found = list(find_pictures([str(table)], io.BytesIO()))
    assert [(each.name, each.id) for each in found[:2]] == [("b.png", "n01/b"), ("in/a/z.PNG", "7")]
    assert [each.path.exists() for each in found[:2]] == [True, True]  # Beside the table; from the current folder.
    assert [(each.name, each.error) for each in found[2:]] == [(f"{table}, line 4", "no path in this line")]


def test_a_table_without_heads_is_one_of_id_path_height_width_and_channels(tree):
    """As lists for evaluation in courses are."""
    (tree / "eval.csv").write_text("0,in/b.png,64,64,3\n1,in/a/z.PNG,64,64,3\n")
    found = list(find_pictures(["eval.csv"], io.BytesIO()))
    assert [(each.id, each.name, each.path.exists()) for each in found] == [
        ("0", "in/b.png", True),
        ("1", "in/a/z.PNG", True),
    ]


def test_what_has_no_line_ends_does_not_fill_the_memory(tmp_path):
    with (tmp_path / "list.csv").open("wb") as stream:
        stream.truncate(30 * 2**30)
    with pytest.raises(DataError, match="a line of more than 1,048,576 characters"):
        list(find_pictures([str(tmp_path / "list.csv")], io.BytesIO()))
    with pytest.raises(DataError, match="a line of more than 1,048,576 bytes"):
        list(find_pictures(["-"], io.BytesIO(b"x" * 2**21)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no columns; expected one called 'path'"),
        (b"id,file\n1,a.png\n", "columns 'id', 'file'; expected one called 'path'"),
        (b"id, path\n1,a.png\n", "columns 'id', ' path'; expected one called 'path'"),
        (b"path,id,path\na.png,1,b.png\n", "has the column 'path' more than once"),
        (b"id,path,id\n1,a.png,2\n", "has the column 'id' more than once"),
        (b"\xff\xfe", "cannot be read as CSV"),
        (b'path\n"a', "cannot be read as CSV"),
    ],
)
def test_a_table_that_does_not_say_its_paths_is_refused_before_anything_is_read(tmp_path, content, message):
    (tmp_path / "list.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        list(find_pictures([str(tmp_path / "list.csv")], io.BytesIO()))


def test_a_link_to_a_picture_that_is_gone_is_reported(tree):
    (tree / "in" / "gone.png").symlink_to("nowhere.png")
    (tree / "in" / "ring.jpg").symlink_to("ring.jpg")
    (tree / "in" / "gone.txt").symlink_to("nowhere.txt")
    (tree / "in" / ".gone.png").symlink_to("nowhere.png")
    (tree / "in" / "linked.png").symlink_to("b.png")
    found = {each.name: each.error for each in find_pictures(["in"], io.BytesIO())}
    assert found == dict.fromkeys(["in/b.png", "in/broken.jpg", "in/linked.png", "in/without-ending", "in/a/z.PNG"]) | {
        "in/gone.png": "broken link (leads to nowhere.png)",
        "in/ring.jpg": "broken link (leads to ring.jpg)",
    }


def test_an_unreadable_folder_is_reported(tree):
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    (tree / "in" / "a").chmod(0)
    found = list(find_pictures(["in"], io.BytesIO()))
    (tree / "in" / "a").chmod(0o700)
    assert [each.error for each in found if each.error] == ["cannot be listed (Permission denied)"]
