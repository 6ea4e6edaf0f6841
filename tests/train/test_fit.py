"""Whole training runs on pictures that a network of any size can tell apart."""

import csv
import dataclasses
import gc

import pytest
import torch

import rugged.train.judging
import rugged.train.learner
import rugged.train.trainer
from rugged.core.errors import DataError, Interrupted, ModelError, RuggedError, RunError
from rugged.core.files import exclusive, read_json, sha256_file
from rugged.data import open_dataset
from rugged.models import load_model
from rugged.results import RunFolder
from rugged.train import load_recipe, train

OVERRIDES = ["epochs=3", "batch_size=8", "development_per_class=6", "optimizer.lr=0.01", "precision=fp32"]


def read_rows(run):
    return list(csv.DictReader(run.metrics.read_text().splitlines()))


@pytest.fixture
def recipe():
    return load_recipe("demo_baseline", ["model.architecture=timm/test_resnet", *OVERRIDES])


@pytest.fixture
def dataset(picture_folder):
    return open_dataset(picture_folder)


def test_a_run_learns_and_leaves_everything_behind(recipe, dataset, tmp_path):
    run = train(recipe, dataset, tmp_path / "run", device="cpu", command="rugged train demo_baseline")
    rows = read_rows(run)
    assert [(row["epoch"], row["split"]) for row in rows] == [(str(e), s) for e in (1, 2, 3) for s in ("train", "dev")]
    assert float(rows[4]["loss"]) < float(rows[0]["loss"])
    assert float(rows[5]["top1"]) >= 0.75
    manifest = read_json(run.manifest)
    assert manifest["status"] == "finished"
    assert manifest["sha256"] == sha256_file(run.model)
    assert manifest["dataset"]["content_hash"] == dataset.content_hash
    assert manifest["final"]["dev"]["top1"] == pytest.approx(float(rows[5]["top1"]), abs=1e-6)
    assert [(each["command"], each["first_step"]) for each in manifest["sessions"]] == [
        ("rugged train demo_baseline", 0)
    ]
    _, spec = load_model(run.model)
    assert spec.classes == ("above", "below")
    assert spec.input_size == 32
    assert spec.training_operations == ("crop", "flip")


def test_the_generators_of_the_caller_stay_as_they_were(recipe, dataset, tmp_path):
    """Training seeds them for every step; whoever trains in a loop draws anew afterwards."""
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    run = train(recipe, dataset, tmp_path / "run", device="cpu")
    first = torch.rand(1)
    load_model(run.model)
    assert torch.equal(torch.cat((first, torch.rand(1))), expected)


def test_classes_that_cannot_be_learned_are_named(recipe, picture_folder, tmp_path, capsys):
    (picture_folder / "val" / "beside").mkdir()
    for picture in (picture_folder / "val" / "above").iterdir():
        (picture_folder / "val" / "beside" / f"again-{picture.name}").write_bytes(picture.read_bytes())
    recipe = dataclasses.replace(recipe, epochs=1, development_per_class=0)
    train(recipe, open_dataset(picture_folder), tmp_path / "run", device="cpu")
    assert "1 of 3 classes have no training pictures, and will not be learned: beside." in capsys.readouterr().err


def test_nothing_of_a_training_waits_for_the_collector_of_garbage(recipe, dataset, tmp_path):
    """Of several processes, what is still connected when Python ends aborts its process."""
    gc.collect()
    gc.disable()
    try:
        train(dataclasses.replace(recipe, epochs=1), dataset, tmp_path / "run", device="cpu")
        assert not [each for each in gc.get_objects() if type(each) is rugged.train.trainer.Trainer]
    finally:
        gc.enable()


def test_the_same_recipe_gives_the_same_model_and_another_seed_another(recipe, dataset, tmp_path):
    hashes = [
        sha256_file(train(dataclasses.replace(recipe, seed=seed), dataset, tmp_path / name, device="cpu").model)
        for name, seed in {"a": 0, "b": 0, "c": 1}.items()
    ]
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("stop_after", [1, 4, 5, 8])  # Four steps an epoch: within, at the end, after.
def test_an_interrupted_run_ends_with_the_same_weights(recipe, dataset, tmp_path, monkeypatch, stop_after):
    whole = train(recipe, dataset, tmp_path / "whole", device="cpu")
    original = rugged.train.trainer.Trainer.step
    stops = []

    def step_then_stop(self, indices, batch, position):
        note = original(self, indices, batch, position)
        if position.step + 1 == stop_after and not stops:
            import signal

            stops.append(1)
            signal.raise_signal(signal.SIGTERM)
        return note

    monkeypatch.setattr(rugged.train.trainer.Trainer, "step", step_then_stop)
    with pytest.raises(Interrupted, match=f"step {stop_after} of 12"):
        train(recipe, dataset, tmp_path / "cut", device="cpu", command="first")
    assert not (tmp_path / "cut" / "model.safetensors").exists()
    resumed = train(recipe, dataset, tmp_path / "cut", device="cpu", command="second")
    sessions = [(each["command"], each["first_step"]) for each in read_json(resumed.manifest)["sessions"]]
    assert sessions == [("first", 0), ("second", stop_after)]
    assert sha256_file(resumed.model) == sha256_file(whole.model)
    columns = ("epoch", "split", "loss", "top1")
    figures = [[[row[c] for c in columns] for row in read_rows(run)] for run in (whole, resumed)]
    assert figures[0] == figures[1]


@pytest.mark.parametrize(("top1", "said"), [(0.5, True), (0.25, True), (0.75, False)])
def test_a_model_no_better_than_one_answer_for_all_is_called_so(
    recipe, dataset, tmp_path, monkeypatch, capsys, top1, said
):
    """Of two classes, one answer is right on half."""
    monkeypatch.setattr(rugged.train.trainer, "judge", lambda *_, **__: {"loss": 1.0, "top1": top1, "seconds": 0.0})
    train(dataclasses.replace(recipe, epochs=1), dataset, tmp_path / "run", device="cpu")
    assert ("one answer for all has 50.0%" in capsys.readouterr().err) == said


@pytest.mark.parametrize(("loss", "said"), [(7.0, True), (6.9, False)])
def test_a_loss_far_beyond_that_of_guessing_is_told(recipe, dataset, tmp_path, monkeypatch, capsys, loss, said):
    """Of two classes, guessing has log 2; ten times that is 6.93."""
    monkeypatch.setattr(rugged.train.trainer, "judge", lambda *_, **__: {"loss": loss, "top1": 0.9, "seconds": 0.0})
    train(dataclasses.replace(recipe, epochs=1), dataset, tmp_path / "run", device="cpu")
    assert ("a loss of 7.0 on the development pictures, where guessing has 0.7" in capsys.readouterr().err) == said


def test_what_a_recipe_makes_of_a_small_folder_is_told_before(recipe, dataset, tmp_path, capsys):
    """Of 48 pictures; 8 a step."""
    few = dataclasses.replace(recipe, epochs=1, development_per_class=10)
    train(few, dataset, tmp_path / "few", device="cpu")
    said = " ".join(capsys.readouterr().err.split())
    assert "20 of 48 training pictures are held out to watch progress, 10 a class." in said
    assert "3 steps in all are few" in said
    train(dataclasses.replace(recipe, epochs=1, development_per_class=0), dataset, tmp_path / "all", device="cpu")
    assert "held out" not in capsys.readouterr().err


def test_a_finished_run_is_left_alone(recipe, dataset, tmp_path):
    run = train(recipe, dataset, tmp_path / "run", device="cpu")
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*") if path.is_file() and path != run.lock}
    train(recipe, dataset, tmp_path / "run", device="cpu")
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_another_recipe_or_other_data_is_refused(recipe, dataset, tmp_path):
    train(dataclasses.replace(recipe, epochs=1), dataset, tmp_path / "run", device="cpu")
    other = dataclasses.replace(recipe, patience=3, optimizer=dataclasses.replace(recipe.optimizer, lr=0.5))
    with pytest.raises(
        RunError, match=r"epochs is 1, here 3; optimizer\.lr is 0\.01, here 0\.5; patience is none, here 3\."
    ):
        train(other, dataset, tmp_path / "run", device="cpu")
    other = dataclasses.replace(dataset, content_hash="0" * 64)
    with pytest.raises(RunError, match="other data"):
        train(dataclasses.replace(recipe, epochs=1), other, tmp_path / "run", device="cpu")


@pytest.mark.parametrize("content", ["{}", "[]", '{"status": "finished", "dataset": 3}', "null"])
def test_a_manifest_that_is_none_is_refused(recipe, dataset, tmp_path, content):
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.model.write_bytes(b"a model")
    run.recipe.write_text("a recipe")
    run.manifest.write_text(content)
    with pytest.raises(RunError, match=r"manifest\.json is not a manifest .*--out"):
        train(recipe, dataset, run.path, device="cpu")
    assert run.model.read_bytes() == b"a model"


def test_a_recipe_that_is_no_text_is_another_recipe(recipe, dataset, tmp_path):
    recipe = dataclasses.replace(recipe, epochs=1)
    run = train(recipe, dataset, tmp_path / "run", device="cpu")
    run.recipe.write_bytes(b"\xff" + run.recipe.read_bytes())
    with pytest.raises(RunError, match="another recipe"):
        train(recipe, dataset, run.path, device="cpu")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model.architecture": "timm/vit_tiny_patch16_224"}, r"on 32×32 pixels .*model\.input_size"),
        ({"model.architecture": "torchvision/inception_v3"}, r"on 32×32 pixels .*model\.input_size"),
        ({"model.architecture": "torchvision/resnet18", "batch_size": 1}, "in portions of 1 .*batch_size"),
    ],
)
def test_what_a_network_does_not_take_is_said_and_leaves_the_folder_free(recipe, dataset, tmp_path, changes, message):
    wrong = load_recipe("demo_baseline", [*OVERRIDES, *(f"{name}={value}" for name, value in changes.items())])
    with pytest.raises(ModelError, match=message):
        train(wrong, dataset, tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()
    run = train(dataclasses.replace(recipe, epochs=1), dataset, tmp_path / "run", device="cpu")
    assert read_json(run.manifest)["status"] == "finished"


def test_the_rehearsal_leaves_no_trace_in_the_network(recipe, dataset, tmp_path, monkeypatch):
    seen = []
    original = rugged.train.trainer.Trainer.step

    def look(self, indices, batch, position):
        if position.step == 0:
            seen.extend(int(value) for name, value in self.learner.model.state_dict().items() if "num_batches" in name)
        return original(self, indices, batch, position)

    monkeypatch.setattr(rugged.train.trainer.Trainer, "step", look)
    train(dataclasses.replace(recipe, epochs=1), dataset, tmp_path / "run", device="cpu")
    assert set(seen) == {0}


def test_weights_that_the_last_step_ruined_are_not_called_finished(recipe, dataset, tmp_path, monkeypatch):
    original = rugged.train.trainer.Trainer.step

    def ruin(self, indices, batch, position):
        note = original(self, indices, batch, position)
        if position.step == 11:
            next(self.learner.model.parameters()).data.fill_(torch.nan)
        return note

    monkeypatch.setattr(rugged.train.trainer.Trainer, "step", ruin)
    for _ in range(2):  # Run again, it is found out again.
        with pytest.raises(RunError, match=r"not finite .*optimizer\.lr"):
            train(recipe, dataset, tmp_path / "run", device="cpu")
    run = RunFolder(tmp_path / "run")
    assert not run.model.exists()
    assert read_json(run.manifest)["status"] == "training"


@pytest.mark.parametrize(("option", "fine"), [("keep=last", 2), ("average.decay=0.9", 3)])
def test_a_network_of_finite_weights_that_answers_with_no_numbers_is_not_called_finished(
    option, fine, dataset, tmp_path, monkeypatch
):
    """Its answers to the training pictures are numbers: only the development split tells."""
    original, looks = rugged.train.judging.infer, []

    def overflowing(*arguments):
        looks.append(original(*arguments))
        return looks[-1] * (1 if len(looks) <= fine else torch.inf)

    monkeypatch.setattr(rugged.train.judging, "infer", overflowing)
    recipe = load_recipe("demo_baseline", ["model.architecture=timm/test_resnet", *OVERRIDES, option])
    for _ in range(2):  # Run again, it is found out again.
        with pytest.raises(RunError, match=r"not finite.*optimizer\.lr"):
            train(recipe, dataset, tmp_path / "run", device="cpu")
    run = RunFolder(tmp_path / "run")
    assert not run.model.exists()
    assert read_json(run.manifest)["status"] == "training"


@pytest.mark.parametrize("name", ["recipe.toml", "metrics.csv", "manifest.json"])
def test_files_that_are_no_runs_are_left_alone(recipe, dataset, tmp_path, name):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / name).write_text("mine")
    with pytest.raises(RuggedError):
        train(recipe, dataset, tmp_path / "run", device="cpu")
    assert (tmp_path / "run" / name).read_text() == "mine"


def test_two_trainings_in_one_folder_are_refused(recipe, dataset, tmp_path):
    with exclusive(tmp_path / "run" / ".lock", "test"), pytest.raises(RunError, match="another process"):
        train(recipe, dataset, tmp_path / "run", device="cpu")


def test_a_damaged_checkpoint_is_named(recipe, dataset, tmp_path):
    run = train(recipe, dataset, tmp_path / "run", device="cpu")
    run.model.unlink()
    (run.checkpoints / "latest.safetensors").write_bytes(b"half")
    with pytest.raises(RunError, match=r"latest\.safetensors cannot be loaded"):
        train(recipe, dataset, tmp_path / "run", device="cpu")


def test_divergence_stops_with_step_ids_and_advice(recipe, dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(
        rugged.train.learner, "preprocess", lambda images, spec: torch.full((len(images), 3, 32, 32), torch.nan)
    )
    with pytest.raises(RunError, match=r"nan at step 1 .*(above|below)/train\d\d.*optimizer\.lr"):
        train(recipe, dataset, tmp_path / "run", device="cpu")
    ids = (tmp_path / "run" / "diverged.txt").read_text().split()
    assert len(set(ids)) == recipe.batch_size
    assert set(ids) <= set(dataset.train.ids)


def test_holding_out_everything_is_refused(recipe, dataset, tmp_path):
    with pytest.raises(DataError, match="leaves none to train on"):
        train(dataclasses.replace(recipe, development_per_class=24), dataset, tmp_path / "run", device="cpu")


def test_nothing_held_out_trains_on_everything(recipe, dataset, tmp_path):
    run = train(dataclasses.replace(recipe, development_per_class=0, epochs=1), dataset, tmp_path / "run", device="cpu")
    rows = read_rows(run)
    assert [row["split"] for row in rows] == ["train"]
    assert rows[0]["step"] == "6"  # 48 pictures in batches of 8.
