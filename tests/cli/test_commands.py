"""The command line as a person meets it: in a process of its own."""

import csv
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch
import typer
from tests.forked import Forked

import rugged
from rugged.cli import app, main
from rugged.core.files import read_json, sha256_file
from rugged.models import ModelSpec, build, save_model

RECIPE = """
epochs = 8
batch_size = 8
precision = "fp32"
development_per_class = 6
[model]
architecture = "timm/resnet10t"
[optimizer]
lr = 0.01
"""


@pytest.fixture
def work(picture_folder, tmp_path):
    (tmp_path / "small.toml").write_text(RECIPE)
    return tmp_path


@pytest.fixture
def here(work, monkeypatch, capfd):
    """Run the command line in this process: what it says and answers is the same, and it starts at once."""

    def run_here(*arguments):
        monkeypatch.chdir(work)
        monkeypatch.setattr(sys, "argv", ["rugged", *arguments])
        monkeypatch.setattr("rugged.core.progress._console", None)
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        return ended.value.code or 0, out, err

    return run_here


def wait_for_epochs(process, metrics, count):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.returncode is None:
        if metrics.exists() and len(metrics.read_text().splitlines()) > 2 * count:
            return
        time.sleep(0.01)
    pytest.fail(f"the training ended before it could be interrupted: {process.communicate(timeout=0)}")


@pytest.mark.parametrize(
    ("command", "heavy"),
    [
        ("corrupt pictures out", "rugged.data.corrupted.writer"),
        ("benchmark run --data pictures", "rugged.benchmark"),
        ("restore benchmark run --data pictures", "rugged.benchmark"),
        ("explain run --data pictures", "rugged.explain"),
    ],
)
def test_a_wrong_name_is_refused_before_anything_heavy_is_imported(here, command, heavy, monkeypatch):
    monkeypatch.setitem(sys.modules, heavy, None)  # To import it fails.
    for options, message in ((("--corruptions", "fogg"), "'fogg' is no corruption"), (("--severities", "7"), "1 to 5")):
        code, _, err = here(*command.split(), *options)
        assert code == 1
        assert message in err


def test_a_wrong_share_is_refused_before_anything_heavy_is_imported(here, monkeypatch):
    monkeypatch.setitem(sys.modules, "rugged.data.corrupted.writer", None)
    code, _, err = here("corrupt", "pictures", "out", "--shard", "3/2")
    assert code == 1
    assert "'3/2' is no shard" in err


def test_the_playground_says_at_once_that_it_loads(here, monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "rugged.playground.serving", None)
    with pytest.raises(ModuleNotFoundError):
        here("playground")
    assert capfd.readouterr().err.startswith("Loading the model …")


def test_from_pictures_to_a_report(work, here):
    command = [sys.executable, "-m", "rugged", "train", "small.toml", "--data", "pictures", "--set", "epochs=2"]
    assert subprocess.run(command, cwd=work, timeout=300).returncode == 0  # As a user starts it.
    code, out, _ = here("benchmark", "runs/small", "--data", "pictures", "--corruptions", "contrast")
    assert code == 0
    assert "Contrast" in out
    assert "no baseline" in out
    code, out, _ = here(
        "benchmark", "runs/small", "--data", "pictures", "--corruptions", "contrast", "--baseline", "runs/small"
    )
    assert code == 0
    assert "100.0%" in out
    shutil.copytree(work / "runs/small", work / "runs/same")
    code, out, _ = here("compare", "runs/small", "runs/same", "--out", "both.html")
    assert code == 0
    assert "0.0 (0.0 to 0.0)" in out
    assert (work / "both.html").read_text(encoding="utf-8").startswith("<!")
    code, out, _ = here("report", "runs/small")
    assert code == 0
    assert (work / "runs/small/report/index.html").read_text(encoding="utf-8").startswith("<!")
    assert read_json(work / "runs/small/manifest.json")["sessions"][0]["command"] == (
        "rugged train small.toml --data pictures --set epochs=2"
    )


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_killed_training_resumes_to_the_same_weights(work, here, number, code):
    assert here("train", "small.toml", "--data", "pictures", "--out", "whole")[0] == 0
    process = Forked("rugged", ["train", "small.toml", "--data", "pictures", "--out", "cut"], work)
    wait_for_epochs(process, work / "cut" / "metrics.csv", 3)
    process.send_signal(number)
    assert "Traceback" not in process.communicate(timeout=60)
    assert process.returncode == code
    assert not (work / "cut" / "model.safetensors").exists()
    assert here("train", "small.toml", "--data", "pictures", "--out", "cut")[0] == 0
    assert sha256_file(work / "cut" / "model.safetensors") == sha256_file(work / "whole" / "model.safetensors")
    epochs = [row["epoch"] for row in csv.DictReader((work / "cut" / "metrics.csv").read_text().splitlines())]
    assert epochs == [str(1 + number // 2) for number in range(16)]
    assert not list((work / "cut").rglob("*.partial"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "nonsense", "--data", "pictures"), "no recipe 'nonsense'"),
        (("train", "small.toml", "--data", "nowhere"), "nowhere"),
        (("train", "small.toml", "--data", "pictures", "--set", "epochs"), "key=value"),
        (("benchmark", "nowhere", "--data", "pictures"), "no run folder, model file or callable nowhere"),
        (("benchmark", "x", "--data", "pictures", "--corruptions", "contrats"), "Did you mean contrast?"),
        (("benchmark", "x", "--data", "pictures", "--corruptions", ","), "No corruption was named"),
        (("benchmark", "x", "--data", "pictures", "--severities", "0,6"), "expected some of 1 to 5"),
        (("benchmark", "x", "--data", "pictures", "--severities", "one"), "list of whole numbers"),
        (
            ("benchmark", "x", "--data", "pictures", "--sequences", "ten", "--as-baseline", "weak", "--stored", "no"),
            "--as-baseline, --stored mean nothing for sequences. Leave them out.",
        ),
        (
            ("benchmark", "x", "--data", "pictures", "--sequences", "ten", "--baseline", "imagenet-c-alexnet"),
            "--baseline imagenet-c-alexnet is no run folder. For sequences a baseline is a run folder",
        ),
        (("benchmark", "x", "--data", "pictures", "--sequences", ""), "No sequence was named"),
        (("benchmark", "x", "--data", "pictures", "--precision", "fp16", "--device", "cpu"), "fp16 needs a CUDA GPU"),
        (
            ("benchmark", "x", "--data", "pictures", "--difficulty", "2"),
            "--difficulty means nothing without --sequences",
        ),
        (("report", "nowhere"), "nowhere"),
        (("recipes", "nonsense"), "no recipe 'nonsense'"),
        (("data", "info", "nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_done_is_one_message_and_status_one(work, here, arguments, message):
    code, _, err = here(*arguments)
    assert code == 1
    assert message in err.replace("\n", " ")


def test_official_files_and_baselines_on_the_command_line(work, here):
    torch.manual_seed(0)
    spec = ModelSpec("timm/resnet10t", ("above", "below"), ("above", "below"), 32)
    save_model(work / "run" / "model.safetensors", build("timm/resnet10t", 2), spec)
    assert here("corrupt", "pictures", "c", "--corruptions", "contrast", "--severities", "5", "--format", "png")[0] == 0
    command = ("benchmark", "run", "--data", "pictures", "--corruptions", "contrast", "--severities", "5")
    code, out, err = here(*command, "--official", "c", "--as-baseline", "mine.json")
    assert code == 0
    assert "Saved as the baseline mine.json" in err
    assert "as `rugged corrupt` wrote them to c" in out.replace("\n", " ")
    code, out, _ = here(*command, "--official", "c", "--baseline", "mine.json")
    assert code == 0
    assert "100.0" in out
    assert read_json(work / "run" / "benchmark" / "summary.json")["mce"]["baseline"]["name"] == "mine"
    for arguments, message in (
        (("--official", "c", "--seed", "1"), "those of the files"),
        (("--official", "pictures"), "holds no corrupted pictures"),
        (
            ("--official", "c", "--baseline", "imagenet-c-alexnet"),
            "route is official files (ImageNet-C), here files of",
        ),
        (("--out", "memory", "--baseline", "mine.json"), "route is files of rugged corrupt, here in memory"),
        (("--official", "c", "--baseline", "nine"), "no baseline of that name"),
    ):
        code, _, err = here(*command, *arguments)
        assert code == 1
        assert message in err.replace("\n", " ")


def test_clean_pictures_alone_on_the_command_line(work, here):
    torch.manual_seed(0)
    spec = ModelSpec("timm/resnet10t", ("above", "below"), ("above", "below"), 32)
    save_model(work / "run" / "model.safetensors", build("timm/resnet10t", 2), spec)
    code, out, _ = here("benchmark", "run", "--data", "pictures", "--corruptions", "none")
    assert code == 0
    assert "Clean top-1" in out
    assert "Note: Clean pictures alone were measured." in out
    assert "Corrupted" not in out
    assert here("card", "run")[0] == 0
    card = (work / "run" / "card.md").read_text(encoding="utf-8")
    assert "Right on " in card
    assert "orruption accuracy" not in card
    code, _, err = here("report", "run")
    assert code == 1
    assert "run has figures of clean pictures alone" in err.replace("\n", " ")


@pytest.mark.parametrize(
    "arguments", [(), ("trian",), ("train",), ("train", "x", "--nope"), ("benchmark", "x", "--limit", "0")]
)
def test_a_wrong_command_line_is_a_usage_error(here, arguments):
    assert here(*arguments)[0] == 2


def commands(group):
    for command in group.commands.values():
        yield from commands(command) if hasattr(command, "commands") else [command]


def test_what_commands_have_in_common_has_the_same_names_in_all():
    short = {"--out": "-o", "--data": "-d"}
    for command in commands(typer.main.get_command(app)):
        options = {name for parameter in command.params for name in parameter.opts}
        assert all(short[name] in options for name in options & short.keys()), command.name
        lists = {name for parameter in command.params if parameter.metavar == "N,N" for name in parameter.opts}
        assert lists <= {"--severities"}, command.name


def test_recipes_are_listed_and_printed_to_be_changed(work, here):
    assert "plain64" in here("recipes")[1]
    (work / "mine.toml").write_text(here("recipes", "plain64")[1])
    code, _, err = here("train", "mine.toml", "--data", "pictures", "--set", "epochs=0")
    assert code == 1
    assert "epochs is 0" in err


def test_the_version(here):
    assert here("--version")[:2] == (0, f"rugged {rugged.__version__}\n")


def test_a_name_that_is_too_long_is_one_message(here):
    code, _, err = here("report", "a" * 300)
    assert code == 1
    assert "too long" in err
