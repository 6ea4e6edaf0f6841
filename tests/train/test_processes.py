"""A training that is killed goes on as if nothing had been; several processes train as one does and stop together."""

import csv
import signal

import pytest
from tests.forked import Forked, torchrun

from rugged.core.files import read_json, sha256_file
from rugged.data import development_split, open_dataset
from rugged.engine import make_fabric
from rugged.models import load_model
from rugged.results import RunFolder
from rugged.train import load_recipe, train
from rugged.train.judging import judge

# Without batch norm, dropout and augmentation nothing depends on which process sees a picture.
SETTINGS = [
    "model.architecture=timm/test_vit", "model.input_size=160", "epochs=2", "batch_size=9", "development_per_class=6",
    "optimizer.name=sgd", "optimizer.lr=0.02", "precision=fp32", "augment.flip=false", "augment.crop=0",
]  # fmt: skip

WITH_EVERYTHING = [
    "model.architecture=timm/test_resnet", "epochs=3", "batch_size=8", "development_per_class=6", "precision=fp32",
    "optimizer.lr=0.01", "average.decay=0.9", "augment.trivial.probability=0.5", "augment.mix.probability=0.5",
]  # fmt: skip

SCRIPT = """
import os, signal, sys, time
from pathlib import Path
import rugged.train.trainer
from rugged.core.errors import Interrupted, RuggedError
from rugged.data import open_pack
from rugged.train import load_recipe, train

pack, out, fault = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
original = rugged.train.trainer.Trainer.step
FAULTS = {
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "stop": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "die": lambda: os._exit(3),
    "die in small chunks": lambda: os._exit(3),
}
settings = sys.argv[4:]
if fault == "differ" and os.environ["RANK"] == "1":
    settings.append("epochs=7")
if "small chunks" in fault:
    import rugged.engine.inference
    rugged.engine.inference.CHUNK = 5  # So that both processes judge.

def step(self, indices, batch, position):
    note = original(self, indices, batch, position)
    marker = out.parent / "happened"
    if os.environ.get("RANK", "1") == "1" and position.step == 5 and not marker.exists() and fault in FAULTS:
        marker.touch()
        FAULTS[fault]()
    return note

rugged.train.trainer.Trainer.step = step
replace = Path.replace

def replace_or_die(source, target):
    marker = out.parent / "happened"
    if fault == "kill while saving" and (out / "checkpoints" / "latest.safetensors").exists() and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)  # The new file is written beside the old one, which is still in place.
    return replace(source, target)

Path.replace = replace_or_die
try:
    train(load_recipe("demo_baseline", settings), open_pack(pack), out, device="cpu")
except Interrupted as error:
    print(error)
    sys.exit(128 + error.signal_number)
except RuggedError as error:
    print(error, flush=True)
    time.sleep(3)  # As soon as one has ended torchrun ends the others, which are to end by themselves.
    sys.exit(1)
"""


@pytest.fixture
def dataset(picture_folder):
    return open_dataset(picture_folder)


def figures(run):
    rows = csv.DictReader(RunFolder(run).metrics.read_text().splitlines())
    return [(row["epoch"], row["split"], float(row["loss"]), float(row["top1"])) for row in rows]


def run_together(tmp_path, dataset, out, fault="none", restarts=0, settings=SETTINGS):
    """Train by two processes of torchrun; give its status and what was told."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    processes = torchrun([str(script), str(dataset.folder), str(out), fault, *settings], tmp_path, restarts)
    told = processes.communicate(timeout=300)
    return processes.returncode, told


def run_alone(tmp_path, dataset, out, fault="none"):
    (tmp_path / "script.py").write_text(SCRIPT)
    process = Forked("script", [str(dataset.folder), str(out), fault, *WITH_EVERYTHING], tmp_path)
    told = process.communicate(timeout=300)
    return process.returncode, told


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["kill", "kill while saving"])
def test_a_killed_training_ends_with_the_same_bytes(fault, dataset, tmp_path):
    status, told = run_alone(tmp_path, dataset, tmp_path / "whole" / "run")
    assert status == 0, told
    (tmp_path / "cut").mkdir()
    cut = tmp_path / "cut" / "run"
    assert run_alone(tmp_path, dataset, cut, fault)[0] == -signal.SIGKILL
    assert not (cut / "model.safetensors").exists()
    assert run_alone(tmp_path, dataset, cut, fault)[0] == 0
    assert sha256_file(cut / "model.safetensors") == sha256_file(tmp_path / "whole" / "run" / "model.safetensors")
    assert figures(cut) == figures(tmp_path / "whole" / "run")


@pytest.mark.slow
@pytest.mark.parametrize("more", [[], ["micro_batch=2", "optimizer.clip_norm=0.5"]])
def test_two_processes_learn_what_one_does(more, dataset, tmp_path):
    """In portions, too: of a batch of 9 one process puts through three, the other two, and one alone five."""
    settings = [*SETTINGS, *more]
    alone = train(load_recipe("demo_baseline", settings), dataset, tmp_path / "alone", device="cpu")
    status, told = run_together(tmp_path, dataset, tmp_path / "two", settings=settings)
    assert status == 0, told
    one, two = figures(alone.path), figures(tmp_path / "two")
    assert len(one) == 4
    for (epoch, split, loss, top1), (other_epoch, other_split, other_loss, other_top1) in zip(one, two, strict=True):
        assert (epoch, split, top1) == (other_epoch, other_split, other_top1)
        assert other_loss == pytest.approx(loss, rel=1e-4)
    manifest = read_json(tmp_path / "two" / "manifest.json")
    assert manifest["status"] == "finished"
    assert manifest["sessions"][0]["hardware"]["processes"] == 2
    assert told.count("epoch 2/2: train loss") == 1  # One speaks for all.


@pytest.mark.slow
def test_after_one_process_died_all_go_on_from_the_checkpoint(dataset, tmp_path):
    status, told = run_together(tmp_path, dataset, tmp_path / "whole" / "run")
    assert status == 0, told
    (tmp_path / "cut").mkdir()
    status, told = run_together(tmp_path, dataset, tmp_path / "cut" / "run", fault="die", restarts=1)
    assert status == 0, told
    assert (tmp_path / "cut" / "happened").exists()
    assert figures(tmp_path / "cut" / "run") == figures(tmp_path / "whole" / "run")
    sessions = read_json(tmp_path / "cut" / "run" / "manifest.json")["sessions"]
    assert [session["first_step"] for session in sessions] == [0, 4]  # From the end of the first epoch.


@pytest.mark.slow
def test_with_batch_norm_the_model_that_is_judged_is_the_one_that_is_saved(dataset, tmp_path):
    """And so is it after a restart, though only the first process's statistics are saved, which AdvProp looks at."""
    settings = [*WITH_EVERYTHING, "average.decay=0", "adversarial.steps=1", "development_per_class=8"]
    status, told = run_together(tmp_path, dataset, tmp_path / "whole" / "run", "small chunks", settings=settings)
    assert status == 0, told
    (tmp_path / "cut").mkdir()
    status, told = run_together(
        tmp_path, dataset, tmp_path / "cut" / "run", "die in small chunks", restarts=1, settings=settings
    )
    assert status == 0, told
    assert figures(tmp_path / "cut" / "run") == figures(tmp_path / "whole" / "run")
    runs = [RunFolder(tmp_path / name / "run") for name in ("whole", "cut")]
    assert sha256_file(runs[0].model) == sha256_file(runs[1].model)
    _, held_out = development_split(dataset.train, 8)
    model, spec = load_model(runs[0].model)
    split = dataset.train.take(held_out)
    judged = judge(make_fabric("cpu", "fp32"), model, spec, split)
    assert figures(runs[0].path)[-1][2] == pytest.approx(judged["loss"], rel=1e-5)


@pytest.mark.slow
def test_processes_that_were_told_different_things_say_so_and_end(dataset, tmp_path):
    status, told = run_together(tmp_path, dataset, tmp_path / "run", "differ")
    assert status != 0
    assert "The processes differ in recipe, data or folder" in told
    assert not (tmp_path / "run" / "model.safetensors").exists()


@pytest.mark.slow
def test_when_the_first_process_cannot_begin_the_others_end_too(dataset, tmp_path):
    (tmp_path / "file").touch()
    status, told = run_together(tmp_path, dataset, tmp_path / "file" / "run")
    assert status != 0
    assert "The first process could not go on" in told


@pytest.mark.slow
def test_a_signal_to_one_process_stops_all_where_everything_is_saved(dataset, tmp_path):
    status, told = run_together(tmp_path, dataset, tmp_path / "whole" / "run", settings=[*SETTINGS, "epochs=3"])
    assert status == 0, told
    (tmp_path / "cut").mkdir()
    cut = tmp_path / "cut" / "run"
    status, told = run_together(tmp_path, dataset, cut, fault="stop", settings=[*SETTINGS, "epochs=3"])
    assert status != 0
    assert "everything is saved" in told
    assert not (cut / "model.safetensors").exists()
    status, told = run_together(tmp_path, dataset, cut, settings=[*SETTINGS, "epochs=3"])
    assert status == 0, told
    assert figures(cut) == figures(tmp_path / "whole" / "run")
