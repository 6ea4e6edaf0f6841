"""Pictures and class folders made by hand."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the test's own."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("RUGGED_CACHE", str(folder))
    return folder


@pytest.fixture
def encode() -> Callable[..., bytes]:
    """Give the bytes of a picture."""

    def encode(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
        stream = io.BytesIO()
        image.save(stream, kind, **options)
        return stream.getvalue()

    return encode


@pytest.fixture
def noise() -> Callable[..., Image.Image]:
    """Give an RGB picture of noise; another seed, another picture."""

    def noise(seed: int, width: int = 8, height: int = 8) -> Image.Image:
        pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
        return Image.fromarray(pixels)

    return noise


@pytest.fixture
def class_folders(noise: Callable[..., Image.Image]) -> Callable[[Path, dict[str, int]], dict[str, np.ndarray]]:
    """Fill folders with PNG noise, given as ``{"train/cat": 3}``; gives the pixels of each file by its path."""

    def class_folders(root: Path, counts: dict[str, int]) -> dict[str, np.ndarray]:
        made = {}
        for folder, count in counts.items():
            (root / folder).mkdir(parents=True)
            for index in range(count):
                image = noise(len(made))
                image.save(root / folder / f"{index}.png")
                made[f"{folder}/{index}"] = np.asarray(image)
        return made

    return class_folders


@pytest.fixture
def tiny_folder(tmp_path: Path, noise: Callable[..., Image.Image], encode: Callable[..., bytes]) -> Path:
    """Tiny ImageNet's official layout, with two classes of 12 training and 3 validation JPEGs of 64 x 64."""
    root = tmp_path / "tiny-imagenet-200"
    wnids = ["n02124075", "n01443537"]
    annotations = []
    for place, wnid in enumerate(wnids):
        images = root / "train" / wnid / "images"
        images.mkdir(parents=True)
        (images.parent / f"{wnid}_boxes.txt").write_text(f"{wnid}_0.JPEG\t0\t0\t63\t63\n")
        for index in range(12):
            (images / f"{wnid}_{index}.JPEG").write_bytes(encode(noise(100 * place + index, 64, 64), "JPEG"))
    (root / "val" / "images").mkdir(parents=True)
    for index in range(6):
        picture = noise(1000 + index, 64, 64)
        data = encode(picture.convert("L") if index == 5 else picture, "JPEG")
        (root / "val" / "images" / f"val_{index}.JPEG").write_bytes(data)
        annotations.append(f"val_{index}.JPEG\t{wnids[index % 2]}\t0\t32\t44\t62\n")
    (root / "val" / "val_annotations.txt").write_text("".join(annotations))
    (root / "test" / "images").mkdir(parents=True)
    (root / "test" / "images" / "test_0.JPEG").write_bytes(encode(noise(0, 64, 64), "JPEG"))
    (root / "wnids.txt").write_text("\n".join(wnids))
    (root / "words.txt").write_text(
        "n00001740\tentity\nn01443537\tgoldfish, Carassius auratus\nn02124075\tEgyptian cat\n"
    )
    return root
