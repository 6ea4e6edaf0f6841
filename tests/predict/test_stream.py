"""Rows come as pictures do, whatever is wrong with some of them."""

import csv
import io
import json
import struct
import threading
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rugged.data import decode_image
from rugged.predict import Row, Source, csv_lines, find_pictures, json_lines, predict_files
from rugged.predict.classifier import BATCH, Guess


@pytest.fixture
def rows(colours, capsys):
    def rows(*names, top=5):
        return list(predict_files(colours, find_pictures(list(map(str, names)), io.BytesIO()), top))

    return rows


def test_every_kind_of_picture_is_read(rows, tmp_path):
    """Upright, one grey, laid on white, in 16 bits, CMYK, the first frame of an animation."""
    turned = Image.new("RGB", (40, 20), "red")
    turned.paste("blue", (0, 0, 10, 20))  # After the turn the blue is at the top, beyond the crop's square.
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.jpg", exif=exif, quality=100, subsampling=0)
    Image.new("L", (32, 32), 80).save(tmp_path / "grey.png")
    Image.new("RGBA", (32, 32), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    Image.fromarray(np.full((32, 32), 80 * 257, np.uint16)).save(tmp_path / "deep.png")
    Image.new("CMYK", (32, 32), (0, 255, 255, 0)).save(tmp_path / "cmyk.tif")
    Image.new("RGB", (32, 32), "blue").save(
        tmp_path / "moving.gif", save_all=True, append_images=[Image.new("RGB", (32, 32), "red")]
    )
    found = {row.source.path.name: {guess.id: guess.probability for guess in row.guesses} for row in rows(tmp_path)}
    third = pytest.approx(1 / 3, abs=1e-6)
    for equal in ("grey.png", "clear.png", "deep.png"):
        assert found[equal] == {"red": third, "green": third, "blue": third}
    assert found["turned.jpg"]["red"] > 0.999
    assert found["cmyk.tif"]["red"] > 0.999
    assert found["moving.gif"]["blue"] > 0.999


def bomb(width, height):
    """A PNG that claims a size and holds no pixels."""
    chunks = (b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"IDAT")
    framed = (struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def test_bad_pictures_are_rows_with_an_error_and_the_rest_is_done(rows, plain, tmp_path, capsys):
    good = plain(tmp_path / "good.png", "red")
    (tmp_path / "bomb.png").write_bytes(bomb(65_000, 65_000))
    (tmp_path / "cut.png").write_bytes(good.read_bytes()[:60])
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "folder.png").mkdir()
    names = ["bomb.png", "cut.png", "empty.jpg", "missing.png", "x" * 300]
    found = rows(*(tmp_path / name for name in names), good)
    starts = ["too many pixels", "truncated", "empty file (0 bytes)", "no such file"]
    assert [row.error[: len(start)] for row, start in zip(found, starts, strict=False)] == starts
    assert found[4].error
    assert [row.guesses[0].id for row in found if row.error is None] == ["red"]
    assert capsys.readouterr().err.count("\n") == 5


def test_a_tables_bad_paths_are_rows_with_an_error(rows, plain, tmp_path):
    plain(tmp_path / "good.png", "red")
    (tmp_path / "list.csv").write_text(f"path\n{'x' * 300}\nnul\0.png\ngood.png\n")
    long, nul, good = rows(tmp_path / "list.csv")
    assert "too long" in long.error
    assert nul.error
    assert good.guesses[0].id == "red"


def test_odd_names_are_read(rows, plain, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ["-dash.png", "näme.png", "two\nlines.png", "=cmd().png", " blank .png"]
    for name in names:
        plain(tmp_path / name, "green")
    assert [row.guesses[0].id for row in rows(*names)] == ["green"] * 5


def test_rows_come_while_later_pictures_are_still_unread(colours, plain, tmp_path):
    """So memory does not grow with their number: at most three batches are asked for before the first row."""
    path = plain(tmp_path / "one.png", "red")
    asked = 0

    def endless():
        nonlocal asked
        while True:
            asked += 1
            yield Source("one.png", path)

    rows = predict_files(colours, endless(), fetched_ahead=1)
    assert next(rows).guesses[0].id == "red"
    assert asked <= 4 * BATCH
    rows.close()


def test_pictures_are_read_side_by_side_and_come_in_their_order(colours, monkeypatch):
    """Each waits for another one to be read; the first of each pair is done last."""
    both = threading.Barrier(2)

    def read(path, side):
        number = int(path.name)
        both.wait(60)
        if number % 2 == 0:
            time.sleep(0.01)
        return np.full((side, side, 3), [[[0, 0, number]]], np.uint8)

    monkeypatch.setattr("rugged.predict.stream.available_cores", lambda: 2)
    monkeypatch.setattr("rugged.predict.stream.read_picture", read)
    sources = (Source(str(number), Path(str(number))) for number in range(2 * BATCH))
    found = list(predict_files(colours, sources))
    assert [row.source.name for row in found] == [str(number) for number in range(2 * BATCH)]
    blue = [{guess.id: guess.probability for guess in row.guesses}["blue"] for row in found]
    assert blue == sorted(blue)
    assert len(set(blue)) == 2 * BATCH


def test_pillows_warnings_are_not_told_and_those_of_others_stay(rows, tmp_path):
    """Pytest makes errors of warnings. EXIF data whose first entry claims more than there is has one."""
    exif = Image.Exif()
    exif[0x0112] = 1
    Image.new("RGB", (32, 32)).save(tmp_path / "0.jpg", exif=exif)
    data = (tmp_path / "0.jpg").read_bytes()
    entries = data.index(b"Exif\0\0") + 14
    damaged = data[:entries] + b"\0\5" + data[entries + 2 :]
    for number in range(20):
        (tmp_path / f"{number}.jpg").write_bytes(damaged)
    with pytest.warns(UserWarning, match="Corrupt EXIF data"):
        decode_image(damaged)
    before = list(warnings.filters)
    assert {row.error for row in rows(tmp_path)} == {None}
    assert warnings.filters == before


ROWS = [
    Row(Source("-a.png", None, "=1+1"), (Guess("n1", "@crane, grey", 0.75), Guess("n2", "hen", 1.23456789e-7))),
    Row(Source("b\n.png", None), error="no such file"),
]


def test_csv_is_read_back_and_computes_nothing():
    text = "".join(csv_lines(ROWS, top=2))
    head, *lines = csv.reader(io.StringIO(text))
    assert head == ["id", "path", "class_1", "name_1", "probability_1", "class_2", "name_2", "probability_2", "error"]
    assert lines == [
        ["'=1+1", "'-a.png", "n1", "'@crane, grey", "0.75", "n2", "hen", "1.23457e-07", ""],
        ["", "b\n.png", "", "", "", "", "", "", "no such file"],
    ]


def test_json_lines_are_read_back_as_they_are():
    first, second = map(json.loads, json_lines(ROWS))
    assert first == {
        "id": "=1+1",
        "path": "-a.png",
        "predictions": [
            {"class": "n1", "name": "@crane, grey", "probability": 0.75},
            {"class": "n2", "name": "hen", "probability": 1.23457e-7},
        ],
        "error": None,
    }
    assert second == {"id": None, "path": "b\n.png", "predictions": [], "error": "no such file"}
