"""Learning curves of long, short, half-finished and undeveloped runs; what is drawn is what was written."""

import json
import re

import pytest

from rugged.core.errors import ResultsError
from rugged.report import write_report
from rugged.report.curves import draw_curves
from rugged.results import RunFolder

HEAD = "epoch,step,split,loss,top1,learning_rate,images_per_second,seconds"


@pytest.fixture
def draw(tmp_path, parse):
    """Write a run folder of these lines of ``metrics.csv``, draw it, and give the page and what its charts say."""

    def make(lines, head=HEAD, **files):
        run = RunFolder(tmp_path / "my <run>")
        run.path.mkdir(exist_ok=True)
        run.metrics.write_text("\n".join([head, *lines]) + "\n")
        for name, text in files.items():
            (run.path / name.replace("_", ".")).write_text(text)
        path = draw_curves(run)
        assert path == run.path / "curves.html"
        page = parse(path.read_text(encoding="utf-8"))
        charts = page.find("svg", class_="chart")
        readings = [json.loads(svg.attributes["data-chart"]) for svg in charts]
        return page, {reading["title"]: reading for reading in readings}

    return make


def said(reading):
    return {line["name"]: line["text"] for line in reading["lines"]}


def epochs(count, dev=True):
    for epoch in range(1, count + 1):
        yield f"{epoch},{epoch},train,{4 / epoch},{0.5 - 0.4 / epoch},{0.1 / epoch},100,1"
        if dev:
            yield f"{epoch},{epoch},dev,{5 / epoch},{0.4 - 0.4 / epoch},,,1"


def test_loss_and_accuracy_stand_above_the_learning_rate(draw):
    page, charts = draw(epochs(4))
    assert list(charts) == ["Top-1 accuracy, %", "Loss, nats", "Learning rate at the end of the epoch"]
    assert said(charts["Loss, nats"]) == {
        "development": ["5", "2.5", "1.67", "1.25"], "training": ["4", "2", "1.33", "1"],
    }  # fmt: skip
    assert said(charts["Top-1 accuracy, %"])["development"] == ["0.0%", "20.0%", "26.7%", "30.0%"]
    assert said(charts["Learning rate at the end of the epoch"]) == {"training": ["0.1", "0.05", "0.0333", "0.025"]}
    heights = [int(svg.attributes["viewbox"].split()[-1]) for svg in page.find("svg", class_="chart")]
    assert heights[2] < heights[0] / 2
    low = page.find("svg", class_="chart")[2]
    labels = [text for text in page.find("text", low) if text.attributes["text-anchor"] == "end"]
    assert [label.text for label in labels] == ["0.00", "0.05", "0.10"]  # There is no room for more.
    for svg in page.find("svg", class_="chart"):
        assert page.find("text", svg)[-1].text == "epoch"


@pytest.mark.parametrize("count", [1, 2, 25, 400])
@pytest.mark.parametrize("dev", [True, False])
def test_any_number_of_epochs_is_drawn_within_its_frame(draw, count, dev):
    page, charts = draw(epochs(count, dev))
    wanted = {"training", "development"} if dev else {"training"}
    assert set(said(charts["Loss, nats"])) == wanted
    assert charts["Loss, nats"]["heads"][-1] == f"epoch {count}"
    for svg in page.find("svg", class_="chart"):
        _, _, width, height = map(int, svg.attributes["viewbox"].split())
        for line in page.find("path", svg, class_="line"):
            numbers = [float(number) for number in re.findall(r"[\d.]+", line.attributes["d"])]
            assert len(numbers) == 2 * count
            assert all(0 <= x <= width for x in numbers[::2])
            assert all(0 <= y <= height for y in numbers[1::2])
        # A single epoch has no line to be seen by, hundreds have no room for marks.
        assert bool(page.find("circle", svg) or page.find("path", svg, class_="dot")) == (count <= 24)


def test_a_rate_that_the_cosine_has_brought_to_nearly_nothing_is_drawn(draw):
    _, charts = draw(["1,1,train,5,0.01,7.4e-12,9,9"])
    assert said(charts["Learning rate at the end of the epoch (× 1e-11)"]) == {"training": ["7.4e-12"]}


def test_a_low_accuracy_fills_its_chart(draw):
    _, charts = draw(["1,1,train,5,0.01,0.1,9,9", "2,2,train,5,0.117,0.1,9,9"])
    heights = charts["Top-1 accuracy, %"]["lines"][0]["y"]
    assert heights[0] - heights[1] > 100  # Of 186 from the floor to 15%.


def test_unknown_columns_are_passed_over(draw):
    head = f"{HEAD},top5,gradient_norm"
    _, charts = draw(["1,1,train,4,0.1,0.1,9,9,0.3,7", "1,1,dev,4,0.125,,,,0.3,"], head)
    assert said(charts["Top-1 accuracy, %"]) == {"development": ["12.5%"], "training": ["10.0%"]}


def test_the_best_epoch_on_the_development_split_is_named(draw):
    lines = ["1,1,dev,4,0.2,,,", "2,2,dev,4,0.6,,,", "3,3,dev,4,0.6,,,", "4,4,dev,4,0.5,,,", "4,4,train,4,0.9,0.1,9,9"]
    page, _ = draw(lines)
    assert "best 60.0%, epoch 2" in page.find("figcaption")[0].text


def test_a_diverged_loss_is_a_gap(draw):
    _, charts = draw(["1,1,train,4,0.1,0.1,9,9", "2,2,train,nan,0.1,0.1,9,9", "3,3,train,inf,0.1,0.1,9,9"])
    assert said(charts["Loss, nats"])["training"] == ["4", "–", "–"]


def test_how_far_a_run_has_come_is_said(draw):
    manifest = {"status": "training", "architecture": "timm/resnet10t", "dataset": {"name": "birds"}}
    page, _ = draw(epochs(3), recipe_toml="epochs = 30\n", manifest_json=json.dumps(manifest))
    assert page.find("p", class_="what")[0].text == "timm/resnet10t · birds · epoch 3 of 30 · still training"
    page, _ = draw(epochs(3), manifest_json=json.dumps(manifest | {"status": "finished"}))
    assert page.find("p", class_="what")[0].text == "timm/resnet10t · birds · epoch 3 of 30"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"dataset": 3}', "\x00"])
def test_curves_are_drawn_whatever_else_the_folder_holds(draw, text):
    page, _ = draw(epochs(2), recipe_toml=text, manifest_json=text)
    assert page.find("p", class_="what")[0].text == "epoch 2"


def test_the_page_stands_alone_and_a_name_is_no_markup(draw):
    page, _ = draw(epochs(2))
    assert page.find("h1")[0].text == "my <run>"
    assert page.find("title")[0].text == "my <run> – learning curves"
    assert not page.find("run")
    assert not [one for one in page.elements if "src" in one.attributes]


def test_the_same_run_gives_the_same_bytes(draw, tmp_path):
    draw(epochs(5))
    before = (tmp_path / "my <run>" / "curves.html").read_bytes()
    draw(epochs(5))
    assert (tmp_path / "my <run>" / "curves.html").read_bytes() == before


@pytest.mark.parametrize("lines", [None, [], ["1,1,train,4"]])
def test_nothing_to_draw_is_one_error(tmp_path, lines):
    run = RunFolder(tmp_path)
    if lines is not None:
        run.metrics.write_text("\n".join([HEAD, *lines]))
    with pytest.raises(ResultsError, match=r"metrics\.csv"):
        draw_curves(run)
    assert not (tmp_path / "curves.html").exists()


def test_the_report_shows_the_same_charts(draw, make_run, tmp_path, parse):
    run = RunFolder(make_run(tmp_path / "run", corruptions=("fog",)))
    alone = parse(draw_curves(run).read_text(encoding="utf-8"))
    page = parse(write_report([run.path], tmp_path / "out.html").read_text(encoding="utf-8"))
    section = page.find("section", id="training")[0]
    drawn, shown = (
        [svg.attributes["data-chart"] for svg in one.find("svg", within, class_="chart")]
        for one, within in ((alone, None), (page, section))
    )
    assert len(drawn) == 3
    assert drawn == shown
