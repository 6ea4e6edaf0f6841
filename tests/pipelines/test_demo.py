"""The demo's steps in their order, on a small data set in place of the built-in one."""

import pytest

import rugged.pipelines.demo as demo
from rugged.data import open_dataset
from rugged.results import RunFolder
from rugged.train import load_recipe

SMALL = ["epochs=1", "batch_size=8", "development_per_class=6", "precision=fp32", "optimizer.lr=1e-9"]


@pytest.fixture
def small(picture_folder, monkeypatch):
    asked = []

    def open_small(name):
        asked.append(name)
        return open_dataset(picture_folder)

    monkeypatch.setattr(demo, "open_dataset", open_small)
    monkeypatch.setattr(demo, "load_recipe", lambda name: load_recipe(name, SMALL))
    return asked


def test_the_demo_goes_from_data_to_a_page_and_again_does_nothing_anew(small, tmp_path):
    result = demo.run_demo(tmp_path / "demo", device="cpu", command="rugged demo")
    assert small == ["builtin"]
    assert result.model.mce is not None
    assert result.model.mce.baseline.sha256 == result.baseline.model.sha256
    assert result.baseline.model.architecture == "rugged/alexnet64_half"
    page = result.page.read_text(encoding="utf-8")
    assert result.model.model.name in page
    assert result.baseline.model.name in page

    runs = [RunFolder(tmp_path / "demo" / each.model.name) for each in (result.model, result.baseline)]
    kept = [path for run in runs for path in (run.model, *run.predictions.iterdir())]
    before = [path.stat().st_mtime_ns for path in kept]
    assert demo.run_demo(tmp_path / "demo", device="cpu").model.errors == result.model.errors
    assert [path.stat().st_mtime_ns for path in kept] == before
