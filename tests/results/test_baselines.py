"""Baselines divide by their own errors alone, and only what was measured as they were."""

import dataclasses
import json

import numpy as np
import pytest

from rugged.core.catalogue import ALL, BENCHMARK, SEVERITIES
from rugged.core.configuration import to_plain
from rugged.core.errors import ConfigError, IncomparableError, ResultsError
from rugged.core.files import write_json
from rugged.metrics import interval
from rugged.results import (
    Baseline,
    Cell,
    Conditions,
    Made,
    ModelFacts,
    RunFolder,
    default_baseline,
    load_baseline,
    save_baseline,
    summarise,
    why_no_default,
    write_summary,
)
from rugged.results.baselines import baseline_path, read_baseline, shipped_baselines

CONDITIONS = Conditions(
    dataset="imagenet", content_hash="a" * 64, split="val", images=100_000, classes=1000, size=(224, 224),
    route="official files", stored="jpeg85", preset="imagenet224", textures="photographs", seed=0, stream_version=0,
    corruptions=BENCHMARK, severities=SEVERITIES, collection="ImageNet-C", clean_images=50_000,
)  # fmt: skip
FACTS = ModelFacts("model", "torchvision/alexnet", 1000, "b" * 64, 224, ())
MADE = Made("", 0.0, {}, {})

ALEXNET = (
    0.886428, 0.894468, 0.922640, 0.819880, 0.826268, 0.785948, 0.798360, 0.866816, 0.826572, 0.819324, 0.564592,
    0.853204, 0.646056, 0.717840, 0.606500,
)  # fmt: skip
RESNET18 = (
    0.8037, 0.7597, 0.7758, 0.8426, 0.8274, 0.7907, 0.8212, 0.7497, 0.7381, 0.7433, 0.68, 0.8939, 0.7308, 0.6121,
    0.6452,
)  # fmt: skip


def cell_with(error, count, corruption="clean", severity=0):
    """``count`` images, of which a share is wrong."""
    labels = np.zeros(count, np.int32)
    top = np.tile(np.arange(5, dtype=np.int32), (count, 1))
    top[: round(error * count), 0] = 9
    ones = np.ones(count, np.float32)
    return Cell(corruption, severity, tuple(map(str, range(count))), labels, top, top * 0 + ones[:, None], *[ones] * 3)


def summary_with(errors, clean, conditions, name):
    """Of a model with these mean errors: at severities 1 to 5 it makes 4% less to 4% more of them."""
    cells = {("clean", 0): cell_with(clean, conditions.clean_images or conditions.images)}
    for corruption in conditions.corruptions:
        for severity in SEVERITIES:
            error = errors[corruption] * (0.94 + 0.02 * severity)
            cells[corruption, severity] = cell_with(error, conditions.images, corruption, severity)
    return summarise(cells, FACTS, conditions, MADE, baseline=load_baseline(name, conditions))


def test_the_alexnet_of_imagenet_c_has_an_mce_of_one():
    conditions = dataclasses.replace(CONDITIONS, images=20_000)
    summary = summary_with(dict(zip(BENCHMARK, ALEXNET, strict=True)), 0.43478, conditions, "imagenet-c-alexnet")
    assert summary.mce.value == pytest.approx(1.0, abs=2e-5)
    assert summary.mce.relative == pytest.approx(1.0, abs=1e-4)
    assert summary.mce.complete
    assert all(result.ce == pytest.approx(1.0, abs=5e-5) for result in summary.corruptions.values())
    assert summary.mce.baseline.clean_error == 0.43478


def test_mce_against_it_is_the_papers_formula():
    """CE = sum of errors over the severities / sum of AlexNet's; mCE their mean; relative with clean taken off."""
    made = dict(zip(BENCHMARK, np.linspace(0.2, 0.7, 15), strict=True))
    small = dataclasses.replace(CONDITIONS, images=10_000, clean_images=10_000)
    summary = summary_with(made, 0.25, small, "imagenet-c-alexnet")
    sums = {
        name: sum(round(made[name] * (0.94 + 0.02 * s) * 10_000) / 10_000 for s in SEVERITIES) for name in BENCHMARK
    }
    ratios = [sums[name] / (5 * error) for name, error in zip(BENCHMARK, ALEXNET, strict=True)]
    relative = [
        (sums[name] - 5 * 0.25) / (5 * error - 5 * 0.43478) for name, error in zip(BENCHMARK, ALEXNET, strict=True)
    ]
    assert summary.mce.value == pytest.approx(np.mean(ratios))
    assert summary.mce.relative == pytest.approx(np.mean(relative))
    low, high = summary.mce.interval
    assert low < summary.mce.value < high


def test_augmaxs_resnet18_has_an_mce_of_one_and_no_relative_one():
    tiny = dataclasses.replace(CONDITIONS, images=10_000, clean_images=10_000, collection="Tiny ImageNet-C")
    errors = dict(zip(BENCHMARK, RESNET18, strict=True))
    summary = summary_with(errors, 0.4, tiny, "tiny-imagenet-c-resnet18")
    assert summary.mce.value == pytest.approx(1.0, abs=1e-4)
    assert summary.mce.relative is None
    assert summary.mce.relative_interval is None
    assert summary.mce.baseline.clean_error is None
    assert all(result.relative_ce is None for result in summary.corruptions.values())


def test_extra_corruptions_have_no_published_error_and_so_no_ce():
    every = dataclasses.replace(CONDITIONS, images=1000, clean_images=1000, corruptions=ALL)
    summary = summary_with(dict.fromkeys(ALL, 0.5), 0.3, every, "imagenet-c-alexnet")
    assert summary.mce.over == BENCHMARK
    assert summary.corruptions["spatter"].ce is None
    assert summary.corruptions["fog"].ce == pytest.approx(0.5 / 0.819324)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"route": "in memory", "collection": None}, r"route is official files \(ImageNet-C\), here in memory"),
        ({"route": "files of rugged corrupt", "collection": None}, "here files of rugged corrupt"),
        ({"collection": "Tiny ImageNet-C"}, "classes are those of ImageNet-C, here Tiny ImageNet-C"),
        ({"collection": None, "classes": 200, "images": 10_000}, "here 10,000 pictures of 200 classes"),
        ({"severities": (1, 3)}, "means over the severities 1 to 5, here 1, 3"),
        ({"corruptions": ("spatter",)}, "errors of the benchmark's corruptions alone"),
        ({"limit": 500, "images": 500}, "all pictures were measured, here 500"),
    ],
)
def test_published_baselines_fit_their_collection_alone(change, message):
    other = dataclasses.replace(CONDITIONS, **change)
    with pytest.raises(IncomparableError, match=message):
        load_baseline("imagenet-c-alexnet", other)
    found = default_baseline(other)
    assert found is None or found.collection == other.collection


def test_it_is_said_why_a_shipped_baseline_of_the_same_data_set_does_not_fit(tmp_path, monkeypatch):
    measured = dataclasses.replace(CONDITIONS, route="in memory", collection=None)
    others = {"far": {"stored": "no", "preset": "tiny64"}, "near": {"stored": "no"}}
    for name, change in others.items():
        conditions = dataclasses.replace(measured, **change)
        baseline = Baseline(name, "net", dict.fromkeys(BENCHMARK, (0.5,) * 5), conditions=conditions)
        write_json(tmp_path / f"{name}.json", to_plain(baseline))
    shipped = {path.stem: path for path in tmp_path.iterdir()}
    monkeypatch.setattr("rugged.results.baselines.shipped_baselines", lambda: shipped)
    why = why_no_default(measured)
    assert why.startswith("near, the baseline that comes with rugged, was measured under other conditions: ")
    assert "jpeg85" in why
    assert "tiny64" not in why
    assert why_no_default(dataclasses.replace(measured, stored="no")) is None  # One fits.
    assert why_no_default(dataclasses.replace(measured, dataset="other")) is None  # None is for it.


def test_the_shipped_baselines_are_the_published_figures():
    shipped = {name: read_baseline(path) for name, path in shipped_baselines().items()}
    for name, figures in (("imagenet-c-alexnet", ALEXNET), ("tiny-imagenet-c-resnet18", RESNET18)):
        assert shipped[name].means == dict(zip(BENCHMARK, figures, strict=True))
        assert shipped[name].source
    assert default_baseline(CONDITIONS).name == "ImageNet-C's AlexNet"
    identities = [baseline.identity for name, baseline in shipped.items() if not name.endswith("-procedural")]
    assert len({*identities}) == len(identities)  # With drawn ice it is the same model.


def test_clean_and_corrupted_images_that_differ_do_not_move_together():
    """The variance of added error is the sum of both where images differ, and little where an image's errors agree."""
    count = 2000
    same = dataclasses.replace(CONDITIONS, images=count, clean_images=None, corruptions=("fog",))
    others = dataclasses.replace(same, clean_images=count)
    cells = {("clean", 0): cell_with(0.4, count), **{("fog", s): cell_with(0.4, count, "fog", s) for s in SEVERITIES}}
    spread = {}
    for name, conditions in (("same", same), ("others", others)):
        baseline = load_baseline("imagenet-c-alexnet", conditions)
        low, high = summarise(cells, FACTS, conditions, MADE, baseline=baseline).mce.relative_interval
        spread[name] = (high - low) * (0.819324 - 0.43478)
    assert spread["same"] == 0  # Every image is as right under fog as without it.
    theory = 2 * 1.96 * np.sqrt(2 * 0.4 * 0.6 / count)
    assert spread["others"] == pytest.approx(theory, rel=0.1)
    assert interval(np.zeros(10)) == (0.0, 0.0)


def test_a_name_is_a_file_in_the_cache_and_taken_once(tmp_path, monkeypatch):
    monkeypatch.setenv("RUGGED_CACHE", str(tmp_path))
    conditions = dataclasses.replace(CONDITIONS, images=100, clean_images=100)
    summary = summary_with(dict.fromkeys(BENCHMARK, 0.5), 0.3, conditions, "imagenet-c-alexnet")
    path = save_baseline(summary, "mine")
    assert path == tmp_path / "baselines" / "mine.json"
    found = load_baseline("mine", conditions)
    assert (found.name, found.sha256, found.conditions) == ("mine", "b" * 64, conditions)
    assert found.errors == summary.errors
    save_baseline(summary, "mine")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine" / "benchmark").mkdir(parents=True)  # Somebody's folder, such as the data set.
    assert load_baseline("mine", conditions) == found
    with pytest.raises(ResultsError, match="this run has no benchmark yet"):
        load_baseline("./mine", conditions)
    write_summary(RunFolder("mine").summary, dataclasses.replace(summary, model=FACTS))
    assert load_baseline("mine", conditions).name == FACTS.name
    other = dataclasses.replace(summary, model=dataclasses.replace(FACTS, sha256="c" * 64))
    with pytest.raises(ConfigError, match="another model"):
        save_baseline(other, "mine")
    save_baseline(other, "mine", replace=True)
    assert load_baseline(path, conditions).sha256 == "c" * 64
    with pytest.raises(IncomparableError, match="content hash"):
        load_baseline("mine", dataclasses.replace(conditions, content_hash="d" * 64))
    for changed in ({"images": 50, "content_hash": "e" * 64}, {"corruptions": ("fog",)}):
        partial = dataclasses.replace(other, conditions=dataclasses.replace(conditions, **changed))
        with pytest.raises(ConfigError, match="of this model under other conditions"):
            save_baseline(partial, "mine")
    with pytest.raises(ConfigError, match=r"mine\.json is a file, not a folder"):  # Known before anything is measured.
        baseline_path(path / "below.json", "c" * 64, conditions)
    for name in ("imagenet-c-alexnet", "../mine", ".mine", "a/b", ""):
        with pytest.raises(ConfigError):
            save_baseline(summary, name)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 9},
        {"collection": None},
        {"surprise": 1},
        {"name": None},
        {"errors": {"fog": ["much"]}},
        {"errors": {"fog": [81.9]}},
        {"errors": {"fog": [float("nan")]}},
        {"errors": {"fog": []}},
        {"errors": {"fog": [0.8, 0.9]}},
        {"clean_error": 43.5},
    ],
)
def test_a_file_that_is_no_baseline_is_refused(tmp_path, change):
    plain = json.loads(shipped_baselines()["imagenet-c-alexnet"].read_text())
    path = tmp_path / "b.json"
    path.write_text(json.dumps({key: value for key, value in (plain | change).items() if value is not None}))
    with pytest.raises(ResultsError, match="not a baseline of format 1"):
        load_baseline(path, CONDITIONS)
