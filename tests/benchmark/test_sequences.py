"""Sequences are measured as they are, from memory or from files, once, whatever happens on the way."""

import dataclasses
import shutil
import signal

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from torch import nn

from rugged.benchmark import benchmark_sequences, sequences
from rugged.core.errors import ConfigError, CorruptionError, DataError, IncomparableError, Interrupted, RunError
from rugged.data import open_dataset
from rugged.models import ModelSpec, build, load_model, preprocess, save_model
from rugged.perturbations import SEQUENCES, perturb
from rugged.perturbations.video import read_video
from rugged.perturbations.writing import Order, Picture, write_sequences
from rugged.results import RunFolder, read_frames, read_stability

CLASSES = tuple("abcdef")
QUICK = {"sequences": ("gaussian_noise", "rotate"), "device": "cpu"}


@pytest.fixture
def dataset(tmp_path):
    """Six classes of smooth pictures, two of each for validation: 12 make two forward passes of frames."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 1), ("val", 2)):
        for name in CLASSES:
            folder = tmp_path / "pictures" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                small = Image.fromarray(rng.integers(0, 256, (5, 5, 3), dtype=np.uint8))
                small.resize((32, 32), Image.Resampling.BICUBIC).save(folder / f"{number}.png")
    return open_dataset(tmp_path / "pictures")


def make_run(folder, dataset, seed=0):
    """An untrained model that answers otherwise for other pictures: its mean answer is taken away."""
    torch.manual_seed(seed)
    model = build("timm/resnet10t", 6)
    nn.init.normal_(model.fc.weight)
    spec = ModelSpec("timm/resnet10t", CLASSES, CLASSES, 32)
    with torch.no_grad():
        model.fc.bias -= model.eval()(preprocess(pictures(dataset), spec)).mean(0)
    save_model(folder / "model.safetensors", model, spec)
    return folder


@pytest.fixture
def run(dataset, tmp_path):
    return make_run(tmp_path / "run", dataset)


def pictures(dataset):
    return torch.from_numpy(dataset.val.images.copy()).permute(0, 3, 1, 2)


def answers(run, frames):
    """Probabilities of all frames, from one pass a picture."""
    model, spec = load_model(run / "model.safetensors")
    with torch.no_grad():
        return np.stack([model.eval()(preprocess(each, spec)).double().softmax(1).numpy() for each in frames])


def perturbed(dataset, name, **options):
    return perturb(pictures(dataset), name, ids=dataset.val.ids, **options)


def test_predictions_are_those_of_the_model_on_the_frames(dataset, run):
    result = benchmark_sequences(run, dataset, seed=3, difficulty=2, **QUICK)
    for name in QUICK["sequences"]:
        wanted = answers(run, perturbed(dataset, name, seed=3, difficulty=2))
        frames = read_frames(RunFolder(run).sequences, name, 2)
        assert frames.ids == dataset.val.ids
        np.testing.assert_array_equal(frames.top, np.argsort(-wanted, axis=2, kind="stable")[..., :5])
        own = np.take_along_axis(wanted, dataset.val.labels[:, None, None], 2)[..., 0]
        np.testing.assert_allclose(frames.label_probability, own, atol=1e-5)
        np.testing.assert_allclose(frames.loss, -np.log(own), atol=1e-3)
        np.testing.assert_allclose(frames.sum_of_squares, (wanted**2).sum(2), atol=1e-5)
        first = wanted.argmax(2)
        before = first[:, :1] if name == "gaussian_noise" else first[:, :-2]  # Difficulty 2 is a stride of motion.
        after = first[:, 1:] if name == "gaussian_noise" else first[:, 2:]
        assert result.sequences[name].flip_probability == pytest.approx((before != after).mean())
        assert result.sequences[name].flip_probability > 0
    assert read_stability(RunFolder(run).stability(2)) == result
    assert any("Difficulty 2" in note for note in result.notes)


def test_an_mfr_needs_a_baseline_and_says_what_it_is_over(dataset, run, tmp_path):
    other = make_run(tmp_path / "other", dataset, seed=1)
    plain = benchmark_sequences(run, dataset, **QUICK)
    assert plain.mfr is None
    assert any("not over the ten" in note for note in plain.notes)
    base = benchmark_sequences(other, dataset, **QUICK)
    result = benchmark_sequences(run, dataset, baseline=other, **QUICK)
    ratios = [
        plain.sequences[name].flip_probability / base.sequences[name].flip_probability for name in QUICK["sequences"]
    ]
    assert result.mfr.value == pytest.approx(np.mean(ratios))
    assert result.mfr.sha256 == base.model.sha256
    assert benchmark_sequences(other, dataset, baseline=other, **QUICK).mfr.top5 == pytest.approx(1)
    with pytest.raises(IncomparableError, match="lacks tilt"):
        benchmark_sequences(run, dataset, baseline=other, sequences=["tilt"], device="cpu")


def test_the_ten_are_the_ten(dataset, run):
    result = benchmark_sequences(run, dataset, limit=2, device="cpu")
    assert result.conditions.sequences == result.conditions.averaged == SEQUENCES
    assert result.conditions.complete
    assert not any("not over the ten" in note for note in result.notes)
    assert any("Quick run" in note for note in result.notes)
    assert result.conditions.images == 2


def count_measured(monkeypatch):
    measured, original = [], sequences._Bench.measure

    def counting(self, name, *arguments):
        measured.append(name)
        return original(self, name, *arguments)

    monkeypatch.setattr(sequences._Bench, "measure", counting)
    return measured


def test_nothing_is_measured_twice_and_a_quick_look_takes_nothing_away(dataset, run, monkeypatch):
    measured = count_measured(monkeypatch)
    full = benchmark_sequences(run, dataset, **QUICK)
    again = benchmark_sequences(run, dataset, sequences=["rotate"], device="cpu")
    assert measured == ["gaussian_noise", "rotate"]
    assert again.sequences == full.sequences
    assert benchmark_sequences(run, dataset, sequences=["shear"], device="cpu").conditions.averaged == (
        "gaussian_noise", "rotate",
    )  # fmt: skip
    assert measured[2:] == ["shear"]
    for change in ({"seed": 1}, {"limit": 3}, {"preset": "tiny64"}, {"precision": "bf16"}):
        with pytest.raises(RunError, match="--replace"):
            benchmark_sequences(run, dataset, **QUICK, **change)
    path = RunFolder(run).sequences / "rotate-1.parquet"
    path.write_bytes(path.read_bytes()[:-40])
    assert benchmark_sequences(run, dataset, **QUICK).sequences["rotate"] == full.sequences["rotate"]
    assert measured[3:] == ["rotate"]
    pq.write_table(pq.read_table(path).drop_columns(["loss"]), path)  # Its stamp is whole.
    assert benchmark_sequences(run, dataset, **QUICK).sequences["rotate"] == full.sequences["rotate"]
    assert measured[4:] == ["rotate"]
    benchmark_sequences(run, dataset, **QUICK, seed=1, replace_results=True)
    assert measured[5:] == ["gaussian_noise", "rotate"]


def test_figures_that_cannot_be_read_are_replaced_only_where_that_is_said(dataset, run, monkeypatch):
    full, path = benchmark_sequences(run, dataset, **QUICK), RunFolder(run).stability(1)
    path.write_bytes(path.read_bytes()[:-40])
    before, measured = path.read_bytes(), count_measured(monkeypatch)
    with pytest.raises(RunError, match=r"sequences-1\.json holds no figures of sequences, format 1 .*--replace"):
        benchmark_sequences(run, dataset, **QUICK)
    assert path.read_bytes() == before
    assert benchmark_sequences(run, dataset, replace_results=True, **QUICK).sequences == full.sequences
    assert not measured


def test_an_interrupted_measurement_goes_on_to_the_same_figures(dataset, run, tmp_path, monkeypatch):
    whole = benchmark_sequences(make_run(tmp_path / "whole", dataset), dataset, **QUICK)
    original = sequences._Bench.measure

    def stop_at_second(self, name, *arguments):
        if name == "rotate":
            signal.raise_signal(signal.SIGTERM)
        return original(self, name, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(sequences._Bench, "measure", stop_at_second)
        with pytest.raises(Interrupted, match="1 of 2 sequences"):
            benchmark_sequences(run, dataset, **QUICK)
    assert not RunFolder(run).stability(1).exists()
    measured = count_measured(monkeypatch)
    assert benchmark_sequences(run, dataset, **QUICK).sequences == whole.sequences
    assert measured == ["rotate"]
    # Measured anew after an upgrade: a look at one kind that is interrupted takes none away either.
    on = sequences.measured_on
    monkeypatch.setattr(sequences, "measured_on", lambda fabric: {**on(fabric), "versions": {"torch": "0.0"}})
    with monkeypatch.context() as patch:
        patch.setattr(sequences._Bench, "measure", stop_at_second)
        with pytest.raises(Interrupted, match="1 of 2 sequences"):
            benchmark_sequences(run, dataset, sequences=["gaussian_noise"], device="cpu")
    assert not RunFolder(run).stability(1).exists()
    assert benchmark_sequences(run, dataset, sequences=["gaussian_noise"], device="cpu").sequences == whole.sequences


def write_files(dataset, folder, names, file_format, difficulty=1, content="x"):
    split = dataset.val
    sources = [Picture(name, lambda row=row: split.images[row]) for row, name in enumerate(split.ids)]
    source = {"name": folder.name, "content": content}
    write_sequences(sources, Order(folder, names, "cifar32", difficulty, 5, file_format, source), "")
    return folder


def test_frames_from_files_are_those_from_memory(dataset, run, tmp_path, capsys):
    folder = write_files(dataset, tmp_path / "frames", QUICK["sequences"], "frames", difficulty=2)
    memory = benchmark_sequences(make_run(tmp_path / "memory", dataset), dataset, seed=5, difficulty=2, **QUICK)
    files = benchmark_sequences(run, dataset, files=folder, difficulty=2, **QUICK)
    assert files.sequences == memory.sequences
    assert files.conditions.route == "PNG files"
    assert (files.conditions.seed, files.conditions.preset) == (5, "cifar32")
    for change in ({"seed": 5}, {"preset": "cifar32"}):
        with pytest.raises(ConfigError, match="those of the files"):
            benchmark_sequences(run, dataset, files=folder, difficulty=2, **QUICK, **change)
    with pytest.raises(IncomparableError, match="route is in memory, here PNG files"):
        benchmark_sequences(run, dataset, files=folder, difficulty=2, baseline=tmp_path / "memory", **QUICK)
    assert "Gone from the figures" not in capsys.readouterr().err
    benchmark_sequences(run, dataset, files=folder, difficulty=2, sequences=["rotate"], device="cpu")
    assert "Gone from the figures, but still measured: name gaussian_noise again" in capsys.readouterr().err


def test_files_of_other_pictures_are_no_baseline_though_their_names_agree(dataset, run, tmp_path):
    options = {"sequences": ["rotate"], "device": "cpu"}
    for name, content in (("mine", "x"), ("copy", "x"), ("theirs", "y")):
        folder = write_files(dataset, tmp_path / name, ["rotate"], "frames", content=content)
        out = make_run(tmp_path / f"on-{name}", dataset)
        result = benchmark_sequences(out, dataset, files=folder, **options)
        assert not any("names alone" in note for note in result.notes)
    mine = {"files": tmp_path / "mine", **options}
    assert benchmark_sequences(run, dataset, baseline=tmp_path / "on-copy", **mine).mfr.value == 1
    with pytest.raises(IncomparableError, match="content hash is"):
        benchmark_sequences(run, dataset, baseline=tmp_path / "on-theirs", **mine)


def test_videos_are_read_frame_by_frame_without_the_help_of_a_manifest(dataset, run, tmp_path):
    folder = write_files(dataset, tmp_path / "videos", ("rotate",), "mp4")
    (folder / "manifest.json").unlink()
    result = benchmark_sequences(run, dataset, files=folder, sequences=["rotate"], device="cpu")
    assert result.conditions.route == "MP4 files"
    assert result.conditions.stream_version == 0  # Others drew.
    assert any("compression removes" in note for note in result.notes)
    assert any("known by their names alone" in note for note in result.notes)
    decoded = [read_video(folder / "rotate" / f"{each}.mp4") for each in dataset.val.ids]
    wanted = answers(run, torch.from_numpy(np.stack(decoded)).permute(0, 1, 4, 2, 3))
    frames = read_frames(RunFolder(run).sequences, "rotate", 1)
    own = np.take_along_axis(wanted, dataset.val.labels[:, None, None], 2)[..., 0]
    np.testing.assert_allclose(frames.label_probability, own, atol=1e-5)
    for limit, quick in ((12, None), (6, 6)):
        limited = benchmark_sequences(
            run, dataset, files=folder, sequences=["rotate"], device="cpu", limit=limit, replace_results=True
        )
        assert (limited.conditions.images, limited.conditions.limit) == (limit, quick)


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused_wherever_frames_come_from(dataset, run, tmp_path, limit):
    folder = write_files(dataset, tmp_path / "frames", ["rotate"], "frames")
    for files in (None, folder):
        with pytest.raises(ConfigError, match=f"The limit is {limit}; expected at least 1,"):
            benchmark_sequences(run, dataset, files=files, sequences=["rotate"], device="cpu", limit=limit)


def test_sequences_of_another_length_are_named_though_their_number_of_frames_adds_up(dataset, run, tmp_path):
    """Of twelve pictures the first forward pass takes eight: 8 × 30 + 4 × 33 frames are 12 × 31."""
    folder = write_files(dataset, tmp_path / "frames", ["rotate"], "frames")
    for each in dataset.val.ids[:8]:
        (folder / "rotate" / each / "30.png").unlink()
    for each in dataset.val.ids[8:]:
        for added in ("31.png", "32.png"):
            shutil.copy(folder / "rotate" / each / "30.png", folder / "rotate" / each / added)
    with pytest.raises(DataError, match=r"rotate/a/0 has 30 frames; expected the 31 of rotate at preset cifar32"):
        benchmark_sequences(run, dataset, files=folder, sequences=["rotate"], device="cpu")


def test_files_that_are_not_there_are_named(dataset, run, tmp_path):
    folder = write_files(dataset, tmp_path / "frames", QUICK["sequences"], "frames")
    with pytest.raises(DataError, match=r"frames/tilt holds no sequences"):
        benchmark_sequences(run, dataset, files=folder, sequences=["rotate", "tilt"], device="cpu")
    (folder / "rotate" / "a" / "0" / "00.png").rename(tmp_path / "away.png")
    with pytest.raises(DataError, match="12 sequences of gaussian_noise and 11 of rotate"):
        benchmark_sequences(run, dataset, files=folder, **QUICK)
    (folder / "rotate" / "a" / "0" / "00.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="cannot be read"):
        benchmark_sequences(run, dataset, files=folder, sequences=["rotate"], device="cpu")
    (folder / "rotate" / "a").rename(folder / "rotate" / "strange")
    one = benchmark_sequences(run, dataset, files=folder, sequences=["rotate"], device="cpu")
    assert one.conditions.images == 10
    assert any("2 sequences of classes" in note for note in one.notes)
    others = [dataclasses.replace(info, id=f"other-{info.id}") for info in dataset.classes]
    with pytest.raises(DataError, match="of no class"):
        benchmark_sequences(
            run, dataclasses.replace(dataset, classes=tuple(others)), files=folder, sequences=["rotate"], device="cpu"
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [({"sequences": ["rotat"]}, "rotate"), ({"difficulty": 4}, "1, 2 or 3"), ({"preset": "inception299"}, "preset")],
)
def test_what_cannot_be_measured_is_refused_before_anything_is(dataset, run, change, message):
    with pytest.raises(CorruptionError, match=message):
        benchmark_sequences(run, dataset, **(QUICK | change))
    assert not (run / "benchmark").exists()
