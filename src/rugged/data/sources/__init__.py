"""Where pictures come from: class folders, Tiny ImageNet as published, Parquet files of the hub, zip archives."""

from pathlib import Path

from rugged.core.errors import DataError
from rugged.data.sources.class_folders import read_class_folders
from rugged.data.sources.source import Picture, Problem, Source, count_by_reason
from rugged.data.sources.tiny_imagenet import is_tiny_imagenet, read_tiny_imagenet
from rugged.data.sources.trees import Tree, folder_tree
from rugged.data.sources.zips import file_fingerprint, zip_tree

__all__ = ["Picture", "Problem", "Source", "count_by_reason", "fingerprint", "read_source"]


def read_source(where: Path, holdout: float) -> Source:
    """Recognise a folder or zip archive by its content and find its pictures.

    Args:
        where: Class folders or Tiny ImageNet, as a folder or zip; or a folder of Parquet files.
        holdout: The share of each class to hold out when there is no validation split.

    Raises:
        DataError: Nothing that can be read as a data set.
    """
    if _is_parquet(where):
        from rugged.data.sources.parquet import read_parquet  # pyarrow is heavy, and only needed here.

        return read_parquet(where, where.resolve().name, holdout)
    tree = _tree(where)
    if is_tiny_imagenet(tree):
        return read_tiny_imagenet(tree)
    name = where.resolve().name if where.is_dir() else where.stem
    return read_class_folders(tree, name, holdout)


def fingerprint(where: Path) -> str:
    """What changes when a source does: names, sizes and dates of its files, not their content."""
    if _is_parquet(where):
        files = [*where.glob("*.parquet"), *where.glob("data/*.parquet"), *where.glob("words.txt")]
        return file_fingerprint(files)
    return _tree(where).fingerprint


def _is_parquet(where: Path) -> bool:
    return where.is_dir() and any(next(where.glob(pattern), None) for pattern in ("*.parquet", "data/*.parquet"))


def _tree(where: Path) -> Tree:
    if where.is_dir():
        return folder_tree(where)
    if where.suffix.lower() == ".parquet":
        raise DataError(f"{where} is a single Parquet file. Name the folder that holds all of them: {where.parent}.")
    return zip_tree(where)
