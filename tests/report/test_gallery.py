"""Chosen pictures bear the model's own answers, and a run without pictures has a page without them."""

import json
import shutil

import pytest
from PIL import Image

from rugged.core.errors import ResultsError
from rugged.report import write_markdown, write_report
from rugged.results import RunFolder, read_cell, read_pictures


def test_every_picture_bears_its_five_most_probable_classes(pair, pair_page):
    run = RunFolder(pair[0])
    names = [entry["name"] for entry in json.loads(run.classes.read_text())]
    strips = [strip for why in ("random", "mistake", "lost") for strip in read_pictures(run.pictures).gallery(why)]
    figures = pair_page.find("figure", within=pair_page.find("section", id="examples")[0])
    asked = [(strip, cell) for strip in strips for cell in strip.cells]
    assert len(figures) == len(asked) == 2 + 2 + 2 * 6
    for figure, (strip, key) in zip(figures, asked, strict=True):
        cell = read_cell(run.predictions, *key)
        place = cell.ids.index(strip.id)
        guesses = pair_page.find("li", within=figure)
        pairs = zip(cell.top[place], cell.top_probabilities[place], strict=True)
        assert [one.text for one in guesses] == [f"{names[label]} {100 * sure:.0f}%" for label, sure in pairs]
        assert (figure.attributes["class"] == "exhibit right") == bool(cell.correct[place])
        marked = [one.text.rsplit(" ", 1)[0] for one in guesses if "class" in one.attributes]
        assert marked == [names[label] for label in cell.top[place] if label == strip.label]


def test_a_run_of_before_says_why_it_has_no_pictures(make_run, tmp_path, parse):
    run = make_run(tmp_path / "run", corruptions=("fog",))
    assert "No pictures here" not in write_report([run], tmp_path / "r.html").read_text(encoding="utf-8")
    shutil.rmtree(RunFolder(run).pictures)
    page = parse(write_report([run], tmp_path / "r.html").read_text(encoding="utf-8"))
    assert not page.find("section", id="examples")
    assert not page.find("script", id="thumbnails")
    assert "Run rugged benchmark again" in page.find("section", id="classes")[0].text


def test_a_sheet_that_was_not_made_is_done_without(make_run, tmp_path, parse):
    run = RunFolder(make_run(tmp_path / "run", corruptions=("fog", "snow")))
    path = run.pictures / "index.json"
    index = json.loads(path.read_text())
    del index["files"]["classes-fog.jpg"], index["files"]["lost.png"]
    path.write_text(json.dumps(index))
    page = parse(write_report([run.path], tmp_path / "r.html").read_text(encoding="utf-8"))
    sheets = json.loads("".join(page.find("script", id="thumbnails")[0].parts))["sheets"]
    assert [sheet is None for sheet in sheets] == [False, True, False]
    assert "Lost as severity grows" not in page.find("section", id="examples")[0].text


@pytest.mark.parametrize("name", ["index.json", "lost.png", "classes-fog.jpg"])
@pytest.mark.parametrize("damage", ["cut", "gone", "small"])
def test_damage_is_one_error_that_says_what_to_do(make_run, tmp_path, name, damage):
    run = RunFolder(make_run(tmp_path / "run", corruptions=("fog",)))
    path = run.pictures / name
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:40])
    elif damage == "gone" and name != "index.json":
        path.unlink()
    elif name == "index.json":
        path.write_text("[]")
    else:
        Image.new("RGB", (8, 8)).save(path)
    with pytest.raises(ResultsError, match="rugged benchmark"):
        write_report([run.path], tmp_path / "r.html")


def test_a_picture_that_was_not_measured_is_refused(make_run, tmp_path):
    run = RunFolder(make_run(tmp_path / "run", corruptions=("fog",)))
    path = run.pictures / "index.json"
    path.write_text(path.read_text().replace('"id": "n0/003"', '"id": "n0/unknown"'))
    with pytest.raises(ResultsError, match="n0/unknown"):
        write_report([run.path], tmp_path / "r.html")


@pytest.mark.parametrize("write", [write_report, write_markdown])
@pytest.mark.parametrize(("part", "change", "message"), [
    ("strip", {"label": 99}, "lack or know as another class"),
    ("strip", {"label": -1}, "lack or know as another class"),
    ("strip", {"id": "n1/none"}, "shows 'n1/none' under clean-0"),
    ("strip", {"corruption": "fog"}, "under fog-1"),
    ("strip", {"severities": []}, "its sizes do not fit"),
    ("strip", {"severities": [0, 1]}, "its sizes do not fit"),
    ("sheets", {"columns": 0}, "its sizes do not fit"),
    ("sheets", {"ids": ["a"], "clean_ids": ["a"]}, "shows other classes"),
])  # fmt: skip
def test_an_index_that_does_not_fit_the_predictions_is_refused(make_run, tmp_path, write, part, change, message):
    run = RunFolder(make_run(tmp_path / "run", corruptions=("contrast",)))
    path = run.pictures / "index.json"
    index = json.loads(path.read_text())
    (index["sheets"] if part == "sheets" else index["strips"][-1]).update(change)
    path.write_text(json.dumps(index))
    with pytest.raises(ResultsError, match=rf"(?s){message}.*Run `rugged benchmark` again"):
        write([run.path], tmp_path / "out")
