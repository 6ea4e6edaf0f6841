"""Several processes measure what one does, to the last byte, and stop and fail together."""

import numpy as np
import pytest
import torch
from tests.forked import Forked, torchrun
from torch import nn

from rugged.data import open_dataset
from rugged.models import ModelSpec, build, save_model
from rugged.results import RunFolder, read_cells, read_frames, read_stability, read_summary

SCRIPT = """
import os, signal, sys, time
import rugged.engine.subject
import rugged.engine.inference
from rugged.cli import main

rugged.engine.inference.CHUNK = 5  # So that both processes have pictures, the first one more than the second.
fault, sys.argv[1:] = sys.argv[1], sys.argv[2:]
infer, calls = rugged.engine.subject.infer, []

def infer_or_fail(fabric, network, spec, images):
    calls.append(len(images))
    logits = infer(fabric, network, spec, images)
    if os.environ.get("RANK") == "1" and len(calls) == 4:
        if fault == "stop":
            os.kill(os.getpid(), signal.SIGTERM)
        if fault == "nan":
            logits = logits * float("nan")
    return logits

rugged.engine.subject.infer = infer_or_fail
try:
    main()
except SystemExit as ended:
    if ended.code:
        time.sleep(3)  # As soon as one has ended torchrun ends the others, which are to end by themselves.
    raise
"""

QUICK = ("--corruptions", "gaussian_noise,contrast", "--severities", "2,5")


@pytest.fixture
def work(picture_folder, tmp_path):
    """Two equal run folders, whose model answers otherwise for every picture, and pictures: 18 make 4 chunks."""
    (tmp_path / "script.py").write_text(SCRIPT)
    content = open_dataset(picture_folder).content_hash
    for name in ("alone", "two"):
        torch.manual_seed(0)
        model = build("timm/resnet10t", 2)
        nn.init.normal_(model.fc.weight)
        save_model(
            tmp_path / name / "model.safetensors", model,
            ModelSpec("timm/resnet10t", ("above", "below"), ("above", "below"), 32),
        )  # fmt: skip
        (tmp_path / name / "recipe.toml").write_text("development_per_class = 6\n")
        (tmp_path / name / "manifest.json").write_text(f'{{"dataset": {{"content_hash": "{content}"}}}}')
    return tmp_path


def measure(work, run, *options, fault="none", processes=2):
    """Benchmark by so many processes; give the status and what was told."""
    arguments = [fault, "benchmark", run, "--data", "pictures", "--device", "cpu", *options]
    alone = processes == 1
    process = Forked("script", arguments, work) if alone else torchrun(["script.py", *arguments], work)
    told = process.communicate(timeout=300)
    return process.returncode, told


def assert_same_tables(run, other):
    first, second = read_cells(run), read_cells(other)
    assert first.keys() == second.keys()
    for key, cell in first.items():
        assert cell.ids == second[key].ids
        for column in ("labels", "top", "top_probabilities", "label_probability", "loss", "sum_of_squares"):
            np.testing.assert_array_equal(getattr(cell, column), getattr(second[key], column), strict=True)


@pytest.mark.slow
def test_two_processes_give_the_table_of_one(work):
    variants = ("batchnorm", "temperature", "pgd")
    status, told = measure(work, "alone", *QUICK, "--variants", ",".join(variants), processes=1)
    assert status == 0, told
    status, told = measure(work, "two", *QUICK, "--variants", ",".join(variants))
    assert status == 0, told
    assert_same_tables(RunFolder(work / "alone").predictions, RunFolder(work / "two").predictions)
    for name in variants:
        assert_same_tables(RunFolder(work / "alone").variant(name), RunFolder(work / "two").variant(name))
    one, other = (read_summary(RunFolder(work / name).summary) for name in ("alone", "two"))
    assert (one.clean, one.corruptions, one.intervals) == (other.clean, other.corruptions, other.intervals)
    assert len(one.variants) == 3
    assert one.variants == other.variants
    assert other.made.hardware["processes"] == 2
    assert told.count("Error of two by severity") == 1  # One speaks for all.
    assert told.count("Benchmark: 90 images") == 1


@pytest.mark.slow
def test_a_signal_to_one_process_stops_all_and_the_next_command_goes_on(work):
    status, told = measure(work, "alone", *QUICK, processes=1)
    assert status == 0, told
    status, told = measure(work, "two", *QUICK, fault="stop")
    assert status != 0
    # Each process has two chunks of a cell, and the second one was told in its fourth: that cell was finished.
    assert told.count("Stopped; 2 of 5 cells were measured and saved") == 1
    assert len(read_cells(RunFolder(work / "two").predictions)) == 2
    status, told = measure(work, "two", *QUICK)
    assert status == 0, told
    assert "2 of 5 cells are already measured" in told
    assert_same_tables(RunFolder(work / "alone").predictions, RunFolder(work / "two").predictions)


@pytest.mark.slow
def test_a_failure_in_one_process_ends_all_with_its_reason(work):
    status, told = measure(work, "two", *QUICK, fault="nan")
    assert status != 0
    assert told.count("The model answers with values that are not numbers") == 1
    assert told.count("Another process could not go on") == 1
    assert "measure.py" not in told  # A message, not a traceback through ours; torchrun adds its own.


@pytest.mark.slow
def test_when_the_first_process_may_not_write_the_others_end_too(work):
    (work / "file").touch()
    status, told = measure(work, "two", *QUICK, "--out", "file/run")
    assert status != 0
    assert "The first process could not go on" in told


@pytest.mark.slow
def test_two_processes_are_as_steady_as_one(work):
    options = ("--sequences", "gaussian_noise,rotate")
    for run, processes in (("alone", 1), ("two", 2)):
        status, told = measure(work, run, *options, processes=processes)
        assert status == 0, told
        assert told.count("Mean flip probability over 2 sequences") == 1
    for name in ("gaussian_noise", "rotate"):
        one, other = (read_frames(RunFolder(work / run).sequences, name, 1) for run in ("alone", "two"))
        for column in ("labels", "top", "top_probabilities", "label_probability", "loss", "sum_of_squares"):
            np.testing.assert_array_equal(getattr(one, column), getattr(other, column), strict=True)
    one, other = (read_stability(RunFolder(work / run).stability(1)) for run in ("alone", "two"))
    assert one.sequences == other.sequences
