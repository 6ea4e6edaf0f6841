"""The page says what the results say, stands alone, and trusts no name."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys

import pytest

from rugged.core.catalogue import ALL, BENCHMARK, EXTRA, display_name
from rugged.core.errors import ConfigError
from rugged.report import write_markdown, write_report
from rugged.results import RunFolder, read_cell

NAMES = tuple("abcdefgh")
HOSTILE = '</script><script>alert("x")</script>"\'><img src=x onerror=alert(1)>{{ 7*7 }}</style>&amp;'


def summary_of(run):
    return json.loads(RunFolder(run).summary.read_text(encoding="utf-8"))


def table_values(page, table):
    rows = []
    for row in page.find("tr", within=page.find("tbody", within=table)[0]):
        cells = [one for one in page.elements if one.parents[-1:] == (row,) and one.tag in ("th", "td")]
        rows.append((cells[0].attributes["data-value"], [cell.attributes["data-value"] for cell in cells[1:]]))
    return rows


def tiles(page):
    dl = page.find("dl", class_="tiles")[0]
    found = {}
    for tile in page.find("div", within=dl):
        figure, note = page.find("dd", within=tile)
        found[page.find("dt", within=tile)[0].text] = (figure.text, note.text)
    return found


def test_headline_figures_equal_the_summary(pair, pair_page):
    table, found = summary_of(pair[0]), tiles(pair_page)
    assert found["Mean corruption accuracy"][0] == f"{100 * table['mean_corruption_accuracy']:.1f}%"
    assert "over 6 of the benchmark’s 15 corruptions, severities 1–5" in found["Mean corruption accuracy"][1]
    assert found["mCE over 6 of 15"][0] == f"{100 * table['mce']['value']:.1f}%"
    assert "small-alexnet" in found["mCE over 6 of 15"][1]
    assert found["Clean top-1"][0] == f"{100 - 100 * table['clean']['error']:.1f}%"
    assert found["Clean top-5"][0] == f"{100 - 100 * table['clean']['top5_error']:.1f}%"
    assert found["Images"][0] == "200"


def test_accuracy_table_equals_the_summaries(pair, pair_page):
    rows = table_values(pair_page, pair_page.find("table", class_="sortable")[0])
    for run, (name, values) in zip(pair, rows, strict=True):
        table = summary_of(run)
        mce = table["mce"]["value"] if table["mce"] else 1.0
        wanted = [1 - table["clean"]["error"], 1 - table["clean"]["top5_error"], table["mean_corruption_accuracy"], mce]
        assert name == table["model"]["name"]
        assert [float(value) for value in values] == pytest.approx(wanted, abs=1e-6)


def test_error_tables_equal_the_summaries(pair, pair_page):
    for run, element in zip(pair, pair_page.find("table", class_="errors"), strict=True):
        table = summary_of(run)
        for (label, values), name in zip(
            table_values(pair_page, element), table["conditions"]["corruptions"], strict=True
        ):
            result = table["corruptions"][name]
            assert label == display_name(name)
            assert [float(value) for value in values[:6]] == pytest.approx(
                [*result["error"], sum(result["error"]) / 5], abs=1e-6
            )
            # The baseline was measured without one, and is as good as itself.
            assert values[6] == f"{1 if result['ce'] is None else result['ce']:.6f}"


def test_nothing_relative_to_another_baseline_stands_on_the_page(two_baselines, tmp_path, parse):
    page = parse(write_report(two_baselines, tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "The mCE of odd is relative to y, not to x, and left out." in page.find("div", class_="honesty")[0].text
    table = page.find("table", class_="headlines")[0]
    rows = [[cell.text for cell in page.find("td", within=row)] for row in page.find("tr", within=table)[1:]]
    (mce,) = [
        row
        for row, head in zip(rows, page.find("th", within=table, scope="row"), strict=True)
        if head.text == "mCE over 2 of 15"
    ]
    assert mce[0] != "–"
    assert mce[1] == "–"
    assert {values[-1] for _, values in table_values(page, page.find("table", class_="errors")[1])} == {""}
    text = page.find("section", id="accuracy")[0].text.partition("Test-time variants of odd")[2]
    assert "Plain and batchnorm" in text
    assert "CE" not in text.replace("(ECE)", "")


def test_curves_equal_the_summaries(pair, pair_page):
    charts = {}
    for element in pair_page.find("svg", class_="chart"):
        reading = json.loads(element.attributes["data-chart"])
        charts.setdefault(reading["title"], reading)
    tables = [summary_of(run) for run in pair]
    for name in tables[0]["conditions"]["corruptions"]:
        reading = charts[display_name(name)]
        assert reading["heads"] == ["severity clean", *(f"severity {severity}" for severity in range(1, 6))]
        for table, line in zip(tables, reading["lines"], strict=True):
            errors = [table["clean"]["error"], *table["corruptions"][name]["error"]]
            assert line["text"] == [f"{100 - 100 * error:.1f}%" for error in errors]


def test_learning_curves_equal_the_metrics(pair, pair_page):
    readings = [json.loads(svg.attributes["data-chart"]) for svg in pair_page.find("svg", class_="chart")]
    loss = next(one for one in readings if one["title"].startswith("Loss"))
    assert loss["heads"][-1] == "epoch 12"
    assert {line["name"]: line["text"][0] for line in loss["lines"]} == {"training": "1.84", "development": "1.91"}


def test_pictures_bear_the_predictions_of_every_model(pair, pair_page):
    samples = json.loads((RunFolder(pair[0]).samples / "samples.json").read_text())
    names = [entry["name"] for entry in json.loads(RunFolder(pair[0]).classes.read_text())]
    table = pair_page.find("table", id="samples")[0]
    last = pair_page.find("tbody", within=table)[-1]
    row = pair_page.find("tr", within=last)[-1]
    for model, run in enumerate(pair):
        cell = read_cell(RunFolder(run).predictions, "jpeg_compression", 5)
        answers = [p for p in pair_page.find("p", within=row) if p.attributes["data-model"] == str(model)]
        for image, label, answer in zip(samples["ids"], samples["labels"], answers, strict=True):
            place = cell.ids.index(image)
            best = cell.top[place, 0]
            right = best == label
            assert names[best] in answer.text
            assert ("✓" if right else "✗") in answer.text
            assert ("right:" if right else "wrong:") in answer.text
            assert f"{100 * cell.top_probabilities[place, 0]:.0f}%" in answer.text
    heads = [th.text for th in pair_page.find("th", within=pair_page.find("thead", within=table)[0])][1:]
    assert heads == [names[label] for label in samples["labels"]]


def test_names_beside_pictures_are_isolated_whichever_way_they_are_read(pair_page):
    """Else one from right to left turns the mark and the percentage beside it round."""
    table = pair_page.find("table", id="samples")[0]
    names = pair_page.find("span", within=table, class_="class")
    assert len(names) == 8 + 8 * 31 * 2  # Above the columns; beneath every picture, of both models.
    assert all(one.text and pair_page.find("bdi", within=one)[0].text == one.text for one in names)


def test_columns_of_pictures_tell_classes_of_one_name_apart(make_run, tmp_path, parse):
    run = make_run(tmp_path / "run", corruptions=("fog",), classes=["crane", "crane", " ", *"defghij"])
    page = parse(write_report([run], tmp_path / "r.html").read_text(encoding="utf-8"))
    labels = json.loads((RunFolder(run).samples / "samples.json").read_text())["labels"]
    table = page.find("table", id="samples")[0]
    heads = [head.text for head in page.find("th", within=page.find("thead", within=table)[0])][1:]
    names = ["crane (n0)", "crane (n1)", "n2", *"defghij"]
    assert heads == [names[label] for label in labels]
    assert {"crane (n0)", "crane (n1)", "n2"} <= set(heads)


def test_conditions_and_caveats_are_told(make_run, tmp_path, parse):
    baseline = make_run(tmp_path / "base", skill=0.7)
    run = make_run(tmp_path / "run", baseline=baseline, seen=("contrast",))
    page = parse(write_report([run], tmp_path / "r.html").read_text(encoding="utf-8"))
    conditions = page.find("section", id="conditions")[0].text
    for name in set(BENCHMARK) - set(summary_of(run)["conditions"]["corruptions"]):
        assert display_name(name) in conditions
    for word in ("in memory", "tiny64", "abababababab", "flip, crop, contrast", "was trained on 1 corruption"):
        assert word in conditions
    making = page.find("section", id="making")[0].text
    for word in ("rugged benchmark runs/demo --data builtin", "41.2 s", "2.11.0", "A processor", "16 GiB"):
        assert word in making


def test_without_a_baseline_nothing_is_called_mce(make_run, tmp_path, parse):
    run = make_run(tmp_path / "run", corruptions=("fog", "snow"))
    page = parse(write_report([run], tmp_path / "r.html").read_text(encoding="utf-8"))
    assert tiles(page)["mCE"] == ("–", "no baseline was given")
    assert [values[-1] for _, values in table_values(page, page.find("table", class_="errors")[0])] == ["", ""]
    assert "There is no mCE, since no baseline was given" in page.find("section", id="conditions")[0].text
    assert "not normalised" in page.find("section", id="errors")[0].text
    assert not page.find("line", class_="reference")


@pytest.mark.parametrize(
    ("corruptions", "severities", "label"),
    [
        (BENCHMARK, (1, 2, 3, 4, 5), "mCE"),
        (ALL, (1, 2, 3, 4, 5), "mCE"),
        (BENCHMARK, (1,), "mCE over 15 of 15, severity 1"),
        (("fog", "snow", "spatter"), (1, 2), "mCE over 2 of 15, severities 1, 2"),
    ],
)
def test_an_mce_is_called_so_plainly_only_where_it_is_complete(
    make_run, tmp_path, parse, corruptions, severities, label
):
    measured = {"corruptions": corruptions, "severities": severities}
    baseline = make_run(tmp_path / "base", skill=0.7, **measured)
    run = make_run(tmp_path / "run", baseline=baseline, **measured)
    page = parse(write_report([run, baseline], tmp_path / "r.html").read_text(encoding="utf-8"))
    assert [name for name in tiles(page) if "mCE" in name] == [label]
    heads = page.find("th", within=page.find("table", class_="sortable")[0])
    assert [head.text for head in heads if "mCE" in head.text] == [label]
    assert f"{label} divides by" in page.find("section", id="accuracy")[0].text
    assert f"{label} is the mean" in page.find("section", id="errors")[0].text


def test_the_mean_curve_and_the_mean_accuracy_leave_the_extra_corruptions_out(make_run, tmp_path, parse):
    run = make_run(tmp_path / "run", corruptions=("contrast", "brightness", "spatter", "saturate"))
    page = parse(write_report([run], tmp_path / "r.html").read_text(encoding="utf-8"))
    table = summary_of(run)
    errors = [table["corruptions"][name]["error"] for name in ("contrast", "brightness")]
    chart = page.find("figure", class_="wide")[0]
    reading = json.loads(page.find("svg", within=chart)[0].attributes["data-chart"])
    assert reading["title"] == "Mean over 2 of the benchmark’s 15 corruptions"
    shown = [float(text.rstrip("%")) for text in reading["lines"][0]["text"][1:]]
    assert shown == pytest.approx([100 - 50 * (a + b) for a, b in zip(*errors, strict=True)], abs=0.051)
    figure, note = tiles(page)["Mean corruption accuracy"]
    assert figure == page.find("span", within=chart, class_="aside")[0].text
    assert float(figure.rstrip("%")) == pytest.approx(sum(shown) / 5, abs=0.101)
    assert "the extra ones are left out" in note


def test_extra_corruptions_alone_have_a_mean_but_no_mce(make_run, tmp_path, parse):
    baseline = make_run(tmp_path / "base", skill=0.7, corruptions=("spatter", "saturate"))
    run = make_run(tmp_path / "run", corruptions=("spatter", "saturate"), baseline=baseline)
    page = parse(write_report([run], tmp_path / "r.html").read_text(encoding="utf-8"))
    assert tiles(page)["mCE"] == ("–", "none of the benchmark’s 15 corruptions was measured")
    text = write_markdown([run], tmp_path / "r.md").read_text(encoding="utf-8")
    assert re.search(r"There is no CE, since none .*\n\| Spatter \|[^\n]* – \|\n", text, re.DOTALL)
    assert "over 2 extra corruptions" in tiles(page)["Mean corruption accuracy"][1]
    assert "baseline was given" not in page.find("main")[0].text


def test_top5_of_five_classes_is_no_figure(make_run, tmp_path, parse):
    for count, told in ((5, False), (6, True)):
        run = make_run(tmp_path / str(count), corruptions=("fog",), classes=NAMES[:count])
        page = parse(write_report([run], tmp_path / "r.html").read_text(encoding="utf-8"))
        assert (tiles(page)["Clean top-5"][0] != "–") == told
        ((_, values),) = table_values(page, page.find("table", class_="sortable")[0])
        assert (values[1] != "") == told


def test_every_note_of_every_model_is_told_once(make_run, tmp_path, parse):
    runs = [make_run(tmp_path / name, skill=0.5 + i / 5) for i, name in enumerate("ab")]
    ways = ["Pictures converted from palette to RGB: 15.", "Pictures reduced to 64 x 64: 133."]
    told = {
        "a": ["Resized.", ways[0], "Held out.", ways[1], "Set aside.", "<b>Odd</b>."],
        "b": ["Resized.", *ways, "Trained on other data."],
    }
    for run in runs:
        summary = summary_of(run)
        path = RunFolder(run).summary
        path.write_text(json.dumps(summary | {"notes": told[run.name] + summary["notes"]}), encoding="utf-8")
    page = parse(write_report(runs, tmp_path / "r.html").read_text(encoding="utf-8"))
    box = page.find("div", class_="honesty")[0]
    shown, under = ([item.text for item in page.find("li", within=one)] for one in page.find("ul", within=box))
    assert shown[1:] == [
        *(note for note in summary_of(runs[0])["notes"] if note not in ways), "b: Trained on other data.",
    ]  # fmt: skip
    assert under == ways
    assert page.find("details", within=box)


def test_hostile_names_stay_text(make_run, tmp_path, parse):
    classes = [HOSTILE, *"bcdefghij"]
    runs = [make_run(tmp_path / name, name=HOSTILE, classes=classes, skill=0.5 + i / 5) for i, name in enumerate("xy")]
    page = parse(write_report(runs, tmp_path / "r.html").read_text(encoding="utf-8"))
    scripts = page.find("script")
    assert [one.attributes.get("type") for one in scripts] == ["application/json", "application/json", None]
    assert json.loads("".join(scripts[0].parts))["names"][0] == HOSTILE
    assert len(page.find("style")) == 1
    assert page.find("h1")[0].text == f"{HOSTILE} (x)"
    assert all(image.attributes["src"].startswith("data:image/") for image in page.find("img"))
    heads = page.find("th", within=page.find("table", id="heat")[0], scope="row")
    assert HOSTILE in [head.text for head in heads]
    assert not [name for one in page.elements for name in one.attributes if name.startswith("on")]
    assert page.find("th", within=page.find("table", id="samples")[0])[1].text == HOSTILE
    for svg in page.find("svg", class_="chart"):
        json.loads(svg.attributes["data-chart"])


def test_only_the_pages_own_script_may_run(pair_page):
    (policy,) = [
        meta.attributes["content"]
        for meta in pair_page.find("meta")
        if meta.attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    (script,) = ("".join(one.parts) for one in pair_page.find("script") if "type" not in one.attributes)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy


def test_the_page_reaches_for_nothing(pair, tmp_path, parse):
    text = write_report(pair, tmp_path / "r.html").read_text(encoding="utf-8")
    page = parse(text)
    for one in page.elements:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert (one.attributes.get(name) or "#").startswith(("#", "data:"))
    without_pictures = re.sub(r"data:image/[a-z]+;base64,[A-Za-z0-9+/=]+", "", text)
    for word in ("http:", "https:", "@import", "url(", "fetch(", "XMLHttpRequest"):
        assert word not in without_pictures


def test_structure_is_sound(pair_page):
    ids = [one.attributes["id"] for one in pair_page.elements if "id" in one.attributes]
    assert len(ids) == len(set(ids))
    nav = pair_page.find("a", within=pair_page.find("nav")[0])
    sections = [one.attributes["id"] for one in pair_page.find("section")]
    assert [link.attributes["href"] for link in nav] == [f"#{name}" for name in sections]
    assert all(image.attributes["alt"] for image in pair_page.find("img"))
    assert all(svg.attributes["aria-label"] for svg in pair_page.find("svg", class_="chart"))
    for table in pair_page.find("table", class_="sortable"):
        heads = pair_page.find("th", within=pair_page.find("thead", within=table)[0])
        assert {head.attributes["aria-sort"] for head in heads} == {"none"}
        assert len(pair_page.find("button", within=table)) == len(heads)
        assert table.attributes["aria-labelledby"] in ids


def test_the_same_results_give_the_same_bytes(pair, tmp_path):
    first = write_report(pair, tmp_path / "first.html").read_bytes()
    moved = [shutil.copytree(run, tmp_path / "elsewhere" / run.name) for run in pair]
    assert write_report(moved, tmp_path / "second.html").read_bytes() == first


def test_all_nineteen_corruptions_stay_light(make_run, tmp_path, parse):
    out = write_report([make_run(tmp_path / "run", corruptions=BENCHMARK + EXTRA)], tmp_path / "r.html")
    assert out.stat().st_size < 6e6
    page = parse(out.read_text(encoding="utf-8"))
    assert len(page.find("img", within=page.find("table", id="samples")[0])) == 8 * (1 + 19 * 5)
    assert "JPEG of quality 92" in page.find("section", id="pictures")[0].text


def test_torch_is_never_imported(pair, tmp_path):
    code = (
        "import sys; from pathlib import Path; from rugged.report import write_report; "
        "write_report([Path(sys.argv[1]), Path(sys.argv[2])], Path(sys.argv[3])); "
        "print([m for m in ('torch', 'torchvision', 'timm', 'lightning_fabric', 'plotly') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, pair), str(tmp_path / "r.html")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_one_run_may_stand_for_a_list_of_one(pair, tmp_path):
    pages = [tmp_path / "one.html", tmp_path / "text.html", tmp_path / "list.html"]
    for runs, page in zip((pair[0], str(pair[0]), iter([pair[0]])), pages, strict=True):
        write_report(runs, page)
    assert len({page.read_bytes() for page in pages}) == 1


@pytest.mark.parametrize("name", ["model.safetensors", "benchmark/summary.json", "metrics.csv"])
@pytest.mark.parametrize("write", [write_report, write_markdown])
def test_nothing_but_a_page_is_replaced_by_one(make_run, tmp_path, name, write):
    run = make_run(tmp_path / "run", corruptions=("contrast",))
    (run / "model.safetensors").write_bytes(b"weights")
    before = (run / name).read_bytes()
    (run / "model.safetensors").unlink() if name != "model.safetensors" else None
    with pytest.raises(ConfigError, match="is there and would be lost"):
        write([run], run / name)
    assert (run / name).read_bytes() == before
