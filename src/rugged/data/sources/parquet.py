"""Parquet files in the Hugging Face hub's layout for images.

``train-*.parquet`` and ``val*.parquet`` (or ``valid``, ``validation``, ``test``) in a folder or its ``data`` folder;
columns ``image`` (struct of ``bytes`` and ``path``) and ``label``, whose class names stand in the schema's metadata.
"""

import re
import threading
from collections import OrderedDict
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rugged.core.environment import available_cores
from rugged.core.errors import DataError
from rugged.core.files import is_file_name
from rugged.core.parsing import parse_json
from rugged.data.dataset import ClassInfo
from rugged.data.decode import BadImageError
from rugged.data.sources import tiny_imagenet
from rugged.data.sources.source import PICTURES_AT_A_TIME, VALIDATION_NAMES, Picture, Problem, Source, hold_out
from rugged.data.sources.trees import unusable_name

_LAYOUT = "an 'image' column (struct of bytes and path) and a 'label' column of integers"


def parquet_files(folder: Path) -> dict[str, list[Path]]:
    """The Parquet files of each split, in order; empty when the folder holds none."""
    found = sorted(folder.glob("*.parquet")) or sorted((folder / "data").glob("*.parquet"))
    by_name: dict[str, list[Path]] = {}
    for file in found:
        by_name.setdefault(re.split(r"[-.]", file.name)[0].lower(), []).append(file)
    splits = {"train": by_name["train"]} if "train" in by_name else {}
    validation = [by_name[name] for name in VALIDATION_NAMES if name in by_name]
    if validation:
        splits["val"] = validation[0]
    if found and "train" not in splits:
        raise DataError(
            f"Found {len(found)} Parquet files in {folder} but no train-*.parquet among them "
            f"({found[0].name} …). Expected train-*.parquet and valid-*.parquet."
        )
    return splits


def read_parquet(folder: Path, name: str, holdout: float) -> Source:
    """Find the pictures of Parquet files. Their bytes are read a row group at a time, when asked for.

    Args:
        folder: Holds the files, and perhaps ``words.txt`` with readable names of the classes.
        name: What to call the data set.
        holdout: The share of each class to hold out when there are no validation files.

    Raises:
        DataError: Not this layout, damaged, or without class names.
    """
    splits = parquet_files(folder)
    names = _class_names(splits["train"][0])
    problems: list[Problem] = []
    found = {
        split: [picture for file in files for picture in _pictures(_File(file), names, problems)]
        for split, files in splits.items()
    }
    words_file = folder / "words.txt"
    words = (
        tiny_imagenet.parse_words(words_file.read_text(encoding="utf-8-sig", errors="replace"))
        if words_file.is_file()
        else {}
    )
    classes = tuple(ClassInfo(class_id, words.get(class_id, class_id)) for class_id in sorted(set(names)))
    source = Source(name, folder, classes, found["train"], found.get("val", []), problems)
    if "val" not in found:
        source.train, source.val, note = hold_out(source.train, holdout)
        source.notes.append(note)
    return source


class _File:
    """A Parquet file that keeps the row groups that are being read: pictures are asked for in about their order."""

    def __init__(self, path: Path) -> None:
        try:
            self.parquet = pq.ParquetFile(path)
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{path} is damaged or no Parquet file ({error}). Fetch it again.") from error
        self.path = path
        self._lock = threading.Lock()
        self._groups: OrderedDict[int, Any] = OrderedDict()
        # As many groups as the threads together can be busy with. One fewer, and each would be read again and again.
        smallest = min((len(rows) for rows in self.rows_by_group()[:-1]), default=1) or 1
        self._capacity = available_cores() * PICTURES_AT_A_TIME // smallest + 2

    def rows_by_group(self) -> list[range]:
        metadata = self.parquet.metadata
        return [range(metadata.row_group(group).num_rows) for group in range(metadata.num_row_groups)]

    def labels_and_names(self) -> tuple[list[int | None], list[str | None]]:
        try:
            table = self.parquet.read(columns=["image.path", "label"])
            if not pa.types.is_integer(table["label"].type):
                raise TypeError(f"its labels are of the type {table['label'].type}")
            return table["label"].to_pylist(), table["image"].combine_chunks().field("path").to_pylist()
        except (pa.ArrowException, OSError, KeyError, TypeError, UnicodeDecodeError) as error:
            raise DataError(f"Cannot read {self.path} ({error}). Expected {_LAYOUT}.") from error

    def load(self, group: int, row: int) -> bytes:
        with self._lock:
            if group not in self._groups:
                self._groups[group] = self._read(group)
                if len(self._groups) > self._capacity:
                    self._groups.popitem(last=False)
            self._groups.move_to_end(group)
            column = self._groups[group]
        data: bytes | None = column[row].as_py()
        if data is None:
            raise BadImageError("empty file", "no bytes in the row")
        return data

    def _read(self, group: int) -> Any:
        try:
            table = self.parquet.read_row_group(group, columns=["image.bytes"])
        except (pa.ArrowException, OSError) as error:
            raise BadImageError("damaged Parquet data", str(error)) from error
        return table["image"].combine_chunks().field("bytes")


def _class_names(file: Path) -> list[str]:
    """Class names in label order, from the metadata that the hub's ``datasets`` package writes."""
    metadata = _File(file).parquet.schema_arrow.metadata or {}
    try:
        features = parse_json(metadata[b"huggingface"])["info"]["features"]
        names = [str(name) for name in features["label"]["names"]]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{file} does not name its classes: expected them in the schema's metadata, under 'huggingface', "
            f"info.features.label.names, beside {_LAYOUT}."
        ) from error
    if len(set(names)) != len(names):
        raise DataError(f"{file} names a class twice in its metadata: {sorted(names)}.")
    unusable = next((name for name in names if not is_file_name(name) or unusable_name(name)), None)
    if unusable is not None:
        raise DataError(
            f"{file} has a class {unusable!r} in its metadata, which cannot be the name of a folder as classes are in "
            "other sources. Write the files with other class names."
        )
    return names


def _pictures(file: _File, names: list[str], problems: list[Problem]) -> list[Picture]:
    labels, paths = file.labels_and_names()
    if _class_names(file.path) != names:
        raise DataError(f"{file.path} names other classes than the first training file. Expected the same in all.")
    places = [(group, row) for group, rows in enumerate(file.rows_by_group()) for row in rows]
    found = []
    for number, (label, path, (group, row)) in enumerate(zip(labels, paths, places, strict=True)):
        # Without a file name, the place in the file is the name: it stays as long as the file does.
        stem = PurePosixPath(path or "").stem or f"{file.path.stem}-{number:06d}"
        shown = path or "no name"
        where = f"{file.path.name}, row {number} ({ascii(path) if unusable_name(shown) else shown})"
        if label is None or not 0 <= label < len(names):
            problems.append(Problem(where, "no label", f"label {label}, {len(names)} classes"))
        elif stem == ".." or unusable_name(stem):
            problems.append(Problem(where, "unusable name"))
        else:
            found.append(Picture(names[label], stem, where, partial(file.load, group, row)))
    return found
