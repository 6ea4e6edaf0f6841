"""Archives of corrupted pictures as they are published, small and made by code."""

import io
import tarfile

import numpy as np
from PIL import Image

CLASSES = ("n01443537", "n02123045")
CELLS = [(name, severity) for name in ("gaussian_noise", "frost") for severity in (1, 2)]


def make_tree():
    """``{path: bytes}``: two corruptions at two severities, three JPEG pictures a class, no two alike."""
    rng = np.random.default_rng(0)
    files = {}
    for corruption, severity in CELLS:
        for wnid in CLASSES:
            for number in range(3):
                stream = io.BytesIO()
                Image.fromarray(rng.integers(0, 256, (16, 24, 3), dtype=np.uint8)).save(stream, "JPEG", quality=85)
                files[f"{corruption}/{severity}/{wnid}/ILSVRC2012_val_{number:08}.JPEG"] = stream.getvalue()
    return files


def write_folder(folder, files):
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def write_tar(path, files, prefix=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, data in reversed(files.items()):
            header = tarfile.TarInfo(prefix + name)
            header.size = len(data)
            archive.addfile(header, io.BytesIO(data))
    return path
