"""Test-time variants: against what torch, SciPy and theory say, resumable, and refused where they cannot be."""

import copy
import dataclasses
import signal
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from torch import nn

import rugged.benchmark.grid as grid
from rugged.benchmark import benchmark
from rugged.benchmark.predictions import make_cell
from rugged.benchmark.variants import choose_variants
from rugged.benchmark.variants.attack import RADIUS, Attack
from rugged.core.errors import ConfigError, DataError, Interrupted, ModelError
from rugged.core.files import read_json
from rugged.corruptions import corrupt
from rugged.data import Split, development_split, open_dataset
from rugged.engine import Network, make_fabric
from rugged.models import ModelSpec, build, load_model, preprocess, save_model
from rugged.results import RunFolder, read_cell, read_cells, read_summary

QUICK = {"corruptions": ("contrast",), "severities": (2, 5), "device": "cpu"}
COLUMNS = ("top", "top_probabilities", "label_probability", "loss", "sum_of_squares")


@pytest.fixture
def dataset(picture_folder):
    return open_dataset(picture_folder)


def make_run(folder, dataset, architecture="timm/resnet10t", apart=6):
    """An untrained model, in a folder that says which training pictures were set apart."""
    torch.manual_seed(0)
    model = build(architecture, 2)
    nn.init.normal_(model.get_classifier().weight)
    spec = ModelSpec(architecture, ("above", "below"), ("above", "below"), 160 if "vit" in architecture else 32)
    save_model(folder / "model.safetensors", model, spec)
    (folder / "recipe.toml").write_text(f"development_per_class = {apart}\n")
    (folder / "manifest.json").write_text(f'{{"dataset": {{"content_hash": "{dataset.content_hash}"}}}}')
    return folder


@pytest.fixture
def run(dataset, tmp_path):
    return make_run(tmp_path / "run", dataset)


def pictures(split):
    return torch.from_numpy(split.images.copy()).permute(0, 3, 1, 2)


def assert_cell(cell, labels, logits):
    wanted = make_cell(cell.corruption, cell.severity, cell.ids, labels, logits)
    for column in COLUMNS:
        np.testing.assert_allclose(getattr(cell, column), getattr(wanted, column), rtol=2e-4, atol=2e-5)


def assert_same(cell, other):
    for column in COLUMNS:
        np.testing.assert_array_equal(getattr(cell, column), getattr(other, column))


def adapted_by_torch(model, spec, batches):
    """A network with batch norms moved towards the batches' mean statistics: torch's own momentum does the mixing.

    A running statistic becomes ``(1 - m) old + m new``; 18 pictures against 16 make m = 18 / 34.
    """
    found = []
    for batch in batches:
        one = copy.deepcopy(model).eval()
        for module in one.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.train()
                module.momentum = 18 / 34
        with torch.no_grad():
            one(preprocess(batch, spec))
        found.append((len(batch), one.eval()))
    mixed = copy.deepcopy(model).eval()
    for name, buffer in mixed.named_buffers():
        if "running" in name:
            buffer.copy_(sum(n * one.get_buffer(name) for n, one in found) / sum(n for n, _ in found))
    return mixed


@pytest.mark.parametrize(("chunk", "side"), [(250, 32), (7, 32), (250, 96)])
def test_batch_norms_are_moved_as_torch_moves_them(dataset, run, monkeypatch, chunk, side):
    """Also where pictures are so large that they are answered in parts: batches are as large as they were."""
    monkeypatch.setattr("rugged.engine.inference.CHUNK", chunk)
    monkeypatch.setattr("rugged.engine.inference._WHOLE", 32)  # Of 96 pixels 3 at once.
    model, spec = load_model(run / "model.safetensors")
    spec = dataclasses.replace(spec, input_size=side)
    save_model(run / "model.safetensors", model, spec)
    benchmark(run, dataset, variants=["batchnorm"], **QUICK)
    images = corrupt(pictures(dataset.val), "contrast", 5, ids=dataset.val.ids)
    batches = [images] if chunk == 250 else [images[first::3] for first in range(3)]
    mixed = adapted_by_torch(model, spec, batches)
    with torch.no_grad():
        logits, plain = (network.eval()(preprocess(images, spec)) for network in (mixed, model))
    assert (logits - plain).abs().max() > 0.1
    assert_cell(read_cell(RunFolder(run).variant("batchnorm"), "contrast", 5), dataset.val.labels, logits)
    assert_cell(read_cell(RunFolder(run).predictions, "contrast", 5), dataset.val.labels, plain)


def test_adapting_leaves_nothing_behind(dataset, run, tmp_path):
    """Plain cells that are measured after adapted ones are as ever."""
    other = make_run(tmp_path / "other", dataset)
    benchmark(run, dataset, variants=["batchnorm", "pgd"], **QUICK)
    benchmark(other, dataset, **QUICK)
    benchmark(other, dataset, variants=["batchnorm", "pgd"], **QUICK)
    for folder in ("predictions", "variants/batchnorm", "variants/pgd"):
        first, second = (read_cells(one / "benchmark" / folder) for one in (run, other))
        assert first.keys() == second.keys()
        for key, cell in first.items():
            assert_same(cell, second[key])


def test_the_temperature_is_fitted_on_what_training_set_apart(dataset, run):
    summary = benchmark(run, dataset, variants=["temperature"], **QUICK)
    model, spec = load_model(run / "model.safetensors")
    chosen = dataset.train.take(development_split(dataset.train, 6)[1])
    with torch.no_grad():
        logits, development = (model(preprocess(pictures(split), spec)).double() for split in (dataset.val, chosen))
    labels = torch.from_numpy(chosen.labels)
    least = minimize_scalar(
        lambda one: nn.functional.cross_entropy(development / one, labels).item(), bounds=(0.01, 100), method="bounded"
    )
    (row,) = summary.variants
    temperature = float(row.how.split()[3].rstrip(","))
    assert temperature == pytest.approx(least.x, rel=1e-3)
    assert temperature != pytest.approx(1, abs=0.1)
    assert "12 training pictures that were held out when it was trained" in row.how
    cell = read_cell(RunFolder(run).variant("temperature"), "clean", 0)
    assert_cell(cell, dataset.val.labels, logits / temperature)
    assert (row.clean.error, row.clean.top5_error) == (summary.clean.error, summary.clean.top5_error)
    assert {name: one.error for name, one in row.corruptions.items()} == summary.errors
    assert row.clean.loss != summary.clean.loss


def test_the_temperature_does_not_know_the_validation_pictures(dataset, run, tmp_path, monkeypatch):
    first = benchmark(run, dataset, variants=["temperature"], **QUICK).variants[0].how
    other = dataclasses.replace(dataset, val=dataclasses.replace(dataset.val, labels=1 - dataset.val.labels))
    again = make_run(tmp_path / "again", dataset)
    assert benchmark(again, other, variants=["temperature"], **QUICK).variants[0].how == first
    # What was set apart of other data says nothing of this.
    monkeypatch.setattr("rugged.benchmark.variants.temperature._PER_CLASS", 5)
    (again / "manifest.json").write_text('{"dataset": {"content_hash": "feed"}}')
    (again / "recipe.toml").write_text("development_per_class = 0\n")
    how = benchmark(again, other, variants=["temperature"], **QUICK).variants[0].how
    assert "10 training pictures that it may have been trained on" in how


@pytest.mark.parametrize(
    ("right", "limit", "why"), [(True, "0.01", "all are answered right"), (False, "100", "chance")]
)
def test_where_no_temperature_is_best_it_is_said(dataset, tmp_path, monkeypatch, right, limit, why):
    """Training pictures that are all answered right, or all wrong: the likelihood rises without an end."""
    name = f"knows_when_{right}".lower()  # Python imports a module once.
    (tmp_path / f"{name}.py").write_text(
        "import torch\n"
        "def answer(images):\n    bright = images[:, 0].float().mean((1, 2)) > 127\n"
        "    return torch.stack([bright, ~bright], 1).float() * 9\n"
    )
    monkeypatch.chdir(tmp_path)
    train = dataset.train
    images = np.where((train.labels == 0) == right, np.uint8(255), np.uint8(0))[:, None, None, None]
    known = dataclasses.replace(train, images=np.broadcast_to(images, train.images.shape).copy())
    monkeypatch.setattr("rugged.benchmark.variants.temperature._PER_CLASS", 5)
    shown = dataclasses.replace(dataset, train=known)
    how = benchmark(f"{name}:answer", shown, variants=["temperature"], **QUICK).variants[0].how
    assert how.startswith(f"Logits divided by {limit}, the end of the search: ")
    assert why in how
    assert "is least" not in how


class Line(nn.Module):
    """Two logits, linear in the pixels."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(5)
        self.layer = nn.Linear(3 * 8 * 8, 2)

    def forward(self, images):
        return self.layer(images.flatten(1))


def test_of_a_linear_network_the_attack_finds_the_corner_of_the_ball():
    """Twenty steps of a level come to the ends of a radius of four from anywhere in it; uphill is known."""
    rng, module = np.random.default_rng(0), Line()
    images = rng.integers(0, 256, (60, 8, 8, 3), dtype=np.uint8)
    split = Split("val", images, np.arange(60) % 2, tuple(f"c/{i}" for i in range(60)))
    spec = ModelSpec("line", (), (), 8)
    setting = SimpleNamespace(seed=0, fabric=make_fabric("cpu", "fp32"))
    attack = Attack(setting, Network(module, spec))
    found = attack.attacked(pictures(split)[3:58], split.ids[3:58], torch.from_numpy(split.labels[3:58]))
    assert found.dtype == torch.uint8
    weights = module.layer.weight.detach()
    uphill = (weights[1 - split.labels] - weights[split.labels]).view(60, 3, 8, 8).sign()
    wanted = (pictures(split).float() + RADIUS * uphill).clamp(0, 255)[3:58]
    assert torch.equal(found.float(), wanted)


def test_an_attack_is_a_row_of_clean_pictures_alone(dataset, run):
    summary = benchmark(run, dataset, variants=["pgd"], **QUICK)
    (row,) = summary.variants
    cells = read_cells(RunFolder(run).variant("pgd"))
    assert list(cells) == [("clean", 0)]
    plain = read_cell(RunFolder(run).predictions, "clean", 0)
    assert cells["clean", 0].loss.mean() > plain.loss.mean()
    assert row.clean.error == pytest.approx(1 - cells["clean", 0].correct.mean())
    assert row.clean.error >= summary.clean.error
    assert row.corruptions == {}
    assert row.mean_corruption_accuracy is None


def test_rows_stand_beside_the_plain_one_and_are_not_measured_twice(dataset, run, monkeypatch, capsys):
    measured, original = [], grid.GridBench.measure

    def counting(self, corruption, severity, stop, bar):
        measured.append((self.variant and self.variant.name, corruption, severity))
        return original(self, corruption, severity, stop, bar)

    monkeypatch.setattr(grid.GridBench, "measure", counting)
    benchmark(run, dataset, **QUICK)
    first = benchmark(run, dataset, baseline=run, variants=["temperature", "batchnorm"], **QUICK)
    assert [row.name for row in first.variants] == ["batchnorm", "temperature"]
    assert len(measured) == 9
    assert read_summary(RunFolder(run).summary) == first
    again = benchmark(run, dataset, baseline=run, variants=["batchnorm", "temperature"], **QUICK)
    assert len(measured) == 9
    assert again.variants == first.variants
    cells = read_cells(RunFolder(run).variant("batchnorm"))
    errors = [1 - cells["contrast", severity].correct.mean() for severity in (2, 5)]
    row = first.variants[0]
    assert row.corruptions["contrast"].error == pytest.approx(errors)
    assert row.mean_corruption_accuracy == pytest.approx(1 - np.mean(errors))
    assert row.mce.value == pytest.approx(sum(errors) / sum(first.errors["contrast"]))
    capsys.readouterr()
    assert benchmark(run, dataset, baseline=run, **QUICK).variants == ()
    assert "add --variants batchnorm,temperature again" in capsys.readouterr().err


def test_an_interrupted_variant_goes_on(dataset, run, tmp_path, monkeypatch):
    original = grid.GridBench.measure

    def stop_in_the_second(self, corruption, severity, stop, bar):
        if self.variant is not None and severity == 2:
            signal.raise_signal(signal.SIGTERM)
        return original(self, corruption, severity, stop, bar)

    with monkeypatch.context() as patch:
        patch.setattr(grid.GridBench, "measure", stop_in_the_second)
        with pytest.raises(Interrupted, match=r"1 of 3 cells was measured and saved \(batchnorm\)"):
            benchmark(run, dataset, variants=["batchnorm"], **QUICK)
    assert not RunFolder(run).summary.exists()
    resumed = benchmark(run, dataset, variants=["batchnorm"], **QUICK)
    whole = benchmark(make_run(tmp_path / "whole", dataset), dataset, variants=["batchnorm"], **QUICK)
    assert resumed.variants == whole.variants


def test_saved_cells_bear_what_they_depend_on(dataset, run, monkeypatch):
    benchmark(run, dataset, variants=["pgd"], **QUICK)
    before = read_json(RunFolder(run).summary)["variants"]
    monkeypatch.setattr("rugged.benchmark.variants.attack.STEPS", 1)
    monkeypatch.setattr("rugged.benchmark.variants.attack.RADIUS", 0)
    weaker = benchmark(run, dataset, variants=["pgd"], **QUICK)
    assert weaker.variants[0].clean.loss == pytest.approx(weaker.clean.loss)
    assert weaker.variants[0].clean.loss < before[0]["clean"]["loss"]


def test_what_cannot_be_is_refused_by_name_before_anything_is_measured(dataset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "theirs.py").write_text("def answer(images):\n    return images.float().flatten(1)[:, :2]\n")
    for name in ("batchnorm", "pgd"):
        with pytest.raises(ModelError, match=f"variant {name} needs"):
            benchmark("theirs:answer", dataset, variants=[name], **QUICK)
    sys.modules.pop("theirs", None)
    vit = make_run(tmp_path / "vit", dataset, "timm/test_vit")
    with pytest.raises(ModelError, match="variant batchnorm needs batch norms, and timm/test_vit has none"):
        benchmark(vit, dataset, variants=["batchnorm"], **QUICK)
    run = make_run(tmp_path / "run", dataset, apart=0)
    with pytest.raises(ConfigError, match="recipe held none out"):
        benchmark(run, dataset, variants=["temperature"], **QUICK)
    with pytest.raises(ConfigError, match="at least 2 pictures"):
        benchmark(run, dataset, variants=["batchnorm"], limit=1, **QUICK)
    with pytest.raises(ConfigError, match="Expected a list of variants, not the text 'temperature'"):
        choose_variants("temperature")
    with pytest.raises(ConfigError, match="'batchnorm'"):
        benchmark(run, dataset, variants=["batchnrom"], **QUICK)
    (run / "recipe.toml").unlink()
    with pytest.raises(DataError, match="25 training pictures a class"):
        benchmark(run, dataset, variants=["temperature"], **QUICK)
    untaught = dataclasses.replace(dataset, train=dataset.train.take([]))
    with pytest.raises(DataError, match=r"and pictures has none\. Measure without temperature"):
        benchmark(run, untaught, variants=["temperature"], **QUICK)
    assert not (run / "benchmark").exists()


def test_a_function_has_a_temperature(dataset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("rugged.benchmark.variants.temperature._PER_CLASS", 6)
    (tmp_path / "ours.py").write_text("def answer(images):\n    return images.float().flatten(1)[:, :2]\n")
    summary = benchmark("ours:answer", dataset, variants=["temperature"], **QUICK)
    assert "may have been trained on" in summary.variants[0].how
    sys.modules.pop("ours", None)
