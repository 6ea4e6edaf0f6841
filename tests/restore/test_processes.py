"""Several processes train a restorer as one does."""

import pytest
import torch
from tests.forked import torchrun

from rugged.data import open_dataset
from rugged.models import load_restorer
from rugged.restore import load_recipe, train
from rugged.results import RunFolder

# Brightness draws nothing, so it does not matter which process a picture comes to. Of nine, one gets five and one four.
SETTINGS = [
    "epochs=2", "epoch_pictures=none", "batch_size=9", "development_per_class=6", "precision=fp32", "generator.width=4",
    "generator.blocks=[1]", "generator.blocks_up=[]", "adversary.loss=none", "pairs.corruptions=['brightness']",
    "pairs.severities=[3]", "pairs.clean=0", "pairs.flip=false", "optimizer.name=sgd", "optimizer.lr=0.05", "average=0",
]  # fmt: skip


@pytest.mark.slow
def test_two_processes_come_to_what_one_comes_to(picture_folder, tmp_path):
    (tmp_path / "script.py").write_text("from rugged.cli import main\nmain()\n")
    command = ["script.py", "restore", "train", "deblur64", "--data", str(picture_folder), "--device", "cpu"]
    command += ["--out", str(tmp_path / "two"), *(part for value in SETTINGS for part in ("--set", value))]
    alone = train(load_recipe("deblur64", SETTINGS), open_dataset(picture_folder), tmp_path / "one", device="cpu")
    processes = torchrun(command, tmp_path)
    told = processes.communicate(timeout=500)
    assert processes.returncode == 0, told
    one, two = (load_restorer(run.restorer)[0].state_dict() for run in (alone, RunFolder(tmp_path / "two")))
    assert any(tensor.any() for name, tensor in one.items() if name.startswith("head.2"))
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, atol=1e-5, rtol=1e-3)
