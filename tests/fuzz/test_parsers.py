"""Every reader of files, given damaged ones: it reads, or it refuses with an error of ours. Nothing else comes out.

``RUGGED_FUZZ_EXAMPLES`` says how many damaged files a reader is given (25 otherwise), so that the same tests can run
for hours. What was found and mended lies in ``found/<reader>/`` and is tried every time.
"""

import io
import json
import os
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.fuzz.damage import damaged

from rugged.core.errors import RuggedError
from rugged.data.decode import BadImageError, decode_image

EXAMPLES = int(os.environ.get("RUGGED_FUZZ_EXAMPLES", "25"))
FOUND = Path(__file__).parent / "found"


@dataclass(frozen=True)
class Reader:
    """What reads a kind of file.

    Attributes:
        valid: The bytes of a file that it reads.
        read: Reads the file at a path, which lies alone in its folder.
        name: Of the file.
    """

    valid: Callable[[], bytes]
    read: Callable[[Path], object]
    name: str


def png(mode: str = "RGB", side: int = 8) -> bytes:
    stream = io.BytesIO()
    levels = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    Image.fromarray(levels).convert(mode).save(stream, "PNG")
    return stream.getvalue()


def picture(kind: str) -> Callable[[], bytes]:
    def make() -> bytes:
        stream = io.BytesIO()
        Image.open(io.BytesIO(png())).save(stream, kind)
        return stream.getvalue()

    return make


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for split in ("train", "val"):
            for name in ("cat", "dog"):
                archive.writestr(f"pictures/{split}/{name}/1.png", png())
    return stream.getvalue()


def tarred() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in ("cat", "dog"):
            member = tarfile.TarInfo(f"fog/1/{name}/1.png")
            member.size = len(png())
            archive.addfile(member, io.BytesIO(png()))
    return stream.getvalue()


def arrays() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, array in {"fog": np.zeros((10, 8, 8, 3), np.uint8), "labels": np.arange(10) % 2}.items():
            written = io.BytesIO()
            np.save(written, array)
            member = tarfile.TarInfo(f"CIFAR-10-C/{name}.npy")
            member.size = len(written.getvalue())
            archive.addfile(member, io.BytesIO(written.getvalue()))
    return stream.getvalue()


def parquet() -> bytes:
    stream = io.BytesIO()
    images = [{"bytes": png(), "path": f"{row}.png"} for row in range(4)]
    features = {"label": {"names": ["cat", "dog"]}}
    names = json.dumps({"info": {"features": features}})
    table = pa.table({"image": images, "label": [0, 1, 0, 1]}).replace_schema_metadata({"huggingface": names})
    pq.write_table(table, stream)
    return stream.getvalue()


def annotations() -> bytes:
    return "".join(f"val_{row}.JPEG\tn0000000{row % 2}\t0\t0\t{row}\t7\n" for row in range(4)).encode()


def read_annotations(path: Path) -> None:
    """The file among the rest of a small Tiny ImageNet."""
    from rugged.data.sources import read_source

    root = path.parent / "tiny"
    for wnid in ("n00000000", "n00000001"):
        images = root / "train" / wnid / "images"
        images.mkdir(parents=True, exist_ok=True)
        (images / f"{wnid}_0.JPEG").write_bytes(picture("JPEG")())
    (root / "val" / "images").mkdir(parents=True, exist_ok=True)
    for row in range(4):
        (root / "val" / "images" / f"val_{row}.JPEG").write_bytes(picture("JPEG")())
    (root / "wnids.txt").write_text("n00000000\nn00000001\n")
    (root / "words.txt").write_text("n00000000\tcat\nn00000001\tdog\n")
    (root / "val" / "val_annotations.txt").write_bytes(path.read_bytes())
    load_all(read_source(root, 0.2))


def load_all(source) -> None:  # type: ignore[no-untyped-def]
    for found in (*source.train, *source.val):
        with suppress(BadImageError):
            decode_image(found.load())


def read_data(path: Path) -> None:
    from rugged.data.sources import read_source

    load_all(read_source(path if path.suffix == ".zip" else path.parent, 0.5))


def read_official(path: Path) -> None:
    from rugged.data.official.opening import open_archive

    cell = ("fog", 1)
    archive = open_archive(path, ("cat", "dog"), [cell])
    archive.require(cell)
    archive.fingerprint(cell)
    archive.read(cell, np.arange(len(archive.contents.ids)))


def read_pack_of(folder: Path) -> Callable[[Path], object]:
    """The description of a pack among its other files."""

    def read(path: Path) -> None:
        from rugged.data.opening import open_pack

        copy = path.parent / "pack"
        copy.mkdir(exist_ok=True)
        for file in folder.iterdir():
            if not (copy / file.name).exists():
                (copy / file.name).symlink_to(file)
        (copy / path.name).unlink()
        (copy / path.name).write_bytes(path.read_bytes())
        dataset = open_pack(copy)
        for split in (dataset.train, dataset.val):
            len(split), split.take(np.arange(min(2, len(split))))

    return read


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """A run folder with a model, its checkpoint and a benchmark."""
    from rugged.benchmark import benchmark
    from rugged.data import open_dataset
    from rugged.train import load_recipe, train

    folder = tmp_path_factory.mktemp("fuzz")
    generator = np.random.default_rng(0)
    for split, count in (("train", 8), ("val", 6)):
        for name in ("cat", "dog"):
            place = folder / "pictures" / split / name
            place.mkdir(parents=True)
            for number in range(count):
                Image.fromarray(generator.integers(0, 256, (32, 32, 3), np.uint8)).save(place / f"{number}.png")
    dataset = open_dataset(folder / "pictures")
    wishes = ["epochs=1", "batch_size=8", "development_per_class=2", "model.architecture=timm/test_resnet"]
    made = train(load_recipe("plain64", wishes), dataset, folder / "run")
    benchmark(made.path, dataset, corruptions=["fog"], severities=[3])
    return made, dataset


def summaries(path: Path) -> None:
    """A summary, and the page's parts that are made of it."""
    from rugged.report import accuracy_rows, headline_rows
    from rugged.results import read_summary

    summary = read_summary(path)
    accuracy_rows([summary])
    headline_rows([summary])


def readers_of_results(run) -> dict[str, Reader]:  # type: ignore[no-untyped-def]
    from rugged.engine.checkpoints import load_checkpoint
    from rugged.engine.manifest import read_manifest
    from rugged.models import load_model
    from rugged.report.reading import read_epochs
    from rugged.results import read_cell, read_classes, read_pictures, read_stamp
    from rugged.train import load_recipe

    made, dataset = run

    def cell(path: Path) -> None:
        read_stamp(path.parent, "fog", 3)
        read_cell(path.parent, "fog", 3)

    def pictures(path: Path) -> None:
        read_pictures(path.parent)

    return {
        "recipe": Reader(made.recipe.read_bytes, load_recipe, "recipe.toml"),
        "manifest": Reader(made.manifest.read_bytes, read_manifest, "manifest.json"),
        "metrics": Reader(made.metrics.read_bytes, read_epochs, "metrics.csv"),
        "model": Reader(made.model.read_bytes, load_model, "model.safetensors"),
        "checkpoint": Reader(made.checkpoint.read_bytes, lambda path: load_checkpoint(path, {}, {}), "c.safetensors"),
        "classes": Reader(made.classes.read_bytes, read_classes, "classes.json"),
        "summary": Reader(made.summary.read_bytes, summaries, "summary.json"),
        "predictions": Reader((made.predictions / "fog-3.parquet").read_bytes, cell, "fog-3.parquet"),
        "pictures": Reader((made.pictures / "index.json").read_bytes, pictures, "index.json"),
        "pack": Reader((dataset.folder / "dataset.json").read_bytes, read_pack_of(dataset.folder), "dataset.json"),
    }


def study(path: Path) -> None:
    from rugged.pipelines.study import load_study

    load_study(str(path))


def baseline(path: Path) -> None:
    from rugged.results.baselines import read_baseline

    read_baseline(path)


def listed(path: Path) -> None:
    from rugged.predict import find_pictures

    list(find_pictures([str(path)], io.BytesIO()))


def restorer_bytes() -> bytes:
    import tempfile

    from rugged.models import RestorerSpec, make_restorer, save_restorer

    spec = RestorerSpec(width=4, blocks=(1,), blocks_up=())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "r.safetensors"
        save_restorer(path, make_restorer(spec), spec)
        return path.read_bytes()


def restorer(path: Path) -> None:
    from rugged.models import load_restorer

    load_restorer(path)


def restore_recipe(path: Path) -> None:
    from rugged.restore import load_recipe

    load_recipe(path)


def groups(path: Path) -> None:
    from rugged.analyze import read_groups
    from rugged.results import Classes

    read_groups(path, Classes(("n1", "n2"), ("cat", "dog")))


def decoded(path: Path) -> None:
    decode_image(path.read_bytes())


def shipped(name: str) -> Callable[[], bytes]:
    import rugged

    return (Path(rugged.__file__).parent / name).read_bytes


READERS = {
    "png": Reader(png, decoded, "a.png"),
    "jpeg": Reader(picture("JPEG"), decoded, "a.jpg"),
    "gif": Reader(picture("GIF"), decoded, "a.gif"),
    "tiff": Reader(picture("TIFF"), decoded, "a.tiff"),
    "webp": Reader(picture("WEBP"), decoded, "a.webp"),
    "zip": Reader(zipped, read_data, "a.zip"),
    "parquet": Reader(parquet, read_data, "train-0.parquet"),
    "annotations": Reader(annotations, read_annotations, "val_annotations.txt"),
    "tar": Reader(tarred, read_official, "a.tar"),
    "arrays": Reader(arrays, read_official, "a.tar"),
    "list": Reader(lambda: b"id,path,height,width,channels\n1,a.png,8,8,3\n2,b.png,8,8,3\n", listed, "eval.csv"),
    "restorer": Reader(restorer_bytes, restorer, "restorer.safetensors"),
    "restore recipe": Reader(shipped("restorers/deblur64.toml"), restore_recipe, "recipe.toml"),
    "study": Reader(shipped("studies/robust64.toml"), study, "study.toml"),
    "baseline": Reader(shipped("baselines/imagenet-c-alexnet.json"), baseline, "baseline.json"),
    "groups": Reader(lambda: b'pets = ["n1", "dog"]\n', groups, "groups.toml"),
}
RESULTS = [
    "recipe", "manifest", "metrics", "model", "checkpoint", "classes", "summary", "predictions", "pictures", "pack",
]  # fmt: skip


def stand_up_to(reader: Reader, name: str, folder: Path) -> None:
    path = folder / reader.name
    path.write_bytes(reader.valid())
    reader.read(path)  # Else every damaged file would be refused, and nothing tested.

    def attempt(data: bytes) -> None:
        path.write_bytes(data)
        with suppress(RuggedError, BadImageError):
            reader.read(path)

    for file in sorted((FOUND / name).glob("*")):
        attempt(file.read_bytes())
    quietly = settings(
        max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None, print_blob=True, database=None
    )
    quietly(given(damaged(reader.valid()) | st.binary(max_size=64))(attempt))()


# Files of megabytes are worth printing to nobody.
pytestmark = pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")


@pytest.mark.parametrize("name", READERS)
def test_readers_of_data_stand_up_to_damaged_files(name, tmp_path):
    stand_up_to(READERS[name], name, tmp_path)


@pytest.mark.parametrize("name", RESULTS)
def test_readers_of_results_stand_up_to_damaged_files(name, run, tmp_path):
    stand_up_to(readers_of_results(run)[name], name, tmp_path)
