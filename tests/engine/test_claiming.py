"""A session's first step claims the folder for its run."""

import dataclasses
from types import SimpleNamespace

from rugged.core.files import read_json
from rugged.engine import make_fabric
from rugged.engine.claiming import Claim
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
