"""Public functions take a text wherever they take a path, and what ``open_dataset`` opens wherever they take data."""

from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from rugged import export_model, load_model, open_dataset, write_corrupted, write_one_per_image, write_report
from rugged.analyze import read_run
from rugged.benchmark import benchmark, benchmark_restorer, benchmark_sequences
from rugged.cli import app
from rugged.core.errors import ConfigError, IncomparableError, RuggedError
from rugged.explain import Wanted, explain_run
from rugged.models import ModelSpec, RestorerSpec, build, make_restorer, read_spec, save_model, save_restorer
from rugged.report import compare_runs, write_comparison, write_markdown, write_tables
from rugged.results import (
    RunFolder,
    place_of,
    read_cells,
    read_restoration,
    read_stability,
    read_summary,
    save_baseline,
)
from rugged.train import load_recipe, train


@pytest.fixture(autouse=True)
def _a_users_folder(picture_folder, monkeypatch):
    """Pictures by class in ``pictures``, and the untrained classifier ``runs/a``."""
    monkeypatch.chdir(picture_folder.parent)
    torch.manual_seed(0)
    spec = ModelSpec("timm/test_resnet", ("above", "below"), ("above", "below"), 32)
    save_model("runs/a/model.safetensors", build(spec.architecture, 2), spec)


def test_a_benchmark_and_what_reads_it(tmp_path):
    quick = {"corruptions": ("contrast",), "severities": (1,), "device": "cpu"}
    summary = benchmark("runs/a", "pictures", out="runs/b", **quick)
    assert summary == read_summary("runs/b/benchmark/summary.json") == read_run("runs/b").summary
    assert set(read_cells("runs/b/benchmark/predictions")) == {("clean", 0), ("contrast", 1)}
    assert save_baseline(summary, tmp_path / "own.json") == tmp_path / "own.json"
    write_report(["runs/b"], "page.html")
    write_markdown(["runs/b"], "page.md")
    write_tables(["runs/b"], "tables")
    assert {"page.html", "page.md", "tables"} <= {path.name for path in tmp_path.iterdir()}


def test_official_files_and_weights():
    write_corrupted("pictures", "written", corruptions=["contrast"], severities=[1], workers=1)
    weights = "runs/a/model.safetensors"
    official = {"corruptions": ("contrast",), "severities": (1,), "official": "written", "device": "cpu"}
    assert benchmark("runs/a", "pictures", **official).conditions.images == 18
    assert build("timm/test_resnet", 2, weights=weights) is not None


def test_sequences_and_their_baseline():
    quick = {"sequences": ("brightness",), "limit": 4, "device": "cpu"}
    first = benchmark_sequences("runs/a", "pictures", out="runs/b", **quick)
    assert read_stability("runs/b/benchmark/sequences-1.json") == first
    with pytest.raises(IncomparableError, match=r"runs/b.* never moves under brightness"):  # An untrained model.
        benchmark_sequences("runs/a", "pictures", baseline="runs/b", **quick)


def test_a_restorer():
    spec = RestorerSpec(width=4, blocks=(1,), blocks_up=())
    save_restorer("runs/r/restorer.safetensors", make_restorer(spec), spec)
    found = benchmark_restorer("runs/r", "pictures", corruptions=("contrast",), severities=(1,), device="cpu")
    assert read_restoration("runs/r/benchmark/restoration.json") == found


def test_trainings():
    run = train(
        load_recipe(
            "plain64", ["model.architecture=timm/test_resnet", "epochs=1", "batch_size=8", "development_per_class=2"]
        ),
        "pictures",
        "runs/t",
        device="cpu",
    )
    assert isinstance(run, RunFolder)
    assert load_model("runs/t/model.safetensors")[1] == read_spec("runs/t/model.safetensors")


def test_a_pack_of_corrupted_pictures():
    mixed = write_one_per_image("pictures", "mixed", corruptions=["contrast"], workers=1)
    assert mixed.content_hash == open_dataset("mixed").content_hash


def test_explanations_and_exports():
    wanted = Wanted(count=2, shown=2)
    picture = "pictures/val/above/val00.png"
    assert explain_run(["runs/a"], "pictures", wanted=wanted, device="cpu", out="maps").name == "maps"
    assert explain_run(["runs/a"], files=[picture], wanted=wanted, device="cpu").name == "explanations"
    assert export_model("runs/a", "a.onnx", "pictures").path.name == "a.onnx"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The user's folder is home; work goes on in another, which nothing is to be written to."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    yield tmp_path
    assert [*Path().iterdir()] == []


def test_what_is_no_path_or_an_empty_one_is_refused(home):
    """An empty text would be the current folder, and results would lie about in it."""
    for call, where in ((read_summary, ""), (read_run, ""), (load_model, None), (read_run, 3)):
        with pytest.raises(ConfigError, match=r"The path is empty\. Name|Expected a path, .* and found (NoneType|int)"):
            call(where)
    with pytest.raises(ConfigError, match="The path is empty"):
        benchmark("~/runs/a", "~/pictures", out="", device="cpu")


def test_a_tilde_is_the_home_folder(home):
    quick = {"corruptions": ("contrast",), "severities": (1,), "device": "cpu"}
    for run in ("~/runs/b", "~/runs/c"):
        benchmark("~/runs/a", "~/pictures", out=run, **quick)
    assert read_run("~/runs/b").summary == read_summary("~/runs/b/benchmark/summary.json")
    assert set(read_cells("~/runs/b/benchmark/predictions")) == {("clean", 0), ("contrast", 1)}
    assert save_baseline(read_summary("~/runs/b/benchmark/summary.json"), "~/own.json") == home / "own.json"
    assert write_report(["~/runs/b"], "~/page.html") == home / "page.html"
    assert write_markdown(["~/runs/b"], "~/page.md") == home / "page.md"
    assert write_tables(["~/runs/b"], "~/tables") == home / "tables"
    assert write_comparison(compare_runs(["~/runs/b", "~/runs/c"]), "~/both.html") == home / "both.html"
    assert explain_run(["~/runs/a"], "~/pictures", wanted=Wanted(count=2), device="cpu", out="~/maps") == home / "maps"
    assert place_of("~/runs/a", None).path == home / "runs" / "a"
    assert load_model("~/runs/a/model.safetensors")[1] == read_spec(home / "runs" / "a" / "model.safetensors")


@pytest.mark.parametrize(
    "command",
    [
        "perturb ~/pictures ~/made --sequences brightness --limit 1",
        "corrupt ~/pictures ~/made.png --preview --corruptions contrast",
        "explain ~/runs/a --data ~/pictures --limit 2 --out=~/made",  # Some shells leave this one to the command.
    ],
)
def test_a_tilde_on_the_command_line(command, home):
    done = CliRunner().invoke(app, command.split())
    assert done.exit_code == 0, done.output
    assert {path.name for path in home.iterdir()} & {"made", "made.png"}


def test_a_tilde_of_nobody_is_a_name(tmp_path):
    assert RunFolder("~nobody-of-this-name/a").path == Path("~nobody-of-this-name/a")
    with pytest.raises(RuggedError, match="no such folder"):
        read_run("~nobody-of-this-name/a")
    with pytest.raises(RuggedError):
        open_dataset("~nobody-of-this-name/a")
