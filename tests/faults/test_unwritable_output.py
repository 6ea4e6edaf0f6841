"""Every command that writes, told to write where nothing can be written: one message, and nothing is lost."""

import pytest
from tests.faults.small import prepare, refused

from rugged.benchmark import benchmark
from rugged.data import open_dataset

# OUT stands for the place.
COMMANDS = {
    "data pack": "data pack pictures --out OUT",
    "data info --contact-sheet": "data info pictures --contact-sheet OUT.png",
    "data info --classes-csv": "data info pictures --classes-csv OUT.csv",
    "train": "train plain64 --data pictures --out OUT --set model.architecture=timm/test_resnet --set epochs=1 "
    "--set batch_size=4 --set development_per_class=1",
    "benchmark": "benchmark good.safetensors --data pictures --out OUT --corruptions contrast --severities 1",
    "compare": "compare measured other --out OUT.html",
    "analyze": "analyze measured --out OUT",
    "report": "report measured --out OUT.html",
    "report --format md": "report measured --format md --out OUT.md",
    "report --format csv": "report measured --format csv --out OUT",
    "explain": "explain good.safetensors --data pictures --limit 2 --out OUT",
    "predict": "predict good.safetensors pictures --out OUT.csv",
    "export": "export good.safetensors OUT.onnx",
    "card": "card measured --out OUT.md",
    "corrupt": "corrupt pictures OUT --corruptions contrast --severities 1",
    "corrupt --own-size": "corrupt pictures OUT --own-size --corruptions contrast --severities 1",
    "corrupt --preview": "corrupt pictures/val/cat/0.png OUT.png --preview --textures procedural",
    "perturb": "perturb pictures OUT --sequences brightness",
    "restore train": "restore train deblur64 --data pictures --out OUT --set epochs=1 --set batch_size=4 "
    "--set development_per_class=1 --set generator.width=4 --set generator.blocks=[1] --set generator.blocks_up=[] "
    "--set adversary.loss=none",
    "restore apply": "restore apply restorer.safetensors pictures OUT",
    "restore benchmark": "restore benchmark restorer.safetensors --data pictures --corruptions contrast --out OUT",
}

PLACES = {
    "below a file": "good.safetensors/out",
    "where the system lets nobody write": "/proc/nothing/out",
    "a name that is too long": "n" * 300,
}


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outputs")
    prepare(folder)
    for name in ("measured", "other"):
        (folder / name).mkdir()
        (folder / name / "model.safetensors").write_bytes((folder / "good.safetensors").read_bytes())
        benchmark(folder / name, open_dataset(folder / "pictures"), corruptions=["contrast"], severities=[1])
    return folder


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_place_that_cannot_be_written_is_one_message(command, place, work, monkeypatch, capfd):
    arguments = [word.replace("OUT", PLACES[place]) for word in COMMANDS[command].split()]
    refused(arguments, work, monkeypatch, capfd)
