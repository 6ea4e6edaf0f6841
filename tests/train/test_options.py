"""What a recipe can ask of a training: each option trains, goes on after a stop bit for bit, and does what it says."""

import csv
import dataclasses
import shutil
import signal
import sys

import pytest
import torch
from safetensors.torch import save_file

import rugged.train.learner
import rugged.train.network
import rugged.train.trainer
from rugged.core.configuration import dump
from rugged.core.errors import ConfigError, Interrupted, ModelError, RunError
from rugged.core.files import read_json, sha256_file
from rugged.corruptions import EXTRA, corrupt
from rugged.data import development_split, open_dataset
from rugged.models import load_model, preprocess, save_model, shipped_models
from rugged.train import load_recipe, train
from rugged.train.network import find_origin, settle_micro_batch, specify

SMALL = [
    "model.architecture=timm/test_resnet", "epochs=3", "batch_size=8", "development_per_class=6", "optimizer.lr=0.01",
    "precision=fp32",
]  # fmt: skip

WITHOUT_BATCH_NORM = ["model.architecture=timm/test_vit", "model.input_size=160", "epochs=1", "optimizer.name=sgd"]

OPTIONS = {
    "micro_batch": ["micro_batch=3"],
    "average": ["average.decay=0.9", "average.reestimate=3"],
    "best": ["keep=best"],
    "extra": ["keep=best", "watch=extra"],
    "best_average": ["keep=best", "average.decay=0.9"],
    "adversarial": ["adversarial.steps=1"],
    "consistency": ["augment.augmix.consistency=12"],
    "mix": ["augment.mix.probability=0.8"],
    "growth": ["growth.start=16"],
    "plain_epochs": ["augment.trivial.probability=1", "augment.plain_epochs=1"],
    "patience": ["patience=1", "optimizer.lr=1e-12"],
    "frozen": [
        "model.architecture=torchvision/squeezenet1_0", "model.weights=tiny-imagenet-squeezenet", "model.frozen=true",
    ],
    "bf16": ["precision=bf16"],
    "recompute": ["checkpoint_activations=true", "optimizer.clip_norm=1"],
    "everything": [
        "augment.resized_crop=0.5", "augment.rotate=10", "augment.erase=0.5", "augment.trivial.probability=0.5",
        "augment.augmix.probability=0.5", "augment.pixmix.probability=0.5", "augment.pixmix.fractals=4",
        "augment.smooth.probability=0.5", "augment.fourier.probability=0.5", "augment.noise.probability=0.5",
        'augment.corrupt.names=["saturate"]',
    ],
    "step": ["optimizer.name=sgd", "optimizer.schedule=step", "optimizer.milestones=[1]", "optimizer.nesterov=false"],
}  # fmt: skip


@pytest.fixture
def dataset(picture_folder):
    return open_dataset(picture_folder)


def recipe_with(*changes):
    return load_recipe("demo_baseline", [*SMALL, *changes])


def dev_rows(run):
    return [row for row in csv.DictReader(run.metrics.read_text().splitlines()) if row["split"] == "dev"]


def weights_of(run):
    return torch.cat([value.flatten().double() for value in load_model(run.model)[0].state_dict().values()])


@pytest.fixture
def stop_at(monkeypatch):
    """Have the next training stop after a step, as if SIGTERM had come."""
    original = rugged.train.trainer.Trainer.step

    def arrange(step):
        stops = [step]

        def step_then_stop(self, indices, batch, position):
            note = original(self, indices, batch, position)
            if stops and position.step + 1 == stops[0]:
                stops.pop()
                signal.raise_signal(signal.SIGTERM)
            return note

        monkeypatch.setattr(rugged.train.trainer.Trainer, "step", step_then_stop)

    return arrange


@pytest.mark.parametrize("name", OPTIONS)
def test_each_option_goes_on_where_it_stopped(name, dataset, tmp_path, stop_at):
    recipe = recipe_with(*OPTIONS[name])
    whole = train(recipe, dataset, tmp_path / "whole", device="cpu")
    for step in (3, 7):  # Within the first epoch and within the second.
        stop_at(step)
        with pytest.raises(Interrupted):
            train(recipe, dataset, tmp_path / "cut", device="cpu")
    resumed = train(recipe, dataset, tmp_path / "cut", device="cpu")
    assert sha256_file(resumed.model) == sha256_file(whole.model)
    if name not in ("best", "extra", "recompute"):  # The best may be the last, the other changes nothing but clips.
        plain = train(recipe_with(), dataset, tmp_path / "plain", device="cpu")
        assert not torch.equal(weights_of(plain), weights_of(whole))


@pytest.mark.parametrize("portions", ["micro_batch=3", "micro_batch=none"])
def test_a_clipped_step_is_as_long_as_rate_times_norm(dataset, tmp_path, portions):
    one_step = [
        *WITHOUT_BATCH_NORM, "batch_size=1000", "optimizer.schedule=constant", "optimizer.momentum=0",
        "optimizer.weight_decay=0", "optimizer.warmup_epochs=0", "optimizer.clip_norm=0.01", portions,
    ]  # fmt: skip
    start, end = (
        weights_of(train(recipe_with(*one_step, f"optimizer.lr={rate}"), dataset, tmp_path / rate, device="cpu"))
        for rate in ("1e-12", "10.0")
    )
    assert float((end - start).norm()) == pytest.approx(10 * 0.01, rel=1e-3)


def test_small_portions_add_up_to_the_whole_step(dataset, tmp_path):
    """In a network without batch norm and dropout the gradient of a batch is the sum of its portions'."""
    weights = []
    for name, changes in {"whole": [], "portions": ["micro_batch=3"], "other": ["seed=1"]}.items():
        recipe = recipe_with(*WITHOUT_BATCH_NORM, "optimizer.clip_norm=0.5", *changes)
        run = train(recipe, dataset, tmp_path / name, device="cpu")
        weights.append(weights_of(run))
    whole, portions, other = weights
    torch.testing.assert_close(portions, whole, rtol=1e-4, atol=1e-5)
    assert (other - whole).abs().max() > 0.01


def test_the_best_epoch_is_kept_when_asked_for(dataset, tmp_path, monkeypatch):
    scores = iter([0.2, 0.9, 0.4])
    judge = rugged.train.trainer.judge
    states = []

    def judged(fabric, model, spec, split, **options):
        figures = judge(fabric, model, spec, split, **options)
        states.append({name: value.clone() for name, value in model.state_dict().items()})
        return figures | {"top1": next(scores, figures["top1"])}

    monkeypatch.setattr(rugged.train.trainer, "judge", judged)
    run = train(recipe_with("keep=best"), dataset, tmp_path / "run", device="cpu")
    saved = load_model(run.model)[0].state_dict()
    assert all(torch.equal(value, states[1][name]) for name, value in saved.items())
    assert read_json(run.manifest)["epoch"] == 2
    assert sha256_file(run.best(2)) == sha256_file(run.model)
    assert sorted(path.name for path in run.checkpoints.glob("best*")) == ["best-1.safetensors", "best-2.safetensors"]


def test_robust_recipes_choose_by_the_extra_corruptions_too(dataset, tmp_path, monkeypatch):
    clean, corrupted = [0.9, 0.8, 0.8], [0.1, 0.4, 0.3]
    judge = rugged.train.trainer.judge

    def judged(*arguments, extra=False, **options):
        figures = judge(*arguments, extra=extra, **options)
        return figures | ({"top1": clean.pop(0), "extra_top1": corrupted.pop(0)} if extra else {})

    monkeypatch.setattr(rugged.train.trainer, "judge", judged)
    run = train(recipe_with("keep=best", "watch=extra"), dataset, tmp_path / "run", device="cpu")
    assert read_json(run.manifest)["epoch"] == 2
    assert [row["extra_top1"] for row in dev_rows(run)] == ["0.1", "0.4", "0.3"]


def test_the_extra_corruptions_are_those_of_the_benchmark(dataset, tmp_path):
    run = train(recipe_with("epochs=1", "watch=extra"), dataset, tmp_path / "run", device="cpu")
    _, held_out = development_split(dataset.train, 6)
    split = dataset.train.take(held_out)
    model, spec = load_model(run.model)
    images = torch.from_numpy(split.images.copy()).permute(0, 3, 1, 2)
    right = []
    for name in EXTRA:
        with torch.no_grad():
            answers = model(preprocess(corrupt(images, name, 3, ids=split.ids), spec)).argmax(1)
        right.append((answers == torch.from_numpy(split.labels)).double().mean().item())
    assert float(dev_rows(run)[0]["extra_top1"]) == pytest.approx(sum(right) / 4)


def test_patience_ends_a_training_early(dataset, tmp_path, monkeypatch):
    judge = rugged.train.trainer.judge
    scores = iter([0.5, 0.6, 0.6, 0.1, 0.9])
    monkeypatch.setattr(rugged.train.trainer, "judge", lambda *a, **k: judge(*a, **k) | {"top1": next(scores)})
    run = train(recipe_with("epochs=9", "patience=2"), dataset, tmp_path / "run", device="cpu")
    assert [row["epoch"] for row in dev_rows(run)] == ["1", "2", "3", "4"]
    assert read_json(run.manifest)["status"] == "finished"
    assert read_json(run.manifest)["epoch"] == 4


def test_patience_does_not_count_epochs_of_small_pictures(dataset, tmp_path, monkeypatch):
    """Of 16, 16 and 24 pixels, then of 32: the fourth epoch's score is the first to count, the fifth stands still."""
    judge = rugged.train.trainer.judge
    scores = iter([0.5, 0.4, 0.6, 0.3, 0.3])
    monkeypatch.setattr(rugged.train.trainer, "judge", lambda *a, **k: judge(*a, **k) | {"top1": next(scores)})
    changes = ["epochs=9", "patience=1", "growth.start=16", "growth.share=0.33"]
    run = train(recipe_with(*changes), dataset, tmp_path / "run", device="cpu")
    assert [row["epoch"] for row in dev_rows(run)] == ["1", "2", "3", "4", "5"]


def test_a_frozen_body_stays_and_only_the_head_learns(dataset, tmp_path):
    start = train(recipe_with("epochs=1"), dataset, tmp_path / "start", device="cpu")
    body, _ = load_model(start.model)
    recipe = recipe_with(f"model.weights={start.model}", "model.frozen=true")
    run = train(recipe, dataset, tmp_path / "run", device="cpu")
    after = load_model(run.model)[0].state_dict()
    changed = {name for name, value in body.state_dict().items() if not torch.equal(value, after[name])}
    assert changed == {"fc.weight", "fc.bias"}


def test_the_adversarial_batch_norms_stay_out_of_the_model_file(dataset, tmp_path):
    run = train(recipe_with("epochs=1", "adversarial.steps=1"), dataset, tmp_path / "run", device="cpu")
    model, spec = load_model(run.model)
    assert not any("auxiliary" in name for name in model.state_dict())
    assert "adversarial" in spec.training_operations


def test_the_average_that_is_saved_has_statistics_of_its_own(dataset, tmp_path):
    saved = []
    for batches in (0, 4):
        recipe = recipe_with("average.decay=0.9", f"average.reestimate={batches}")
        run = train(recipe, dataset, tmp_path / str(batches), device="cpu")
        saved.append(load_model(run.model)[0].state_dict())
    plain, measured = saved
    statistics = {name for name in plain if "running" in name}
    assert statistics
    for name in plain.keys() - statistics:
        if "num_batches" not in name:
            assert torch.equal(plain[name], measured[name])
    assert any(not torch.equal(plain[name], measured[name]) for name in statistics)


def test_statistics_are_measured_over_whole_batches_and_a_loss_by_it_is_said(dataset, tmp_path, monkeypatch, capsys):
    """In portions that fit; 3 batches of 8 pictures are 24, however small the portions are."""
    judge, measure, sizes = rugged.train.trainer.judge, rugged.train.trainer.reestimate_batch_norms, []
    scores = iter([0.25, 0.75, 0.5, 0.625])

    def measured(model, batches, forward):
        held = list(batches)
        sizes.extend(map(len, held))
        measure(model, held, forward)

    monkeypatch.setattr(rugged.train.trainer, "reestimate_batch_norms", measured)
    monkeypatch.setattr(rugged.train.trainer, "judge", lambda *a, **k: judge(*a, **k) | {"top1": next(scores)})
    recipe = recipe_with("average.decay=0.9", "average.reestimate=3", "micro_batch=3", "keep=best")
    train(recipe, dataset, tmp_path / "run", device="cpu")
    assert sum(sizes) == 24
    assert set(sizes) == {2, 3}
    assert "a development top-1 of 62.5%; epoch 2 had 75.0%" in capsys.readouterr().err


def test_statistics_are_measured_over_all_views_of_a_picture(dataset, tmp_path, monkeypatch):
    """As training normalised them: with consistency the pictures themselves and two mixes of each, together."""
    measured = []
    monkeypatch.setattr(
        rugged.train.trainer, "reestimate_batch_norms", lambda model, batches, forward: measured.extend(batches)
    )
    changes = ["epochs=1", "average.decay=0.9", "average.reestimate=1", "augment.crop=0", "augment.flip=false"]
    train(recipe_with(*changes, "augment.augmix.consistency=12"), dataset, tmp_path / "run", device="cpu")
    (batch,) = measured
    pictures = set(map(bytes, dataset.train.images))
    untouched = [picture.permute(1, 2, 0).contiguous().numpy().tobytes() in pictures for picture in batch]
    assert untouched == [True] * 8 + [False] * 16


def test_mean_and_std_of_a_recipe_reach_the_model_file(dataset, tmp_path):
    changes = ["epochs=1", "model.mean=[0.1,0.2,0.3]", "model.std=[0.4,0.5,0.6]"]
    spec = load_model(train(recipe_with(*changes), dataset, tmp_path / "run", device="cpu").model)[1]
    assert (spec.mean, spec.std) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["model.mean=[0.1,0.2]"], "model.mean is .*three numbers"),
        (["model.std=[0.1,0,0.2]"], "model.std has a 0"),
        (["model.pretrained=true", "model.weights=a.safetensors"], "two beginnings"),
        (["model.frozen=true"], "body that knows nothing"),
        (["optimizer.milestones=[3]"], "milestones are for"),
        (["optimizer.schedule=step"], r"needs optimizer\.milestones"),
        (["optimizer.schedule=step", "optimizer.milestones=[3,2]"], "rising epochs"),
        (["adversarial.steps=1", "checkpoint_activations=true"], "adversarial training and .*do not go together"),
        (["compile=true", "checkpoint_activations=true"], "compile and .*do not go together"),
        (["adversarial.steps=1", "model.weights=a", "model.frozen=true"], "stand still in a frozen body"),
        (["patience=3", "augment.plain_epochs=2"], r"before its augment\.plain_epochs"),
        (["watch=extra", 'augment.corrupt.names=["fog","spatter"]'], 'watch = "extra" would judge by spatter, '),
        (["growth.start=16", "growth.share=0"], r"growth\.share is 0.*from 0\.001"),
        (["development_per_class=0", "watch=extra"], "need a development split"),
        (["development_per_class=0", "patience=3"], "need a development split"),
        (["augment.trivial.names=[]"], r"augment\.trivial\.names has no name"),
        (["augment.noise.norms=['3']"], r"augment\.noise\.norms has '3'"),
        (["augment.mix.probability=1", "augment.mix.mixup=0", "augment.mix.cutmix=0"], "both 0"),
        (["augment.augmix.depth=0"], "depth is 0"),
    ],
)
def test_what_contradicts_itself_is_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        recipe_with(*changes)


def test_half_precision_needs_a_gpu(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=r"fp16 needs a CUDA GPU, and this is cpu"):
        train(recipe_with("precision=fp16"), dataset, tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()


def test_the_largest_portion_that_fits_is_found_and_kept(dataset, tmp_path, monkeypatch):
    tried = []

    def fits(fabric, model, spec, count):
        tried.append(count)
        return count <= 2

    monkeypatch.setattr(rugged.train.network, "_fits", fits)
    recipe = recipe_with("micro_batch=0", "epochs=1")
    run = train(recipe, dataset, tmp_path / "run", device="cpu")
    assert tried == [8, 4, 2]
    assert load_recipe(run.recipe).micro_batch == 2
    train(recipe, dataset, tmp_path / "run", device="cpu")  # The same recipe, already trained: nothing is tried again.
    assert tried == [8, 4, 2]


def test_out_of_memory_is_noticed_and_one_image_too_many_is_said(dataset):
    from rugged.engine import make_fabric
    from rugged.models import ModelSpec

    class Hungry(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(()))

        def forward(self, images):
            if len(images) > 3:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return images.flatten(1) * self.weight

    class Starved(Hungry):
        def forward(self, images):
            raise torch.OutOfMemoryError("CUDA out of memory")

    fabric, spec = make_fabric("cpu", "fp32"), ModelSpec("hungry", ("a",), ("a",), 8)
    assert settle_micro_batch(fabric, recipe_with("micro_batch=0"), Hungry(), spec, 8).micro_batch == 2
    with pytest.raises(ConfigError, match="image by image"):
        settle_micro_batch(fabric, recipe_with("micro_batch=0", "augment.augmix.consistency=1"), Starved(), spec, 2)


def test_a_network_without_batch_norm_is_no_advprop(dataset, tmp_path):
    recipe = recipe_with("model.architecture=torchvision/squeezenet1_0", "adversarial.steps=1")
    with pytest.raises(ModelError, match="batch norm"):
        train(recipe, dataset, tmp_path / "run", device="cpu")
    assert not (tmp_path / "run" / "recipe.toml").exists()


def test_weights_of_another_file_are_where_a_training_begins(dataset, tmp_path):
    start = train(recipe_with("epochs=1"), dataset, tmp_path / "start", device="cpu")
    model, spec = load_model(start.model)
    with torch.no_grad():
        model.conv1[0].weight[0].fill_(7.0)
    save_model(tmp_path / "marked.safetensors", model, spec)
    recipe = recipe_with("epochs=1", "optimizer.lr=1e-12", f"model.weights={tmp_path / 'marked.safetensors'}")
    run = train(recipe, dataset, tmp_path / "run", device="cpu")
    assert load_model(run.model)[0].conv1[0].weight[0].flatten()[0].item() == pytest.approx(7.0)


@pytest.mark.parametrize("named", ["~/mine.safetensors", "hf://me/mine"])
def test_weights_are_named_as_models_are_everywhere(named, dataset, tmp_path, monkeypatch, hub):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    start = train(recipe_with("epochs=1"), dataset, tmp_path / "start", device="cpu")
    hub.publish("me/mine", start.model.read_bytes())
    shutil.copy(start.model, tmp_path / "mine.safetensors")
    recipe = recipe_with("epochs=1", "optimizer.lr=1e-12", f"model.weights={named}")
    run = train(recipe, dataset, tmp_path / "run", device="cpu")
    assert read_json(run.manifest)["origin"]["sha256"] == sha256_file(start.model)
    torch.testing.assert_close(load_model(run.model)[0].conv1[0].weight, load_model(start.model)[0].conv1[0].weight)


def test_a_training_begins_from_a_model_that_comes_along_by_its_name():
    origin = find_origin(recipe_with("model.weights=tiny-imagenet-squeezenet"))
    assert origin.sha256 == sha256_file(shipped_models()["tiny-imagenet-squeezenet"])


def test_what_earlier_training_did_stays_in_the_ledger(dataset, tmp_path):
    changes = ["epochs=1", 'augment.corrupt.names=["fog"]', "model.mean=[0.1,0.2,0.3]"]
    start = train(recipe_with(*changes), dataset, tmp_path / "start", device="cpu")
    recipe = recipe_with("epochs=1", "augment.crop=0", f"model.weights={start.model}")
    spec = load_model(train(recipe, dataset, tmp_path / "run", device="cpu").model)[1]
    assert spec.training_operations == ("crop", "flip", "fog")
    assert spec.mean == (0.1, 0.2, 0.3)


@pytest.mark.parametrize("then", ["gone", "another"])
def test_a_stopped_training_goes_on_whatever_became_of_the_weights_it_began_from(dataset, tmp_path, stop_at, then):
    others = ["epochs=1", 'augment.corrupt.names=["fog"]', "model.mean=[0.1,0.2,0.3]", "seed=5"]
    start = train(recipe_with("epochs=1"), dataset, tmp_path / "start", device="cpu").model
    recipe = recipe_with(f"model.weights={start}")
    whole = train(recipe, dataset, tmp_path / "whole", device="cpu")
    assert read_json(whole.manifest)["origin"]["sha256"] == sha256_file(start)
    stop_at(5)
    with pytest.raises(Interrupted):
        train(recipe, dataset, tmp_path / "parts", device="cpu")
    start.unlink()
    if then == "another":
        train(recipe_with(*others), dataset, tmp_path / "others", device="cpu").model.rename(start)
    parts = train(recipe, dataset, tmp_path / "parts", device="cpu")
    assert sha256_file(parts.model) == sha256_file(whole.model)


def test_a_head_for_other_classes_is_forgotten_though_there_are_as_many(dataset, tmp_path):
    start = train(recipe_with("epochs=1"), dataset, tmp_path / "start", device="cpu")
    model, spec = load_model(start.model)
    save_model(tmp_path / "others.safetensors", model, dataclasses.replace(spec, classes=("cat", "dog")))
    heads = []
    for source in (start.model, tmp_path / "others.safetensors"):
        recipe = recipe_with("epochs=1", "optimizer.lr=1e-12", f"model.weights={source}")
        run = train(recipe, dataset, tmp_path / source.stem, device="cpu")
        heads.append(load_model(run.model)[0].fc.weight)
    torch.testing.assert_close(heads[0], model.fc.weight)
    assert (heads[1] - model.fc.weight).abs().max() > 1e-3


def test_weights_of_others_stand_in_the_ledger(dataset, tmp_path):
    model, _ = load_model(train(recipe_with("epochs=1"), dataset, tmp_path / "start", device="cpu").model)
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, tmp_path / "theirs.safetensors")
    recipe = recipe_with("epochs=1", f"model.weights={tmp_path / 'theirs.safetensors'}")
    run = train(recipe, dataset, tmp_path / "run", device="cpu")
    assert load_model(run.model)[1].training_operations == ("weights of theirs.safetensors", "crop", "flip")
    published = recipe_with("model.architecture=timm/test_resnet.r160_in1k", "model.pretrained=true")
    spec = specify(published, dataset, find_origin(published))
    assert spec.training_operations[0] == "published weights of timm/test_resnet.r160_in1k"


def test_adversarial_pictures_take_part_in_the_loss(dataset, tmp_path):
    runs = [
        train(
            recipe_with("epochs=1", "adversarial.steps=1", f"adversarial.radius={radius}"), dataset, tmp_path / radius
        )
        for radius in ("1", "200")
    ]
    assert not torch.equal(weights_of(runs[0]), weights_of(runs[1]))


def test_the_figures_of_training_are_those_of_its_pictures(dataset, tmp_path):
    """A network that stands still and sees the pictures as they are answers as it does in evaluation."""
    still = ["optimizer.lr=1e-12", "augment.flip=false", "augment.crop=0", "batch_size=6", "label_smoothing=0.1"]
    run = train(recipe_with(*WITHOUT_BATCH_NORM, *still), dataset, tmp_path / "run", device="cpu")
    rows, _ = development_split(dataset.train, 6)
    model, spec = load_model(run.model)
    images = torch.from_numpy(dataset.train.images[rows]).permute(0, 3, 1, 2)
    with torch.no_grad():
        logits, labels = model(preprocess(images, spec)), torch.from_numpy(dataset.train.labels[rows])
    row = next(csv.DictReader(run.metrics.read_text().splitlines()))
    assert float(row["top1"]) == pytest.approx((logits.argmax(1) == labels).double().mean().item())
    smoothed = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=0.1)
    assert float(row["loss"]) == pytest.approx(smoothed.item(), rel=1e-4)


@pytest.mark.parametrize("clipping", [[], ["optimizer.clip_norm=1"]])
def test_a_loss_that_is_no_number_is_said_with_and_without_clipping(clipping, dataset, tmp_path, monkeypatch):
    recipe = recipe_with(*clipping)
    rugged_preprocess = rugged.train.learner.preprocess

    def ruined(images, spec):
        return rugged_preprocess(images, spec) * torch.nan

    monkeypatch.setattr(rugged.train.learner, "preprocess", ruined)
    with pytest.raises(RunError, match=r"nan at step 1 .*another folder"):
        train(recipe, dataset, tmp_path / "run", device="cpu")


def test_weights_that_are_no_numbers_are_never_saved(dataset, tmp_path, monkeypatch):
    """Those of an epoch's last step, which no loss has judged: the next session begins before them."""
    original = rugged.train.trainer.Trainer.step

    def ruin(self, indices, batch, position):
        note = original(self, indices, batch, position)
        if position.step == 7:
            next(self.learner.model.parameters()).data.fill_(torch.inf)
        return note

    monkeypatch.setattr(rugged.train.trainer.Trainer, "step", ruin)
    with pytest.raises(RunError, match=r"not finite .*optimizer\.lr"):
        train(recipe_with(), dataset, tmp_path / "run", device="cpu")
    monkeypatch.undo()
    run = train(recipe_with(), dataset, tmp_path / "run", device="cpu")
    assert [row["epoch"] for row in dev_rows(run)] == ["1", "2", "3"]


def test_a_frozen_body_stands_still_under_an_average_too(dataset, tmp_path):
    start = train(recipe_with("epochs=1"), dataset, tmp_path / "start", device="cpu")
    recipe = recipe_with(f"model.weights={start.model}", "model.frozen=true", "average.decay=0.9")
    after = load_model(train(recipe, dataset, tmp_path / "run", device="cpu").model)[0].state_dict()
    before = load_model(start.model)[0].state_dict()
    assert {name for name in before if not torch.equal(before[name], after[name])} == {"fc.weight", "fc.bias"}


def test_pixmix_takes_pictures_larger_than_the_network_does(dataset, tmp_path):
    recipe = recipe_with("epochs=1", "model.input_size=24", "augment.pixmix.probability=1", "augment.pixmix.fractals=3")
    assert train(recipe, dataset, tmp_path / "run", device="cpu").model.exists()


def test_a_portion_of_one_is_evened_out(dataset, tmp_path):
    recipe = recipe_with("epochs=1", "batch_size=9", "micro_batch=8")
    assert train(recipe, dataset, tmp_path / "run", device="cpu").model.exists()
    advice = r"in portions of 1 .* raise batch_size or micro_batch, or start fewer processes"
    for changes in (["micro_batch=1"], ["batch_size=3", "micro_batch=2"]):
        with pytest.raises(ModelError, match=advice):
            train(recipe_with("epochs=1", *changes), dataset, tmp_path / "other", device="cpu")


def test_an_abandoned_recipe_says_nothing_about_the_largest_portion(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(rugged.train.network, "_fits", lambda *_: True)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.toml").write_text(dump(recipe_with("micro_batch=1")))
    other = train(recipe_with("epochs=1"), dataset, tmp_path / "other", device="cpu")
    (tmp_path / "run" / "manifest.json").write_bytes(other.manifest.read_bytes())  # Stopped before its first step.
    run = train(recipe_with("epochs=1", "micro_batch=0"), dataset, tmp_path / "run", device="cpu")
    assert load_recipe(run.recipe).micro_batch == 8


def test_deterministic_algorithms_are_for_the_training_that_asks_for_them(dataset, tmp_path):
    seen = []
    original = rugged.train.learner.Learner.learn

    def learn(self, *arguments, **options):
        seen.append(torch.are_deterministic_algorithms_enabled())
        return original(self, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rugged.train.learner.Learner, "learn", learn)
        train(recipe_with("epochs=1", "deterministic=true"), dataset, tmp_path / "one", device="cpu")
        train(recipe_with("epochs=1"), dataset, tmp_path / "two", device="cpu")
    assert seen == [True] * 4 + [False] * 4


def test_what_the_program_around_chose_of_deterministic_algorithms_is_as_before(dataset, tmp_path):
    """After a training, and after one that was refused."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        train(recipe_with("epochs=1", "deterministic=true"), dataset, tmp_path / "one", device="cpu")
        with pytest.raises(RunError):
            train(recipe_with("epochs=2", "deterministic=true"), dataset, tmp_path / "one", device="cpu")
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


def test_a_way_to_the_pictures_without_a_deterministic_form_is_said_before_anything_is_written(
    dataset, tmp_path, monkeypatch
):
    """As a GPU's resizing has none: AdvProp's attack goes through it; other trainings ask for no such gradient."""

    class Resizing(torch.autograd.Function):
        @staticmethod
        def forward(ctx, images):
            return images.clone()

        @staticmethod
        def backward(ctx, gradient):
            raise RuntimeError("resizing does not have a deterministic implementation")

    monkeypatch.setattr(
        rugged.train.network, "preprocess", lambda images, spec: Resizing.apply(preprocess(images, spec))
    )
    with pytest.raises(ModelError, match=r"no deterministic form on this device \(RuntimeError: resizing"):
        train(recipe_with("epochs=1", "adversarial.steps=1"), dataset, tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()
    assert train(recipe_with("epochs=1"), dataset, tmp_path / "run", device="cpu").model.exists()


@pytest.mark.slow
def test_a_compiled_network_learns_the_same(dataset, tmp_path, monkeypatch):
    """Captured and differentiated by the compiler at every size, and run by PyTorch, which needs no other compiler."""
    compiled, compile_module = [], torch.nn.Module.compile

    def without_a_backend(self):
        compiled.append(type(self).__name__)
        compile_module(self, backend="aot_eager")

    monkeypatch.setattr(torch.nn.Module, "compile", without_a_backend)
    plain, quick = (
        train(recipe_with("epochs=2", "growth.start=16", option), dataset, tmp_path / option, device="cpu")
        for option in ("compile=false", "compile=true")
    )
    assert compiled == ["ResNet"]
    torch.testing.assert_close(weights_of(quick), weights_of(plain), rtol=1e-4, atol=1e-5)


def test_tensorboard_gets_the_same_figures(dataset, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = train(recipe_with(), dataset, tmp_path / "run", device="cpu", tensorboard=True)
    events = EventAccumulator(str(run.events)).Reload()
    found = [(event.step, round(event.value, 5)) for event in events.Scalars("top1/dev")]
    assert found == [(int(row["epoch"]), round(float(row["top1"]), 5)) for row in dev_rows(run)]


def test_tensorboard_that_is_not_there_is_said(dataset, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ConfigError, match=r"pip install '\.\[tensorboard\]'"):
        train(recipe_with(), dataset, tmp_path / "run", device="cpu", tensorboard=True)


@pytest.mark.gpu
@pytest.mark.parametrize("name", OPTIONS)
def test_each_option_trains_on_a_gpu(name, dataset, tmp_path):
    for precision in ("bf16", "fp16"):
        recipe = recipe_with("epochs=1", f"precision={precision}", *OPTIONS[name])
        run = train(recipe, dataset, tmp_path / precision, device="cuda")
        assert read_json(run.manifest)["status"] == "finished"
