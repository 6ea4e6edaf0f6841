"""Every figure of the classes, their confusions and their calibration is that of the saved predictions."""

import json

import numpy as np
import pytest

from rugged.report import write_report
from rugged.results import RunFolder, read_cells, read_summary

NAMES = ("circle", "ring", "star", "triangle", "cross", "heart", "leaf", "arrow", "wave", "moon")


@pytest.fixture(scope="module")
def cells(pair):
    folder = RunFolder(pair[0])
    return read_cells(folder.predictions, read_summary(folder.summary).conditions.cells)


@pytest.fixture(scope="module")
def data(pair_page):
    return json.loads("".join(pair_page.find("script", id="data")[0].parts))


def under(cells, severity):
    """Every corrupted cell of a severity, or the clean one."""
    return [cell for (name, level), cell in cells.items() if level == severity and (severity > 0) == (name != "clean")]


def body(page, **attributes):
    table = page.find("table", **attributes)[0]
    for row in page.find("tr", within=page.find("tbody", within=table)[0]):
        yield row, [one for one in page.elements if one.parents[-1:] == (row,) and one.tag in ("th", "td")]


def test_the_heat_map_holds_the_errors_of_every_class(cells, pair_page, data):
    corruptions = list(dict.fromkeys(name for name, _ in cells if name != "clean"))
    means = []
    for row, (head, clean, mean, *each) in body(pair_page, id="heat"):
        label = NAMES.index(head.text)
        assert row.attributes["data-label"] == str(label)
        wrong = {key: 100 * (~cell.correct[cell.labels == label]).mean() for key, cell in cells.items()}
        errors = [np.mean([wrong[name, level] for level in range(1, 6)]) for name in corruptions]
        assert clean.text == f"{wrong['clean', 0]:.0f}"
        assert [float(cell.text) for cell in each] == pytest.approx(errors, abs=0.51)
        assert float(mean.text) == pytest.approx(np.mean(errors), abs=0.51)
        read = [[round(wrong[name, level]) for level in range(1, 6)] for name in corruptions]
        assert data["heat"]["errors"][label] == read
        means.append(np.mean(errors))
    assert means == sorted(means, reverse=True)
    assert len(means) == len(NAMES)


def test_worst_and_best_are_told_apart(cells, pair_page):
    rows = {}
    tables = {one.attributes.get("aria-labelledby"): one for one in pair_page.find("table")}
    for name in ("worst", "best"):
        within = pair_page.find("tbody", within=tables[name])[0]
        rows[name] = [one.text for one in pair_page.find("th", within=within)]
    right = {
        name: np.mean([cell.correct[cell.labels == label].mean() for key, cell in cells.items() if key[1]])
        for label, name in enumerate(NAMES)
    }
    ranked = sorted(NAMES, key=right.get)
    assert right[rows["worst"][0]] == right[ranked[0]]
    assert right[rows["best"][0]] == right[ranked[-1]]
    assert {*rows["worst"], *rows["best"]} == {*NAMES}


def counts(cells, severity, by):
    """``[true][other]`` by looking at every prediction."""
    found = np.zeros((10, 10), int)
    for cell in under(cells, severity):
        for label, top in zip(cell.labels, cell.top, strict=True):
            for other in top[:1] if by == "for1" else top:
                if other == label:
                    break
                found[label, other] += 1
    return found


@pytest.mark.parametrize("level", [0, 1, 5])
@pytest.mark.parametrize("by", ["for1", "for5", "as1"])
def test_the_explorer_counts_every_answer(cells, data, level, by):
    matrix = counts(cells, level, "for5" if by == "for5" else "for1")
    if by == "as1":
        matrix = matrix.T
    for label, flat in enumerate(data["explorer"][by][level]):
        shown = dict(zip(flat[::2], flat[1::2], strict=True))
        assert list(shown.values()) == sorted(matrix[label][matrix[label] > 0], reverse=True)[:8]
        assert all(matrix[label, other] == count for other, count in shown.items())


def test_the_explorer_knows_how_many_answers_are_right(cells, data):
    for level in (0, 3):
        chosen = under(cells, level)
        for label in range(10):
            right = sum(int(cell.correct[cell.labels == label].sum()) for cell in chosen)
            assert data["explorer"]["right"][level][label] == right
            assert data["explorer"]["answers"][level][label] == 20 * len(chosen)


def test_the_most_confused_pair_is_confused_as_often_as_it_says(cells, pair_page):
    table = next(one for one in pair_page.find("table") if one.attributes.get("aria-labelledby") == "pairs")
    row = pair_page.find("tr", within=pair_page.find("tbody", within=table)[0])[0]
    first, second = (NAMES.index(one.text) for one in pair_page.find("bdi", within=row))
    shown = [int(one.attributes["data-value"]) for one in pair_page.find("td", within=row)[:-1]]
    matrices = [counts(cells, level, "for1") for level in range(6)]
    assert shown == [matrix[first, second] + matrix[second, first] for matrix in matrices]
    corrupted = sum(matrices[1:])
    assert sum(shown[1:]) == (corrupted + corrupted.T).max()


def test_diagrams_show_how_often_answers_of_a_like_confidence_are_right(cells, pair_page):
    readings = [json.loads(svg.attributes["data-chart"]) for svg in pair_page.find("svg", class_="chart")]
    section = pair_page.find("section", id="calibration")[0]
    inside = [json.loads(svg.attributes["data-chart"]) for svg in pair_page.find("svg", within=section)]
    assert [one["title"] for one in inside] == ["Clean", *(f"Severity {level}" for level in range(1, 6))]
    assert all(one in readings for one in inside)
    chosen = under(cells, 4)
    sure = np.concatenate([cell.top_probabilities[:, 0] for cell in chosen]).astype(float)
    right = np.concatenate([cell.correct for cell in chosen])
    for place, text in enumerate(inside[4]["lines"][0]["text"]):
        own = (sure > place / 15) & (sure <= (place + 1) / 15)
        assert text == (f"{100 * right[own].mean():.1f}%" if own.any() else "–")
        assert inside[4]["heads"][place].endswith(f"({own.sum():,} answers)")


@pytest.mark.parametrize("level", range(6))
def test_ece_is_the_mean_distance_of_the_points_from_the_line(cells, pair_page, level):
    """Guo et al. 2017, equation 3: the points stand at the mean confidence of their answers, not in a bin's middle."""
    section = pair_page.find("section", id="calibration")[0]
    panel = pair_page.find("figure", within=section)[level]
    chart = json.loads(pair_page.find("svg", within=panel)[0].attributes["data-chart"])
    model, line = chart["lines"]
    distance, answers = 0.0, 0
    for head, right, sure in zip(chart["heads"], model["text"], line["text"], strict=True):
        count = int(head.split("(")[1].split()[0].replace(",", ""))
        if count:
            distance += count * abs(float(right.rstrip("%")) - float(sure.rstrip("%")))
            answers += count
    assert answers == sum(len(cell.ids) for cell in under(cells, level))
    ece = pair_page.find("span", within=panel, class_="aside")[0].text
    assert float(ece.removeprefix("ECE ").rstrip("%")) == pytest.approx(distance / answers, abs=0.15)
    assert chart["x"] == pytest.approx([32 + 206 * float(sure.rstrip("%")) / 100 for sure in line["text"]], abs=0.2)


def test_of_one_class_none_is_the_worst_or_the_best(make_run, tmp_path, parse):
    run = make_run(tmp_path / "run", corruptions=("fog",), severities=(3,), classes=["only"])
    page = parse(write_report([run], tmp_path / "r.html").read_text(encoding="utf-8"))
    section = page.find("section", id="extremes")[0]
    assert page.find("h3", within=section) == []
    assert [one.attributes["aria-labelledby"] for one in page.find("table", within=section)] == ["every"]


def test_a_thousand_classes_make_a_page(make_run, tmp_path, parse):
    run = make_run(tmp_path / "run", corruptions=("fog",), severities=(3,), classes=[f"class {n}" for n in range(1000)])
    out = write_report([run], tmp_path / "r.html")
    assert out.stat().st_size < 6e6
    page = parse(out.read_text(encoding="utf-8"))
    assert len(page.find("tr", within=page.find("table", id="heat")[0])) == 1001
