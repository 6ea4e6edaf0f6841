"""A session's first step claims the folder for its run."""

import dataclasses
from types import SimpleNamespace

import pytest

from rugged.core.files import read_json
from rugged.engine import claiming, make_fabric
from rugged.engine.claiming import Claim, earlier_sessions
from rugged.engine.manifest import Manifest, TrainedOn
from rugged.results import RunFolder


@dataclasses.dataclass(frozen=True)
class Recipe:
    epochs: int = 1


def test_the_folder_is_claimed_once_a_session(tmp_path):
    fabric = make_fabric("cpu")
    run = RunFolder(tmp_path / "run")
    manifest = Manifest("training", "timm/test_resnet", TrainedOn("pictures", "0" * 64))
    claim = Claim(run, Recipe(), manifest, "rugged train")
    assert not run.path.exists()
    claim.make_once(fabric, 7)
    claim.make_once(fabric, 8)
    assert [session.first_step for session in claim.manifest.sessions] == [7]
    assert [session["first_step"] for session in read_json(run.manifest)["sessions"]] == [7]
    assert run.recipe.read_text() == "epochs = 1\n"


def test_of_several_processes_the_first_writes(tmp_path):
    run = RunFolder(tmp_path / "run")
    claim = Claim(run, Recipe(), Manifest("training", "timm/test_resnet", TrainedOn("pictures", "0" * 64)), "")
    claim.make_once(SimpleNamespace(is_global_zero=False), 0)
    assert not run.path.exists()


@pytest.mark.parametrize("written", [0, 1])
def test_a_claim_that_was_cut_off_leaves_the_folder_free(tmp_path, monkeypatch, written):
    """Wherever a kill falls among its files: nothing has been learned yet."""
    run, left = RunFolder(tmp_path / "run"), [None] * written
    for name, write in (("write_text", claiming.write_text), ("write_manifest", claiming.write_manifest)):
        monkeypatch.setattr(claiming, name, lambda *what, write=write: (left.pop(), write(*what)))
    claim = Claim(run, Recipe(), Manifest("training", "timm/test_resnet", TrainedOn("pictures", "0" * 64)), "")
    with pytest.raises(IndexError):
        claim.make_once(make_fabric("cpu"), 0)
    assert run.path.exists() == bool(written)
    assert earlier_sessions(run, run.model, Recipe(), "0" * 64) is None
