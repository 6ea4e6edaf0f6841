"""Saved explanations stand on the page as they were saved, and those of another model do not."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from rugged.core.errors import ResultsError
from rugged.report import write_report
from rugged.results import RunFolder, read_summary, write_explanations
from rugged.results.explanations import (
    DriftResult,
    ExplainedModel,
    ExplainedPicture,
    Explanations,
    Panel,
    PointingResult,
    Tile,
)

NAMES = ("<b>circle</b>", *"bcdefghij")


def explain(run, *, sha256=None):
    """Two methods of one picture, clean and under fog."""
    folder = RunFolder(run).explanations
    folder.mkdir()
    tiles = []
    for method in ("grad_cam", "saliency"):
        for severity in (0, 1, 5):
            name = f"{method}-{severity}.png"
            Image.fromarray(np.full((300, 300, 3), 40 * severity, np.uint8)).save(folder / name)
            drift = None if severity == 0 else severity / 10
            tiles.append(
                Tile(0, 0, method, "fog" if severity else "clean", severity, name, 0, severity, 0.5, 0.4, drift)
            )
    Image.new("RGB", (60, 30)).save(folder / "filters.png")
    summary = read_summary(RunFolder(run).summary)
    own = summary.model.sha256 if sha256 is None else sha256
    made = Explanations(
        models=(ExplainedModel("demo", "timm/resnet10t", own, "layer4 (8 × 8)"),),
        classes=NAMES,
        pictures=(ExplainedPicture("n0/003", 0),),
        source="the validation split of builtin",
        targets="predicted",
        methods=("grad_cam", "saliency"),
        panels=(Panel("filters", "Filters of conv1", "Edges and colours", "filters.png", model="demo"),),
        tiles=tuple(tiles),
        drifts=tuple(
            DriftResult(0, "grad_cam", "fog", severity, 50, 0, severity / 20, (0.0, 0.5)) for severity in (1, 5)
        ),
        pointing=(PointingResult(0, "grad_cam", 200, 0.85, (0.8, 0.9), 180, 0.6, 40, 0.875, 0.7),),
        notes=("Some <i>note</i>.",),
    )
    write_explanations(folder, made)
    return made


@pytest.fixture
def run(make_run, tmp_path):
    return make_run(tmp_path / "run", corruptions=("fog",), classes=NAMES)


def page_of(run, tmp_path, parse):
    return parse(write_report([run], tmp_path / "r.html").read_text(encoding="utf-8"))


def test_maps_stand_side_by_side_and_by_severity(run, tmp_path, parse):
    explain(run)
    page = page_of(run, tmp_path, parse)
    section = page.find("section", id="attention")[0]
    stories = page.find("div", within=section, class_="story")
    words = [[one.text for one in page.find("p", within=story, class_="under")] for story in stories]
    clean = "<b>circle</b> 50%"
    assert words == [[clean, clean], *[[clean, "b 50% drift 0.10", "f 50% drift 0.50"]] * 2]
    assert [page.find("h4", within=story)[0].text for story in stories] == [
        "<b>circle</b>", "<b>circle</b> Fog, Grad-CAM", "<b>circle</b> Fog, Saliency",
    ]  # fmt: skip
    assert {image.attributes["width"] for image in page.find("img", within=stories[0])} == {"160"}
    assert "85.0% (80.0–90.0)" in section.text
    assert "87.5% of 180" in section.text
    assert "Some <i>note</i>." in section.text
    assert page.find("img", within=section, alt="Edges")


def test_the_drift_is_drawn_by_severity(run, tmp_path, parse):
    explain(run)
    page = page_of(run, tmp_path, parse)
    section = page.find("section", id="attention")[0]
    (chart,) = page.find("svg", within=section, class_="chart")
    reading = json.loads(chart.attributes["data-chart"])
    assert (reading["title"], reading["heads"]) == ("Fog", ["severity 1", "severity 5"])
    assert [(line["name"], line["text"]) for line in reading["lines"]] == [
        ("Grad-CAM", ["0.05 (0.00–0.50), n = 50", "0.25 (0.00–0.50), n = 50"]),
    ]  # fmt: skip
    assert "over n = 50 pictures, with 95% interval. Point at" in section.text


def test_drifts_say_how_many_pictures_have_one_and_how_many_lines_have_no_room(run, tmp_path, parse):
    made = explain(run)
    drifts = (
        DriftResult(0, "grad_cam", "fog", 1, 12, 0, 0.5, (0.4, 0.6)),
        DriftResult(0, "grad_cam", "fog", 5, 2, 10, 0.7),
    )
    more = tuple(DriftResult(0, f"method {number}", "fog", 1, 0, 12) for number in range(8))
    write_explanations(RunFolder(run).explanations, replace(made, drifts=drifts + more))
    page = page_of(run, tmp_path, parse)
    section = page.find("section", id="attention")[0]
    (chart,) = page.find("svg", within=section, class_="chart")
    lines = json.loads(chart.attributes["data-chart"])["lines"]
    assert [line["text"] for line in lines] == [["0.50 (0.40–0.60), n = 12", "0.70, n = 2"], *[["–", "–"]] * 7]
    assert "over n = 0–12 of 12 pictures, with 95% interval where n allows." in section.text
    assert "The first 8 of 9 lines are drawn" in section.text


def test_a_run_without_explanations_or_with_those_of_another_model_has_no_section(run, tmp_path, parse):
    assert not page_of(run, tmp_path, parse).find("section", id="attention")
    explain(run, sha256="another")
    assert not page_of(run, tmp_path, parse).find("section", id="attention")


def test_rows_beyond_what_a_page_holds_are_counted(run, tmp_path, parse):
    made = explain(run)
    many = tuple(replace(tile, picture=place) for place in range(30) for tile in made.tiles)
    pictures = tuple(ExplainedPicture(f"n0/{place:03}", 0) for place in range(30))
    write_explanations(RunFolder(run).explanations, replace(made, tiles=many, pictures=pictures))
    page = page_of(run, tmp_path, parse)
    section = page.find("section", id="attention")[0]
    assert len(page.find("div", within=section, class_="story")) == 2 * 24
    assert "42 more rows" in section.text  # 30 clean ones and 60 under fog, 24 of each shown.


def test_explanations_that_are_still_being_made_are_left_out(run, tmp_path, parse):
    explain(run)
    (RunFolder(run).explanations / "index.json").unlink()  # Which is written last.
    assert not page_of(run, tmp_path, parse).find("section", id="attention")


def test_a_lost_map_is_one_error(run, tmp_path):
    explain(run)
    (RunFolder(run).explanations / "saliency-5.png").unlink()
    with pytest.raises(ResultsError, match="rugged explain"):
        write_report([run], tmp_path / "r.html")
