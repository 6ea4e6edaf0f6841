"""``rugged study`` as a command."""

import signal
import time

import pytest
from tests.forked import Forked
from typer.testing import CliRunner

from rugged.cli import app

RECIPE = """
epochs = {epochs}
batch_size = 8
precision = "fp32"
development_per_class = 6
[model]
architecture = "timm/test_resnet"
[optimizer]
lr = 1e-9
"""

STUDY = """
baseline = "small.toml"
corruptions = ["contrast"]
[[recipes]]
name = "again"
recipe = "small.toml"
[[models]]
name = "net"
set = ["seed=1"]
[[models]]
name = "vit"
set = ["model.architecture=timm/vit_tiny_patch16_224"]
"""


@pytest.fixture
def work(picture_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("rugged.core.progress._console", None)
    (tmp_path / "mine.toml").write_text(STUDY)
    (tmp_path / "small.toml").write_text(RECIPE.format(epochs=1))
    return tmp_path


def call(*arguments):
    return CliRunner().invoke(app, ["study", *arguments])


def test_the_shipped_studies_are_listed(work):
    done = call()
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["ablations64", "cs182", "families64", "robust64"]
    assert "eight" in done.stdout


def test_a_failing_row_is_told_at_the_end_and_the_tables_are_there_all_the_same(work):
    done = call("mine.toml", "--data", "pictures", "--device", "cpu")
    assert done.exit_code == 1
    assert "1 of 3 rows could not be finished" in done.stderr
    assert "vit_again: timm/vit_tiny_patch16_224 cannot be trained on 32×32 pixels" in done.stderr
    assert "| net_again | clean |" in done.stdout
    assert (
        "- `vit_again` (not begun): `rugged study mine.toml --data pictures --out studies/mine --only vit_again`"
        in (done.stdout)
    )
    printed = call("mine.toml", "--tables", "--data", "pictures")
    assert (printed.exit_code, printed.stdout) == (0, done.stdout)
    assert (work / "studies" / "mine" / "tables.md").read_text(encoding="utf-8") == done.stdout
    assert (work / "studies" / "mine" / "errors.csv").exists()
    planned = call("mine.toml", "--dry-run")
    assert planned.exit_code == 0
    assert "net_again  [done, 1 epoch]" in planned.stdout
    assert "    small.toml --set model.architecture=timm/vit_tiny_patch16_224" in planned.stdout


def test_a_plan_touches_nothing(work):
    before = sorted(work.rglob("*"))
    done = call("mine.toml", "--dry-run", "--only", "net_again")
    assert done.stdout.splitlines() == ["net_again  [not begun, 1 epoch]", "    small.toml --set seed=1"]
    assert sorted(work.rglob("*")) == before


def test_a_plan_with_a_recipe_that_cannot_be_used_is_not_begun(work):
    (work / "mine.toml").write_text(STUDY.replace("timm/vit_tiny", "timm/vit_tiyn"))
    done = call("mine.toml", "--dry-run")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "Row vit_again of the study" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cs128",), "Did you mean 'cs182'"),
        (("mine.toml",), "name them with --data"),
        (("mine.toml", "--data", "pictures", "--only", "net_agian"), "Did you mean 'net_again'"),
        (("mine.toml", "--data", "nowhere"), "nowhere"),
        (("mine.toml", "--tables", "--out", "elsewhere"), "elsewhere does not exist"),
        (("mine.toml", "--tables", "--only", "net_again"), "--only means nothing with --tables"),
        (("mine.toml", "--tables", "--dry-run"), "--dry-run means nothing with --tables"),
        (("mine.toml", "--dry-run", "--device", "cpu"), "--device means nothing with --dry-run"),
        (("--data", "pictures", "--only", "net_again"), "--data, --only mean nothing without a study"),
    ],
)
def test_what_cannot_be_done_is_one_message_and_status_one(work, arguments, message):
    done = call(*arguments)
    assert done.exit_code == 1
    assert message in done.stderr.replace("\n", " ")


def test_ctrl_c_ends_the_study_with_the_row_saved(work):
    (work / "small.toml").write_text(RECIPE.format(epochs=4000))
    command = ["study", "mine.toml", "--data", "pictures", "--only", "net_again"]
    process = Forked("rugged", command, work, {"COLUMNS": "9"})
    metrics = work / "studies/mine/runs/net_again/metrics.csv"
    deadline = time.monotonic() + 120
    while not metrics.exists() and process.returncode is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "Traceback" not in told
    assert (metrics.parent / "checkpoints").is_dir()
    assert "net_again  [training, " in call("mine.toml", "--dry-run").stdout
