"""``rugged data`` as a person calls it."""

import csv
import importlib
import inspect
import shlex
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import rugged.data
from rugged.cli.data import app
from rugged.core.errors import ConfigError, DataError
from rugged.data import builtin, open_dataset


def run(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=True)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_prepare_then_info(tiny_folder, tmp_path):
    prepared = run("prepare", "tiny-imagenet", "--from", tiny_folder)
    assert "--data tiny-imagenet" in prepared.output
    table, sheet = tmp_path / "classes.csv", tmp_path / "sheet.png"
    result = run("info", "tiny-imagenet", "--contact-sheet", sheet, "--classes-csv", table, "--verify")
    assert result.exit_code == 0
    for part in ("n01443537", "goldfish", "Egyptian cat", open_dataset("tiny-imagenet").content_hash, "64 x 64"):
        assert part in result.output
    with table.open(newline="") as stream:
        assert list(csv.reader(stream)) == [
            ["class_id", "class_name", "training_images", "validation_images"],
            ["n01443537", "goldfish", "12", "3"],
            ["n02124075", "Egyptian cat", "12", "3"],
        ]
    with Image.open(sheet) as page:
        assert page.format == "PNG"


def test_a_contact_sheet_is_a_png_outside_of_the_data(tmp_path, class_folders):
    class_folders(tmp_path / "src", {"a": 4, "b": 4})
    with pytest.raises(ConfigError, match=r"--contact-sheet writes a PNG file, and .*sheet\.jpg is not"):
        run("info", tmp_path / "src", "--contact-sheet", tmp_path / "sheet.jpg")
    with pytest.raises(DataError, match="read as part of the data"):
        run("info", tmp_path / "src", "--contact-sheet", tmp_path / "src" / "a" / "sheet.png")
    assert not list(tmp_path.rglob("sheet.*"))


def test_the_class_table_lies_outside_of_the_data(tmp_path, class_folders):
    class_folders(tmp_path / "src", {"a": 4, "b": 4})
    pack = open_dataset(tmp_path / "src").folder
    for folder in (tmp_path / "src", pack):
        before = sorted(folder.rglob("*"))
        with pytest.raises(DataError, match="read as part of the data"):
            run("info", tmp_path / "src", "--classes-csv", folder / "dataset.json")
        assert sorted(folder.rglob("*")) == before
    assert open_dataset(tmp_path / "src").folder == pack


def test_pack_tells_how_to_use_it(tmp_path, class_folders):
    class_folders(tmp_path / "src", {"a": 4, "[b]": 4, ":dog:": 4})
    assert f"--data {tmp_path / 'src'}" in run("pack", tmp_path / "src").output
    assert f"--data {tmp_path / 'src'}\n" in run("pack", tmp_path / "src", "--size", 6).output
    assert "pictures of 6 x 6, 0.0013 MB\n" in run("info", tmp_path / "src").output  # 12 of 6 · 6 · 3 bytes.
    packed = run("pack", tmp_path / "src", "--out", tmp_path / "out", "--size", 4, "--holdout", 0.5)
    assert f"--data {tmp_path / 'out'}" in packed.output
    info = run("info", tmp_path / "out")
    assert all(name in info.output for name in ("[b]", ":dog:"))
    assert "4 x 4" in info.output
    assert len(open_dataset(tmp_path / "out").val) == 6


def test_names_cannot_steer_the_terminal(tmp_path, class_folders):
    class_folders(tmp_path / "src", {"a": 4, "\u202edesrever": 4})
    told = run("info", tmp_path / "src").output
    assert "\ufffddesrever" in told
    assert "\u202e" not in told


@pytest.mark.parametrize(
    "arguments",
    [("prepare", "imagenet"), *(("pack", "src", "--holdout", share) for share in ("0", "1", "1.5", "-0.2"))],
)
def test_choices_that_do_not_exist_are_told(arguments):
    with pytest.raises(ConfigError, match="expected"):
        run(*arguments)


def test_bad_images_are_refused_or_skipped_and_nothing_else():
    result = CliRunner().invoke(app, ["pack", "src", "--bad-images", "ignore"])
    assert result.exit_code == 2
    assert all(word in result.output for word in ("--bad-images", "'refuse'", "'skip'"))


def test_public_names_are_not_hidden_by_modules_of_their_name():
    for name in dir(rugged.data):
        importlib.import_module(getattr(rugged.data, name).__module__)
    assert not [name for name in dir(rugged.data) if inspect.ismodule(getattr(rugged.data, name))]
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = rugged.data.nothing


def test_importing_the_command_and_the_package_is_cheap():
    heavy = "[name for name in ('torch', 'PIL', 'pyarrow', 'numpy') if name in sys.modules]"
    script = f"import sys, rugged.cli.data, rugged.data; print({heavy})"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_opening_a_pack_needs_no_torch(tmp_path, class_folders):
    class_folders(tmp_path / "src", {"a": 4, "b": 4})
    script = (
        "import sys; from rugged.data import open_dataset; open_dataset(sys.argv[1]); print('torch' in sys.modules)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "src")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"


def advised(output):
    """What a shell makes of the advice."""
    return shlex.split(output.rsplit("use it with --data ", 1)[1].strip())


def test_advice_is_quoted(tmp_path, class_folders):
    class_folders(tmp_path / "sp ace", {"a": 4, "b": 4})
    assert advised(run("pack", tmp_path / "sp ace").output) == [str(tmp_path / "sp ace")]
    assert advised(run("info", tmp_path / "sp ace").output) == [str(tmp_path / "sp ace")]


def test_a_folder_called_like_a_data_set_is_advised_as_a_path(tmp_path, class_folders, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    class_folders(tmp_path / "builtin", {"a": 4, "b": 4})
    assert advised(run("pack", "builtin").output) == ["./builtin"]
    assert [info.id for info in open_dataset("./builtin").classes] == ["a", "b"]
    drawn = (np.zeros((1, 64, 64, 3), dtype=np.uint8), np.array([0]), ["cat/1"])
    monkeypatch.setattr(builtin, "CLASSES", (("cat", "cat"),))
    monkeypatch.setattr(builtin, "splits", lambda: {"train": drawn, "val": drawn})
    assert open_dataset("builtin").classes[0].id == "cat"
    assert "write ./builtin." in " ".join(capsys.readouterr().err.split())


def test_a_folder_called_like_a_prepared_set_is_advised_as_a_path(tmp_path, class_folders, monkeypatch, tiny_folder):
    monkeypatch.chdir(tmp_path)
    class_folders(tmp_path / "tiny-imagenet", {"a": 4, "b": 4})
    assert advised(run("pack", "tiny-imagenet").output) == ["tiny-imagenet"]
    run("prepare", "tiny-imagenet", "--from", tiny_folder)
    assert advised(run("pack", "tiny-imagenet").output) == ["./tiny-imagenet"]


def test_prepare_keeps_the_choice_of_the_last_time(tiny_folder):
    bad = tiny_folder / "train" / "n02124075" / "images" / "n02124075_0.JPEG"
    bad.write_bytes(b"")
    prepare = ("prepare", "tiny-imagenet", "--from", tiny_folder)
    with pytest.raises(DataError, match="Not packed"):
        run(*prepare)
    run(*prepare, "--bad-images", "skip")
    assert run(*prepare).exit_code == 0
    with pytest.raises(DataError, match="Not packed"):
        run(*prepare, "--bad-images", "refuse")


def test_the_class_table_holds_no_formula(tmp_path, class_folders):
    class_folders(tmp_path / "src", {"=cmd()": 5, "b": 5})
    run("info", tmp_path / "src", "--classes-csv", tmp_path / "classes.csv")
    with (tmp_path / "classes.csv").open(newline="") as stream:
        assert list(csv.reader(stream))[1] == ["'=cmd()", "'=cmd()", "4", "1"]
