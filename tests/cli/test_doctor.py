"""`rugged doctor`: on this machine, and on machines that lack something."""

import importlib
import json
import platform
import re
import shutil
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner

from rugged.cli.doctor import doctor
from rugged.data import open_dataset
from rugged.data.dataset import ClassInfo
from rugged.data.packed import Origin, finish
from rugged.pipelines import doctor as gathering


@pytest.fixture(scope="module")
def command() -> typer.Typer:
    application = typer.Typer()
    application.command()(doctor)
    return application


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("RUGGED_CACHE", str(folder))
    return folder


def findings(command: typer.Typer, expected_status: int) -> dict[tuple[str, str], dict[str, str]]:
    result = CliRunner().invoke(command, ["--json"])
    assert result.exit_code == expected_status, result.output
    told = json.loads(result.stdout)
    assert told["ready"] is (expected_status == 0)
    return {(finding["section"], finding["name"]): finding for finding in told["findings"]}


def test_this_machine_is_ready(command, cache):
    found = findings(command, 0)
    assert found["Versions", "python"]["found"].startswith(platform.python_version())
    for name in ("torch", "torchvision", "timm", "lightning-fabric", "typer", "tomli-w"):
        assert found["Versions", name]["found"] == metadata.version(name)
    assert found["Cache", "folder"]["found"] == f"{cache} (made on first use)"
    assert not cache.exists(), "the doctor only looks"
    devices = {name for section, name in found if section == "Devices" and name.startswith("cuda")}
    assert devices == {f"cuda:{index}" for index in range(torch.cuda.device_count())}


def test_the_gpu_of_a_mac_is_named_and_not_used(command, cache, monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    found = findings(command, 0)["Devices", "gpu"]
    assert found["status"] == "ok"
    assert "Apple's, which is not used" in found["found"]


def test_everything_not_ok_says_what_to_do(command, cache):
    for finding in findings(command, 0).values():
        assert (finding["status"] == "ok") == (finding["advice"] == "")


def test_table_shows_each_finding_and_the_verdict(command, cache):
    result = CliRunner().invoke(command, [])
    assert result.exit_code == 0
    for (section, name), finding in findings(command, 0).items():
        assert section in result.stdout.splitlines()
        assert re.search(rf"{finding['status']} +{re.escape(name)} +{re.escape(finding['found'])}\n", result.stdout)
        assert finding["advice"] in result.stdout
    assert "Ready" in result.stdout.splitlines()[-1]


def test_cache_that_cannot_be_written_is_a_problem(command, tmp_path, monkeypatch):
    blocker = tmp_path / "file"
    blocker.write_text("not a folder")
    monkeypatch.setenv("RUGGED_CACHE", str(blocker / "cache"))
    finding = findings(command, 1)["Cache", "folder"]
    assert finding["status"] == "problem"
    assert str(blocker) in finding["found"]
    assert "RUGGED_CACHE" in finding["advice"]


@pytest.mark.parametrize(("free", "status"), [(2**34, "ok"), (2**30, "missing"), (2**28, "problem")])
def test_free_space(command, cache, monkeypatch, free, status):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(2**40, 2**40 - free, free))
    found = findings(command, 1 if status == "problem" else 0)
    assert found["Cache", "free space"]["status"] == status


def test_cache_contents_are_listed_with_their_sizes(command, cache):
    (cache / "downloads").mkdir(parents=True)
    (cache / "downloads" / "archive.zip").write_bytes(bytes(3 * 2**20))
    assert findings(command, 0)["Cache", "downloads"]["found"] == "3.0 MiB"


def test_a_file_may_go_while_it_is_counted(command, cache, monkeypatch):
    """Before it is first looked at, or after: packing moves its files when they are whole."""
    (cache / "downloads").mkdir(parents=True)
    for name in ("kept", "before.partial", "after.partial"):
        (cache / "downloads" / name).write_bytes(bytes(2**20))
    look = Path.stat

    def stat(path, **options):
        if path.name == "before.partial":
            path.unlink(missing_ok=True)
        found = look(path, **options)
        if path.name == "after.partial":
            path.unlink()
        return found

    monkeypatch.setattr(Path, "stat", stat)
    assert findings(command, 0)["Cache", "downloads"]["found"] in ("1.0 MiB", "2.0 MiB")


def write_pack(folder: Path, name: str) -> None:
    folder.mkdir(parents=True)
    counts = {"train": 3, "val": 2}
    for split, count in counts.items():
        np.save(folder / f"{split}-images.npy", np.zeros((count, 8, 8, 3), np.uint8))
    finish(
        folder,
        name,
        classes=(ClassInfo("cat", "cat"), ClassInfo("dog", "dog")),
        labels={split: np.zeros(count, np.int64) for split, count in counts.items()},
        ids={split: [f"cat/{index}" for index in range(count)] for split, count in counts.items()},
        origin=Origin("pets", "0", automatic=True),
        notes=[],
    )


def test_prepared_data_sets_are_listed(command, cache):
    assert findings(command, 0)["Data sets", "prepared"]["found"] == "none yet"
    write_pack(cache / "packs" / "pets", "pets")
    found = findings(command, 0)
    assert "3 training and 2 validation pictures of 8×8, 2 classes" in found["Data sets", "pets"]["found"]
    assert ("Data sets", "prepared") not in found


def test_damaged_pack_is_named(command, cache):
    write_pack(cache / "packs" / "pets", "pets")
    (cache / "packs" / "pets" / "val-images.npy").write_bytes(b"")
    finding = findings(command, 0)["Data sets", "pets"]
    assert finding["status"] == "missing"
    assert f"The pack {cache / 'packs' / 'pets'} is damaged" in finding["found"]


def test_a_damaged_pack_is_made_again_on_next_use_only_while_its_source_is_there(command, cache, picture_folder):
    folder = open_dataset(picture_folder).folder
    (folder / "val-images.npy").write_bytes(b"")
    told = "Data sets", folder.name
    assert findings(command, 0)[told]["advice"] == "it is made again on next use"
    shutil.rmtree(picture_folder)
    advice = findings(command, 0)[told]["advice"]
    assert advice == f"make it again: rugged data pack {picture_folder}"
    assert folder.is_dir()


def test_library_that_does_not_load_is_a_problem(command, cache, monkeypatch):
    genuine = importlib.import_module

    def broken(name, package=None):
        if name == "torchvision":
            raise OSError("libcudart.so.13: cannot open shared object file")
        return genuine(name, package)

    monkeypatch.setattr(importlib, "import_module", broken)
    finding = findings(command, 1)["Devices", "torchvision"]
    assert "libcudart.so.13" in finding["found"]
    assert "pip install" in finding["advice"]


def test_required_package_that_is_absent_is_a_problem(command, cache, monkeypatch):
    monkeypatch.setattr(metadata, "requires", lambda name: ["no-such-package>=2,<3", "typer>=0.20"])
    finding = findings(command, 1)["Versions", "no-such-package"]
    assert (finding["found"], finding["status"]) == ("not installed", "problem")


def test_extra_that_is_absent_costs_only_a_feature(command, cache, monkeypatch):
    lines = ["typer>=0.20", 'no-such-package>=2; extra == "play"', 'typer>=0.20; extra == "docs"']
    monkeypatch.setattr(metadata, "requires", lambda name: lines)
    found = findings(command, 0)
    assert found["Optional tools", "play"]["status"] == "missing"
    assert "no-such-package" in found["Optional tools", "play"]["found"]
    assert "pip install '.[play]'" in found["Optional tools", "play"]["advice"]
    assert found["Optional tools", "docs"]["status"] == "ok"


def test_textures_that_are_still_to_be_fetched(command, cache, monkeypatch):
    monkeypatch.delenv("RUGGED_TEXTURES", raising=False)
    found = findings(command, 0)
    assert str(cache / "textures") in found["Frost textures", "photographs"]["found"]
    assert "not comparable with published numbers" in found["Frost textures", "in use"]["found"]
    assert "fetched" in found["Frost textures", "in use"]["advice"]
    assert not cache.exists(), "the doctor only looks"


def test_one_advice_for_several_findings_is_printed_once(command, cache, monkeypatch):
    monkeypatch.delenv("RUGGED_TEXTURES", raising=False)
    printed = CliRunner().invoke(command).stdout
    assert printed.count("fetched when a command first needs them") == 1
    assert printed.index("-> they are fetched") > printed.index("in use")


def test_textures_that_are_not_there(command, cache, tmp_path, monkeypatch):
    monkeypatch.setenv("RUGGED_TEXTURES", str(tmp_path / "nowhere"))
    found = findings(command, 0)
    for name in ("photographs", "in use"):
        finding = found["Frost textures", name]
        assert finding["status"] == "missing"
        assert str(tmp_path / "nowhere") in finding["found"]
        assert "RUGGED_TEXTURES" in finding["advice"]
    assert "frost stops" in found["Frost textures", "in use"]["found"]


def test_ice_that_was_asked_for_is_no_lack(command, cache, monkeypatch):
    monkeypatch.setenv("RUGGED_TEXTURES", "procedural")
    found = findings(command, 0)
    assert found["Frost textures", "in use"]["status"] == "ok"
    assert "not comparable with published numbers" in found["Frost textures", "in use"]["found"]
    assert ("Frost textures", "photographs") not in found


@pytest.mark.parametrize("place", ["environment", "cache"])
def test_published_textures_are_recognised(place, command, cache, shared, monkeypatch):
    if place == "environment":
        monkeypatch.setenv("RUGGED_TEXTURES", str(shared / "data" / "frost"))
    else:
        shutil.copytree(shared / "data" / "frost", cache / "textures")
    found = findings(command, 0)
    assert found["Frost textures", "photographs"]["status"] == "ok"
    assert ("Frost textures", "in use") not in found


def test_missing_and_altered_textures_are_named(command, cache, shared, tmp_path, monkeypatch):
    folder = tmp_path / "frost"
    folder.mkdir()
    for path in (shared / "data" / "frost").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "frost2.png").unlink()
    with (folder / "frost5.jpg").open("ab") as file:
        file.write(b"\0")
    monkeypatch.setenv("RUGGED_TEXTURES", str(folder))
    found = findings(command, 0)
    assert "not there" in found["Frost textures", "frost2.png"]["found"]
    assert "sha256" in found["Frost textures", "frost5.jpg"]["found"]
    assert ("Frost textures", "photographs") not in found


def test_textures_cannot_be_looked_at_without_the_packages(command, cache, monkeypatch):
    monkeypatch.setitem(sys.modules, "rugged.corruptions.textures", None)
    finding = findings(command, 0)["Frost textures", "photographs"]
    assert finding["status"] == "missing"
    assert "cannot be looked at" in finding["found"]


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (2**30, "1.0 GiB"), (2**41, "2.0 TiB")],
)
def test_bytes_are_readable(count, text):
    assert gathering.readable_bytes(count) == text
