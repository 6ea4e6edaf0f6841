"""The command: what it prints, writes and refuses."""

import csv
import json
import signal
import sys
import time

import pytest
import torch
from PIL import Image
from tests.forked import Forked

from rugged.cli import main
from rugged.models import ModelSpec, build, save_model, shipped


@pytest.fixture
def run(tmp_path):
    """A model of two classes, untrained, and three pictures."""
    torch.manual_seed(0)
    classes, names = ("n1", "n2"), ("hen", "crane")
    save_model(
        tmp_path / "run" / "model.safetensors",
        build("timm/test_resnet", 2),
        ModelSpec("timm/test_resnet", classes, names, 32),
    )
    for name, colour in {"a": "red", "b": "green", "c": "blue"}.items():
        (tmp_path / "in").mkdir(exist_ok=True)
        Image.new("RGB", (32, 32), colour).save(tmp_path / "in" / f"{name}.png")
    return tmp_path


@pytest.fixture
def predict(run, monkeypatch, capfd):
    monkeypatch.chdir(run)

    def predict(*arguments):
        monkeypatch.setattr(sys, "argv", ["rugged", "predict", *arguments])
        monkeypatch.setattr("rugged.core.progress._console", None)
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, *capfd.readouterr()

    return predict


def test_a_table_is_printed(predict):
    code, out, err = predict("run", "in")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines() if "in/" in line] == ["in/a.png", "in/b.png", "in/c.png"]
    assert out.count("hen (n1)") == out.count("crane (n2)") == 3
    assert "3 pictures" in err


@pytest.mark.parametrize("pictures", [["in/a.png"], ["in"], ["in/*.png"], ["in/a.png", "in"], ["list.csv", "in/b.png"]])
def test_without_a_model_the_one_that_comes_with_rugged_answers(predict, run, monkeypatch, pictures):
    (run / "list.csv").write_text("path\nin/a.png\n")
    monkeypatch.setattr(shipped, "shipped_models", lambda: {shipped.DEFAULT: run / "run" / "model.safetensors"})
    code, out, err = predict(*pictures, "--format", "csv")
    assert code == 0
    assert "tiny-imagenet-resnet18 answers, the model that comes with rugged, for 2 classes." in err
    _, named, err = predict("run", *pictures, "--format", "csv")
    assert named == out
    assert "answers" not in err


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (
            ["in", "in/b.png"],
            "in is no model. Before a folder and anything else name one, such as tiny-imagenet-resnet18.",
        ),
        (["in/b.png", "run"], "run is a model. Name it first, and the pictures after it."),
        (["run"], "run is a model. Name it first, and the pictures after it."),
        (["tiny-imagenet-resnet18"], "tiny-imagenet-resnet18 is a model. Name it first, and the pictures after it."),
    ],
)
def test_a_model_stands_before_pictures_and_no_folder_is_taken_for_one(predict, run, named, message):
    code, _, err = predict(*named)
    assert code == 1
    assert message in " ".join(err.split())


def test_a_run_folder_without_a_model_is_told_what_it_lacks(predict, run):
    (run / "begun").mkdir()
    (run / "begun" / "manifest.json").write_text("{}")
    assert "There is no model file begun/model.safetensors" in predict("begun", "in")[2]


def test_a_model_alone_is_not_taken_for_pictures(predict):
    for model in ("run", "run/model.safetensors"):
        code, _, err = predict(model)
        assert code == 1
        assert f"{model} is a model. Name it first, and the pictures after it." in err


def test_csv_and_json_lines_say_the_same(predict, run):
    assert predict("run", "in", "--out", "out.csv")[:2] == (0, "out.csv\n")
    code, out, _ = predict("run", "in", "--format", "jsonl", "--top", "1")
    assert code == 0
    lines = [json.loads(line) for line in out.splitlines()]
    with (run / "out.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["path"], row["class_1"], float(row["probability_1"])) for row in rows] == [
        (line["path"], line["predictions"][0]["class"], line["predictions"][0]["probability"]) for line in lines
    ]
    assert len(rows) == 3


def test_a_bad_picture_is_said_and_the_status_tells(predict, run):
    (run / "in" / "d.png").touch()
    code, _, err = predict("run", "in", "--out", "out.csv")
    assert code == 1
    assert "'in/d.png': empty file (0 bytes)\n" in err
    assert err.endswith("Error: 1 of 4 pictures could not be used; the reasons stand above. The rest is done.\n")
    assert len((run / "out.csv").read_text().splitlines()) == 5
    code, _, err = predict("run", "in/d.png")
    assert code == 1
    assert err.endswith("Error: 1 of 1 picture could not be used; the reasons stand above.\n")


def test_a_name_that_is_too_long_is_a_row(predict, run, monkeypatch):
    monkeypatch.setattr(shipped, "shipped_models", lambda: {shipped.DEFAULT: run / "run" / "model.safetensors"})
    code, out, err = predict("run", "x" * 300, "in/a.png", "--out", "out.csv")
    assert (code, out) == (1, "out.csv\n")
    assert "cannot be opened (File name too long)" in err
    assert len((run / "out.csv").read_text().splitlines()) == 3
    code, _, err = predict("x" * 300)
    assert code == 1
    assert "cannot be opened (File name too long)" in err


@pytest.mark.parametrize("name", ["a.png", "without-ending"])
@pytest.mark.parametrize("pictures", ["in", "in/*", "list.csv"])
def test_a_picture_is_not_replaced_by_the_answers(predict, run, pictures, name):
    (run / "in" / "without-ending").write_bytes((run / "in" / "c.png").read_bytes())
    (run / "list.csv").write_text(f"path\nin/{name}\n")
    before = (run / "in" / name).read_bytes()
    code, out, err = predict("run", pictures, "--format", "csv", "--out", f"in/{name}")
    assert (code, out) == (1, "")
    assert f"--out in/{name} is a picture, which would be lost." in " ".join(err.split())
    assert (run / "in" / name).read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "empty"), "There is no picture in empty"),
        (("run", "in", "--out", "out.txt"), "End it with .csv or .jsonl"),
        (("run", "in", "--out", "out.csv", "--format", "table"), "Leave --out or --format out"),
        (("run", "list.csv", "--out", "list.csv"), "one of the files to be read"),
        (("run", "li*.csv", "--out", "list.csv"), "one of the files to be read"),
        (("run", "in", "--out", "run/model.safetensors", "--format", "csv"), "one of the files to be read"),
        (("run", "in", "--out", "in/a.png/out.csv"), "Cannot write"),
        (("nothing", "in"), "no run folder, model file or callable nothing"),
        (("run", "list.csv"), "expected one called 'path'"),
    ],
)
def test_what_cannot_be_done_is_one_message(predict, run, arguments, message):
    (run / "empty").mkdir()
    (run / "list.csv").write_text("file\na.png\n")
    code, out, err = predict(*arguments)
    assert (code, out) == (1, "")
    assert message in err
    assert err.count("Error: ") == 1
    assert not (run / "out.csv").exists()
    assert (run / "list.csv").read_text() == "file\na.png\n"


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_leaves_no_half_written_file(run, number, status):
    """A list that would take minutes is being predicted when the signal comes."""
    (run / "long.csv").write_text("path\n" + "in/a.png\n" * 1_000_000)
    arguments = ["predict", "run", "long.csv", "--out", "out.csv", "--device", "cpu"]
    process = Forked("rugged", arguments, run)
    started = time.monotonic()
    while not any(path.stat().st_size for path in run.glob(".out.csv.*.partial")):
        assert process.returncode is None
        assert time.monotonic() - started < 120
        time.sleep(0.1)
    process.send_signal(number)
    told = process.communicate(timeout=60)
    assert process.returncode == status
    assert "Stopped after" in told
    assert [path.name for path in run.iterdir() if "out.csv" in path.name] == []
