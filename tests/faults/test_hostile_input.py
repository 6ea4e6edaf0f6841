"""Every command, given paths that it cannot use: one message, a status that is not zero, and nothing written."""

import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tests.faults.small import SPEC, prepare, refused

from rugged.models import ModelSpec, build, save_model


def huge_png(path: Path) -> None:
    """A picture of 65,000 × 65,000 pixels in a few bytes: its header says so, and nothing follows."""
    header = struct.pack(">IIBBBBB", 65_000, 65_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)))


def escaping_zip(path: Path) -> None:
    """An archive whose members want to be written outside."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../evil/1.png", b"x")
        archive.writestr("/evil/2.png", b"x")


def zip_with_link(path: Path) -> None:
    member = zipfile.ZipInfo("pictures/cat/1.png")
    member.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, "/etc/passwd")


def zip_bomb(path: Path) -> None:
    """An archive of a hundred bytes that says that it holds two gigabytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pictures/cat/1.png", b"0" * 1000)
    data = bytearray(path.read_bytes())
    size = data.index(b"PK\x01\x02") + 24  # Where the list of members has it.
    data[size : size + 4] = struct.pack("<I", 2**31)
    path.write_bytes(data)


def cut_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("pictures/cat/1.png", b"0" * 1000)
    path.write_bytes(path.read_bytes()[:-30])


def endless(path: Path) -> None:
    """Eight gigabytes that take no room on the disk."""
    with path.open("wb") as stream:
        stream.truncate(8 * 2**30)


def cut_model(path: Path) -> None:
    save_model(path, build(SPEC.architecture, 2), SPEC)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def infected_pickle(path: Path) -> None:
    """What would make a file, were it unpickled without care."""

    class Infected:
        def __reduce__(self):
            return (Path.touch, (path.parent / "infected",))

    torch.save({"weight": Infected()}, path)


def model_with_nan(path: Path) -> None:
    network = build(SPEC.architecture, 2)
    next(network.parameters()).data[:] = float("nan")
    save_model(path, network, SPEC)


def model_of_other_classes(path: Path) -> None:
    save_model(path, build(SPEC.architecture, 3), ModelSpec(SPEC.architecture, ("a", "b", "c"), ("a", "b", "c"), 32))


def model_of_another_network(path: Path) -> None:
    """A file that says one architecture and holds another's weights."""
    save_model(path, build("timm/test_vit", 2), SPEC)


def half_a_run(path: Path) -> None:
    """A run folder as a kill left it: begun, and nothing finished."""
    path.mkdir()
    (path / "recipe.toml").write_text("epochs = 1")
    (path / "manifest.json").write_text('{"status": "trai')
    (path / "benchmark" / "predictions").mkdir(parents=True)
    (path / "benchmark" / "predictions" / "fog-1.parquet").write_bytes(b"PAR1")
    (path / "benchmark" / "summary.json").write_text("{")


INPUTS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "missing": ("nothing-here", lambda path: None),
    "an empty file": ("empty", lambda path: path.touch()),
    "an empty folder": ("folder", lambda path: path.mkdir()),
    "a folder of empty files": ("files", lambda path: (path.mkdir(), (path / "a.png").touch(), (path / "b").mkdir())),
    "rubbish": ("rubbish.bin", lambda path: path.write_bytes(bytes(range(256)) * 40)),
    "a loop of links": ("loop", lambda path: path.symlink_to(path)),
    "a link to nothing": ("link", lambda path: path.symlink_to(path.parent / "gone")),
    "a picture too large to open": ("huge.png", huge_png),
    "a picture cut short": ("cut.png", lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 9)),
    "an archive cut short": ("cut.zip", cut_zip),
    "an archive that unpacks to too much": ("bomb.zip", zip_bomb),
    "a text without an end": ("endless.toml", endless),
    "a table without an end": ("endless.csv", endless),
    "what the disk cannot read": ("unreadable.toml", lambda path: path.symlink_to("/proc/self/mem")),
    "an archive that escapes": ("escape.zip", escaping_zip),
    "an archive with a link": ("linked.zip", zip_with_link),
    "a pickle that runs code": ("infected.pth", infected_pickle),
    "safetensors of others": ("theirs.safetensors", lambda path: save_file({"w": torch.zeros(2)}, path)),
    "weights that are not finite": ("nan.safetensors", model_with_nan),
    "a model cut short": ("cut.safetensors", cut_model),
    "a model of other classes": ("classes.safetensors", model_of_other_classes),
    "a model with other weights": ("network.safetensors", model_of_another_network),
    "a run half-written": ("half", half_a_run),
    "a name that is too long": ("n" * 300, lambda path: None),
    "a name with a line break": ("two\nlines", lambda path: None),
    "a name in another script": ("картинки-図", lambda path: None),
}

# INPUT stands for the path.
COMMANDS = {
    "data info": "data info INPUT",
    "data pack": "data pack INPUT --out out",
    "data prepare": "data prepare tiny-imagenet --from INPUT",
    "train (recipe)": "train INPUT --data pictures --out out",
    "train (data)": "train plain64 --data INPUT --out out",
    "train (weights)": "train plain64 --data pictures --out out --set model.architecture=timm/test_resnet "
    "--set development_per_class=1 --set model.weights=INPUT",
    "benchmark (model)": "benchmark INPUT --data pictures --out out --corruptions contrast",
    "benchmark (data)": "benchmark good.safetensors --data INPUT --out out --corruptions contrast",
    "benchmark (official)": "benchmark good.safetensors --data pictures --out out --official INPUT",
    "benchmark (baseline)": "benchmark good.safetensors --data pictures --out out --corruptions fog --baseline INPUT",
    "analyze": "analyze INPUT",
    "compare": "compare INPUT INPUT",
    "report": "report INPUT --out out.html",
    "explain": "explain INPUT --data pictures --out out",
    "predict (model)": "predict INPUT pictures --out out.csv",
    "predict (pictures)": "predict good.safetensors INPUT --format jsonl",
    "export": "export INPUT out.onnx",
    "card": "card INPUT",
    "push": "push INPUT me/mine",
    "study": "study INPUT --data pictures --out out",
    "corrupt": "corrupt INPUT out --corruptions contrast",
    "corrupt --own-size": "corrupt INPUT out --own-size --corruptions contrast",
    "corrupt --preview": "corrupt INPUT out.png --preview",
    "perturb": "perturb INPUT out --sequences brightness",
    "restore train (recipe)": "restore train INPUT --data pictures --out out",
    "restore train (data)": "restore train deblur64 --data INPUT --out out",
    "restore train (pairs)": "restore train deblur64 --pairs INPUT --out out",
    "restore train (content)": "restore train deblur64 --data pictures --out out --set development_per_class=1 "
    "--set content.model=INPUT",
    "restore benchmark (restorer)": "restore benchmark INPUT --data pictures --out out --corruptions contrast",
    "restore benchmark (data)": "restore benchmark restorer.safetensors --data INPUT --out out --corruptions contrast",
    "predict (restorer)": "predict good.safetensors pictures --restore INPUT --out out.csv",
    "benchmark (restorer)": "benchmark good.safetensors --data pictures --out out --corruptions fog --restore INPUT",
    "benchmark (sequences)": "benchmark good.safetensors --data pictures --out out --sequence-files INPUT",
    "explain (data)": "explain good.safetensors --data INPUT --out out",
    "export (data)": "export good.safetensors out.onnx --data INPUT",
    "study (data)": "study robust64 --data INPUT --out out",
    "corrupt (textures)": "corrupt pictures out --corruptions frost --textures INPUT",
    "playground (model)": "playground INPUT --data pictures",
    "playground (data)": "playground good.safetensors --data INPUT",
    "playground (restorer)": "playground good.safetensors --data pictures --restore INPUT",
    "recipes": "recipes INPUT",
    "restore apply (restorer)": "restore apply INPUT pictures out",
    "restore apply (pictures)": "restore apply restorer.safetensors INPUT out",
}

# What is no fault: a model of other classes is one that a report or a listing does not ask about, and so on.
USABLE = {
    ("train (weights)", "a model of other classes"),  # Its head is replaced.
    ("predict (model)", "a model of other classes"),
    ("predict (model)", "a picture too large to open"),  # Before pictures the model may be left out: a row says why.
    ("predict (model)", "a picture cut short"),
    ("export", "a model of other classes"),
    ("playground (model)", "a model of other classes"),
    ("restore train (content)", "a model of other classes"),  # It only looks on.
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """All the paths, a data set of two classes and a good model, in one folder."""
    folder = tmp_path_factory.mktemp("hostile")
    prepare(folder)
    for name, make in INPUTS.values():
        make(folder / name)
    return folder


@pytest.mark.parametrize("given", INPUTS)
@pytest.mark.parametrize("command", COMMANDS)
def test_what_cannot_be_used_is_one_message(command, given, inputs, monkeypatch, capfd):
    if (command, given) in USABLE:
        pytest.skip("can be used")
    if given == "what the disk cannot read" and sys.platform != "linux":
        pytest.skip("Linux has such a file")
    arguments = [word.replace("INPUT", INPUTS[given][0]) for word in COMMANDS[command].split()]
    refused(arguments, inputs, monkeypatch, capfd)
    assert not (inputs / "infected").exists()
