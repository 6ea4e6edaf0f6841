"""No run folder lies in the data: its pictures would be read as data the next time, and nobody could open it again."""

from pathlib import Path

import pytest

from rugged import restore
from rugged.benchmark import benchmark, benchmark_restorer, benchmark_sequences
from rugged.core.errors import DataError
from rugged.data import open_dataset, pack_source
from rugged.explain import explain_run
from rugged.models import ModelSpec, build, save_model
from rugged.pipelines.study import load_study
from rugged.pipelines.study_run import run_study
from rugged.train import load_recipe, train


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    spec = ModelSpec("timm/test_resnet", ("above", "below"), ("above", "below"), 32)
    path = tmp_path_factory.mktemp("run") / "model.safetensors"
    save_model(path, build(spec.architecture, 2), spec)
    return path.parent


WRITERS = {
    "train": lambda model, data, out: train(load_recipe("plain64"), data, out, device="cpu"),
    "benchmark": lambda model, data, out: benchmark(model, data, out=out, device="cpu"),
    "sequences": lambda model, data, out: benchmark_sequences(model, data, out=out, device="cpu"),
    "explain": lambda model, data, out: explain_run([model], data, out=out, device="cpu"),
    "restore": lambda model, data, out: restore.train(restore.load_recipe("deblur64"), data, out, device="cpu"),
    "restorer": lambda model, data, out: benchmark_restorer(model, data, out=out, device="cpu"),
    "study": lambda model, data, out: run_study(load_study("ablations64"), (), open_dataset(data), Path(out)),
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("data", ["source", "pack", "current"])
def test_a_run_folder_in_the_data_is_refused_before_anything_is_written(
    writer, data, model, picture_folder, tmp_path, monkeypatch
):
    where = pack_source(picture_folder, tmp_path / "pack").folder if data == "pack" else picture_folder
    out = where / "runs" / "a"
    if data == "current":  # As it is with the default place.
        monkeypatch.chdir(where)
        where, out = ".", "runs/a"
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DataError, match=r"runs.a lies in .* read as part of the data. Choose another place with --out"):
        WRITERS[writer](model, where, out)
    assert sorted(tmp_path.rglob("*")) == before
