"""Files that come with rugged, and those of the user's own."""

from dataclasses import dataclass
from pathlib import Path

import pytest

import rugged
from rugged.core.errors import ConfigError
from rugged.core.shipped import load_shipped, not_shipped, require_recipe, shipped


@dataclass(frozen=True)
class Number:
    value: int


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A folder ``numbers`` as if it came with rugged."""
    folder = tmp_path / "house" / "numbers"
    folder.mkdir(parents=True)
    for other in ("recipes", "restorers", "studies"):
        (folder.parent / other).mkdir()
    (folder.parent / "restorers" / "mender.toml").touch()
    for name, text in {"two.toml": "value = 2", "one.toml": "value = 1", "one_b.toml": "", "notes.txt": "no"}.items():
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr("rugged.core.shipped.resources.files", {"rugged": folder.parent}.__getitem__)


def read(where, *overrides):
    return load_shipped(Number, "number", "numbers", where, overrides)


@pytest.mark.usefixtures("house")
def test_only_toml_is_shipped_in_the_names_order():
    assert list(shipped("numbers").items()) == [("one", "value = 1"), ("one_b", ""), ("two", "value = 2")]


@pytest.mark.parametrize("folder", ["recipes", "studies"])
def test_what_rugged_ships_is_found(folder):
    there = Path(rugged.__file__).parent / folder
    assert set(shipped(folder)) == {path.stem for path in there.glob("*.toml")} != set()


@pytest.mark.usefixtures("house")
def test_a_file_is_read_by_name_or_by_path(tmp_path):
    (tmp_path / "mine.toml").write_text("value = 7", encoding="utf-8")
    assert read("two") == Number(2)
    assert read(Path("two")) == Number(2)
    assert read(tmp_path / "mine.toml") == Number(7)
    assert read(str(tmp_path / "mine.toml"), "value=8") == read("two", "value=8") == Number(8)


@pytest.mark.usefixtures("house")
def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path):
    (tmp_path / "mine.toml").write_text("value = 7", encoding="utf-8-sig")
    assert read(tmp_path / "mine.toml") == Number(7)


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("tow", r"^There is no number 'tow'\. Did you mean 'two'\? A file of your own must end in \.toml\.$"),
        ("xyz", r"'xyz'\. Shipped: one, one_b, two\. A file of your own"),
        ("notes.txt", "There is no number 'notes.txt'"),
        ("mender", r"^There is no number 'mender', but `rugged restore train mender` knows one of that name\.$"),
        ("none.toml", "Cannot read the number none.toml"),
        ("latin.toml", "Cannot read the number latin.toml"),
        ("one_b", r"^number one_b: value is missing"),
        ("wrong.toml", r"^wrong\.toml: value is 'a'"),
    ],
)
def test_other_files_are_refused(tmp_path, monkeypatch, where, message):
    monkeypatch.chdir(tmp_path)
    Path("latin.toml").write_bytes(b"\xff")
    Path("wrong.toml").write_text('value = "a"', encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        read(where)


def test_what_is_not_shipped_is_said_without_more():
    assert not_shipped("recipe", "palin", ["plain", "demo"]) == "There is no recipe 'palin'. Did you mean 'plain'?"


@dataclass(frozen=True)
class Other:
    """No number."""


def test_what_is_no_recipe_is_told_where_one_comes_from():
    require_recipe(Other(), Other)
    for given, message in (
        ("one", r"^The recipe is the text 'one'; expected what [\w.]*load_recipe\('one'\) gives\.$"),
        (Path("one.toml"), r"load_recipe\('one.toml'\)"),
        (None, r"^The recipe is NoneType; expected Other, which"),
        (Number(1), r"^The recipe is Number; expected Other, which .* gives\.$"),
    ):
        with pytest.raises(ConfigError, match=message):
            require_recipe(given, Other)
