"""``rugged corrupt`` as a person meets it: killed, stopped, shared out, and asked for what makes no sense."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from rugged.cli import main
from rugged.core.files import read_json
from rugged.data import ClassInfo, open_dataset
from rugged.data.packed import Origin
from rugged.data.packing import pack_arrays

CELLS = ("--corruptions", "gaussian_noise,contrast")


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    """Four hundred validation pictures in forty classes: enough to be interrupted."""
    rng = np.random.default_rng(0)
    classes = tuple(ClassInfo(f"c{number:02}", f"c{number:02}") for number in range(40))

    def split(name, each):
        labels = np.repeat(np.arange(40), each)
        ids = [f"{classes[label].id}/{name}{number:05}" for number, label in enumerate(labels)]
        return rng.integers(0, 256, (len(ids), 80, 80, 3), dtype=np.uint8), labels, ids

    folder = tmp_path_factory.mktemp("made") / "pack"
    origin = Origin("made by a test", "1", automatic=False)
    pack_arrays("made", classes, {"train": split("train", 1), "val": split("val", 10)}, folder, origin)
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch, capfd):
    """Run the command line in this process."""

    def run_here(*arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["rugged", *map(str, arguments)])
        monkeypatch.setattr("rugged.core.progress._console", None)
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        return ended.value.code or 0, out, err

    return run_here


@pytest.fixture(scope="module")
def whole(pack, tmp_path_factory):
    """The tree that nobody interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    process = start(folder, "corrupt", pack, "out", *CELLS)
    assert "Complete: 4,000 corrupted pictures." in process.communicate(timeout=120)[1]
    return tree(folder / "out")


def start(folder, *arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "rugged", *map(str, arguments)], cwd=folder, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **environment},
    )  # fmt: skip


def tree(folder):
    """Every file below a folder, hidden ones too, and empty folders."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if path.is_file() or not any(path.iterdir())
    }


def wait_until_under_way(process, out):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if sum(1 for _ in out.glob("[!.]*/*/*")) >= 40:
            return
        time.sleep(0.001)
    pytest.fail(f"it ended before it could be stopped: {process.communicate()}")


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow), signal.SIGINT]
)
def test_stopped_midway_and_run_again_it_ends_with_the_same_tree(pack, whole, here, tmp_path, number):
    process = start(tmp_path, "corrupt", pack, "out", *CELLS, "--workers", 2)
    wait_until_under_way(process, tmp_path / "out")
    if number == signal.SIGKILL:
        process.kill()
    else:
        os.killpg(process.pid, number)  # As a terminal does on Ctrl-C: to the workers too.
    _, err = process.communicate(timeout=60)  # Ends only when the workers, which hold the pipe too, have ended.
    assert process.returncode == {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}[number]
    assert "Traceback" not in err
    assert number == signal.SIGKILL or "Run the same command again" in err
    cut = tree(tmp_path / "out")
    assert read_json(tmp_path / "out" / "manifest.json")["complete"] is False
    kept = {path: data for path, data in cut.items() if path.endswith(".JPEG") and not path.startswith(".writing")}
    assert 0 < len(kept) < len(whole) - 1
    assert kept.items() <= whole.items()
    code, out, err = here("corrupt", pack, "out", *CELLS, "--workers", 1)
    assert (code, out) == (0, "out\n")
    assert "were done before" in err
    assert tree(tmp_path / "out") == whole


@pytest.mark.slow
def test_the_ranks_of_torchrun_share_the_work(pack, whole, tmp_path):
    ranks = [
        start(tmp_path, "corrupt", pack, "out", *CELLS, RANK=str(rank), WORLD_SIZE="2", LOCAL_WORLD_SIZE="2")
        for rank in (0, 1)
    ]
    messages = [rank.communicate(timeout=120)[1] for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0], messages
    assert any("Complete: 4,000 corrupted pictures." in message for message in messages)
    assert tree(tmp_path / "out") == whole


def test_one_per_image_is_a_data_set(pack, here, tmp_path):
    code, out, err = here("corrupt", pack, "mixed", "--one-per-image", "--corruptions", "contrast", "--workers", 1)
    assert (code, out) == (0, "mixed\n")
    assert "--data mixed" in err
    assert open_dataset(tmp_path / "mixed").corruptions == ("contrast",)


def test_what_is_trained_on_it_lists_the_corruptions(picture_folder, here, tmp_path):
    assert here("corrupt", "pictures", "mixed", "--one-per-image", "--corruptions", "contrast", "--workers", 1)[0] == 0
    small = ("--set", "epochs=1", "--set", "batch_size=8", "--set", "development_per_class=6")
    assert here("train", "demo_baseline", "--data", "mixed", "--out", "run", *small)[0] == 0
    assert here("benchmark", "run", "--data", "mixed", "--corruptions", "contrast", "--severities", "1")[0] == 0
    summary = read_json(tmp_path / "run" / "benchmark" / "summary.json")
    assert "contrast" in summary["model"]["training_operations"]
    assert "Every picture carries one of 1 corruptions" in " ".join(summary["notes"])


def test_preview_of_a_data_set_and_of_a_picture(pack, here, tmp_path):
    assert here("corrupt", pack, "sheet.png", "--preview", *CELLS, "--id", "c00/val00003")[:2] == (0, "sheet.png\n")
    rows, columns = 2, 6
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.format == "PNG"
        assert sheet.width > columns * 80
        assert sheet.height > rows * 80
    Image.new("RGB", (40, 30), "teal").save(tmp_path / "one.jpg")
    assert here("corrupt", "one.jpg", "one.png", "--preview", *CELLS, "--severities", "1")[0] == 0


def test_a_picture_in_its_own_size(here, tmp_path):
    Image.new("RGB", (40, 30), "teal").save(tmp_path / "one.jpg")
    for source in ("one.jpg", "."):  # Whoever does not know of it is told.
        code, _, err = here("corrupt", source, "out")
        assert (code, "--own-size" in err) == (1, True)
    code, out, err = here("corrupt", "one.jpg", "copies", "--own-size", *CELLS, "--severities", "3")
    assert (code, out) == (0, "copies\n")
    assert "Complete: 2 corrupted pictures." in err
    with Image.open(tmp_path / "copies" / "contrast" / "3" / "one.jpg") as copy:
        assert copy.size == (40, 30)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("corrupt", "nowhere", "out"), "nowhere"),
        (("corrupt", "PACK", "out", "--corruptions", "fogg"), "Did you mean fog?"),
        (("corrupt", "PACK", "out", "--corruptions", ""), "No corruption was named"),
        (("corrupt", "PACK", "out", "--severities", "0"), "expected some of 1 to 5"),
        (("corrupt", "PACK", "out", "--severities", "one"), "list of whole numbers"),
        (("corrupt", "PACK", "out", "--preset", "huge"), "no preset 'huge'"),
        (("corrupt", "PACK", "out", "--shard", "3/2"), "expected i/n"),
        (("corrupt", "PACK", "out", "--size", "48"), "packed at 80 x 80"),
        (("corrupt", "PACK", "PACK/out"), "read as part of the data"),
        (("corrupt", "PACK", "out", "--textures", "nowhere", "--corruptions", "frost"), "nowhere"),
        (("corrupt", "PACK", "out", "--id", "c00/val00003"), "--id means nothing without --preview"),
        (
            ("corrupt", "PACK", "out", "--one-per-image", "--format", "png"),
            "--format means nothing with --one-per-image",
        ),
        (("corrupt", "PACK", "o.png", "--preview", "--shard", "1/2"), "--shard means nothing with --preview"),
        (("corrupt", "PACK", "o.png", "--preview", "--one-per-image"), "--one-per-image means nothing with --preview"),
        (("corrupt", "PACK", "o.png", "--preview", "--id", "x"), "no picture 'x'"),
        (("corrupt", "PACK", "out", "--preview"), "writes a PNG file"),
        (("corrupt", "PACK", "o.png", "--preview", "--own-size"), "--own-size means nothing with --preview"),
        (("corrupt", "PACK", "out", "--own-size", "--split", "val"), "--split means nothing with --own-size"),
        (("corrupt", "PACK", "out", "--own-size", "--format", "npy"), "Choose jpeg or png"),
        (("corrupt", "PACK", "out", "--own-size"), "holds no pictures"),
        (("corrupt", "PACK", "out", "--bad-images", "skip"), "--bad-images means nothing without --own-size"),
    ],
)
def test_what_cannot_be_done_is_one_message_and_status_one(pack, here, tmp_path, arguments, message):
    code, _, err = here(*(argument.replace("PACK", str(pack)) for argument in arguments))
    assert code == 1
    assert message in err.replace("\n", " ")
    assert not (tmp_path / "out").exists()


def test_a_sheet_does_not_replace_a_picture_or_join_the_data(here, tmp_path):
    folder = tmp_path / "data" / "cat"
    for place in (folder, tmp_path / "data" / "dog"):
        place.mkdir(parents=True)
        for number in range(4):
            Image.new("RGB", (16, 16), (number, 90, 20)).save(place / f"{number}.png")
    before = (folder / "0.png").read_bytes()
    for source, out in (("data/cat/0.png", "data/cat/0.png"), ("data", "data/cat/sheet.png")):
        status, _, err = here("corrupt", source, out, "--preview", "--corruptions", "contrast")
        assert status == 1
        assert "would be read as part of the data" in err
    assert (folder / "0.png").read_bytes() == before
    assert len(list(folder.iterdir())) == 4
    for option, value in (("--id", "x"), ("--split", "train")):
        status, _, err = here("corrupt", "data/cat/0.png", "sheet.png", "--preview", option, value)
        assert (status, f"{option} means nothing with a picture file" in err) == (1, True)


def test_the_page_of_one_parquet_file_is_refused_as_its_copies_are(here, tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"PAR1")
    for arguments in (("out",), ("sheet.png", "--preview")):
        status, _, err = here("corrupt", "x.parquet", *arguments)
        assert (status, "Name the folder that holds all of them" in err.replace("\n", " ")) == (1, True)


@pytest.mark.parametrize(("rank", "world"), [("x", "3"), ("3", "3"), ("1", "two")])
def test_ranks_that_make_no_sense_are_named(here, pack, monkeypatch, rank, world):
    monkeypatch.setenv("RANK", rank)
    monkeypatch.setenv("WORLD_SIZE", world)
    status, _, err = here("corrupt", pack, "out", *CELLS)
    assert status == 1
    assert f"RANK={rank} and WORLD_SIZE={world}" in err
