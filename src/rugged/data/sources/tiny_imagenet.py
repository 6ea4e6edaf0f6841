"""Tiny ImageNet in its official layout, extracted or in the zip archive it is published as.

``wnids.txt`` lists the classes, ``words.txt`` names all of WordNet, training pictures lie in
``train/<wnid>/images``, validation pictures all in ``val/images`` with their classes in ``val/val_annotations.txt``.
"""

import os
from collections.abc import Iterator
from functools import partial

from rugged.core.errors import DataError
from rugged.data.dataset import ClassInfo
from rugged.data.sources.source import Picture, Problem, Source
from rugged.data.sources.trees import IMAGE_ENDINGS, Tree, ending


def parse_words(text: str) -> dict[str, str]:
    """Read ``words.txt``: wnid, tab, names separated by commas. The first name is the one that is kept.

    Raises:
        DataError: A line without a tab, an id or a name.
    """
    words = {}
    for number, line in _lines(text):
        wnid, tab, names = line.partition("\t")
        name = names.split(",")[0].strip()
        if not (tab and wnid.strip() and name):
            raise DataError(f"Line {number} of words.txt is {line!r}; expected a WordNet id, a tab and names.")
        words[wnid.strip()] = name
    return words


def parse_val_annotations(text: str) -> dict[str, str]:
    """Read ``val_annotations.txt``: file name, tab, wnid, then the corners of a box, which are not needed.

    Returns:
        The wnid of each file name.

    Raises:
        DataError: A line without both, or a file with two different classes.
    """
    classes: dict[str, str] = {}
    for number, line in _lines(text):
        fields = [part.strip() for part in line.split("\t")]
        if len(fields) < 2 or not all(fields[:2]):
            raise DataError(
                f"Line {number} of val_annotations.txt is {line!r}; expected a file name, a tab and a WordNet id."
            )
        name, wnid = fields[:2]
        if classes.setdefault(name, wnid) != wnid:
            raise DataError(f"val_annotations.txt gives {name!r} two classes: {classes[name]} and {wnid}.")
    return classes


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, numbered from 1. Split at line feeds alone, as the lists are written."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.rstrip("\r")


def is_tiny_imagenet(tree: Tree) -> bool:
    """Whether a tree has the official layout: the list of classes and the training folders."""
    root = tree.root()
    return f"{root}wnids.txt" in tree.files and f"{root}train" in tree.folders


def read_tiny_imagenet(tree: Tree) -> Source:
    """Find the pictures of the official layout. The test split has no labels and is not read.

    Validation pictures that were sorted into ``val/<wnid>`` are understood too, where ``val_annotations.txt`` is gone.

    Raises:
        DataError: The layout is incomplete or a list is malformed.
    """
    root = tree.root()
    wnids = sorted({line.strip() for _, line in _lines(tree.text(f"{root}wnids.txt"))})
    words = parse_words(tree.text(f"{root}words.txt")) if f"{root}words.txt" in tree.files else {}
    problems = list(tree.problems)
    train = _sorted_by_class(tree, f"{root}train/", set(wnids), problems)
    annotations = f"{root}val/val_annotations.txt"
    if annotations in tree.files:
        val = _annotated(
            tree, f"{root}val/images/", parse_val_annotations(tree.text(annotations)), set(wnids), problems
        )
    else:
        val = _sorted_by_class(tree, f"{root}val/", set(wnids), problems)
    if not train or not val:
        raise DataError(
            f"Found {len(train):,} training and {len(val):,} validation pictures in {tree.where}. Expected "
            f"train/WNID/images/*.JPEG, val/images/*.JPEG and val/val_annotations.txt: extract the archive again."
        )
    classes = tuple(ClassInfo(wnid, words.get(wnid, wnid)) for wnid in wnids)
    return Source("tiny-imagenet", tree.where, classes, train, val, problems, [])


def _sorted_by_class(tree: Tree, prefix: str, wnids: set[str], problems: list[Problem]) -> list[Picture]:
    """Pictures in ``<wnid>/images/`` or directly in ``<wnid>/``."""
    found = []
    for path in tree.files:
        if path.startswith(prefix) and ending(path) in IMAGE_ENDINGS:
            wnid = path[len(prefix) :].split("/", 1)[0]
            if wnid in wnids:
                found.append(_picture(tree, path, wnid))
            else:
                problems.append(Problem(path, "unknown class", f"{wnid} is not in wnids.txt"))
    return found


def _annotated(
    tree: Tree, prefix: str, classes: dict[str, str], wnids: set[str], problems: list[Problem]
) -> list[Picture]:
    """Pictures in ``val/images`` with the classes that the annotations give them."""
    found = []
    missing = dict(classes)
    for path in tree.files:
        if not path.startswith(prefix) or ending(path) not in IMAGE_ENDINGS:
            continue
        wnid = missing.pop(path[len(prefix) :], None)
        if wnid is None:
            problems.append(Problem(path, "no label", "not in val_annotations.txt"))
        elif wnid not in wnids:
            problems.append(Problem(path, "unknown class", f"{wnid} is not in wnids.txt"))
        else:
            found.append(_picture(tree, path, wnid))
    problems.extend(Problem(prefix + name, "missing file", "named in val_annotations.txt") for name in missing)
    return found


def _picture(tree: Tree, path: str, wnid: str) -> Picture:
    stem = os.path.splitext(path.rpartition("/")[2])[0]  # noqa: PTH122 (a path inside a source, for every file)
    return Picture(wnid, stem, path, partial(tree.read, path, None))
