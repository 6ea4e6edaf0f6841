"""The baseline that comes with rugged: its errors are those of the weights beside it."""

import io
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from rugged.core.catalogue import ALL
from rugged.core.files import sha256_file
from rugged.models import load_model, preprocess
from rugged.results.baselines import default_baseline, read_baseline, shipped_baselines

WEIGHTS = Path(__file__).parents[1] / "results" / "alexnet64" / "model.safetensors"
NAMES = ("tiny-imagenet-alexnet64", "tiny-imagenet-alexnet64-procedural")


@pytest.mark.parametrize("name", NAMES)
def test_the_errors_are_those_of_the_shipped_weights(name):
    baseline = read_baseline(shipped_baselines()[name])
    assert baseline.sha256 == sha256_file(WEIGHTS)
    assert baseline.clean_error < 0.65
    assert list(baseline.errors) == list(ALL)
    assert baseline.conditions.images == 10_000
    assert default_baseline(baseline.conditions).name == name  # Taken unasked by whoever measures the same.


def test_only_frost_depends_on_the_textures():
    photographs, drawn = (read_baseline(shipped_baselines()[name]) for name in NAMES)
    assert (photographs.conditions.textures, drawn.conditions.textures) == ("photographs", "procedural")
    assert [name for name in ALL if photographs.errors[name] != drawn.errors[name]] == ["frost"]


def test_the_clean_error_can_be_measured_again(shared):
    """On the 1,000 pictures of the kept measurement, in fp32 as that was: of each class the first five by name."""
    file = shared / "data" / "tiny-imagenet" / "valid-00000.parquet"
    if not file.is_file():
        pytest.skip(f"no {file}")
    rows = sorted(pq.read_table(file).to_pylist(), key=lambda row: (row["label"], row["image"]["path"]))
    chosen = [row for place, row in enumerate(rows) if place % 50 < 5]
    assert [row["label"] for row in chosen] == [label for label in range(200) for _ in range(5)]
    pictures = [np.array(Image.open(io.BytesIO(row["image"]["bytes"])).convert("RGB")) for row in chosen]
    model, spec = load_model(WEIGHTS)
    model.eval()
    with torch.inference_mode():
        parts = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).split(250)
        answers = torch.cat([model(preprocess(part, spec)).argmax(1) for part in parts])
    wrong = (answers != torch.tensor([row["label"] for row in chosen])).float().mean().item()
    # Of another processor's sums one picture may lie on the other side of a border.
    assert wrong == pytest.approx(read_baseline(WEIGHTS.parent / "baseline-1000.json").clean_error, abs=0.0015)
