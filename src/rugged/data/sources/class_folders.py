"""Image folders with one subfolder a class, with or without ``train`` and ``val`` above them."""

import os
from collections import Counter
from functools import partial

from rugged.core.errors import DataError, NoClassesError
from rugged.data.dataset import ClassInfo
from rugged.data.sources.source import VALIDATION_NAMES, Picture, Source, count_by_reason, hold_out
from rugged.data.sources.trees import Tree, ending

_EXPECTED = (
    "Expected one subfolder a class, either FOLDER/train/CLASS/ and FOLDER/val/CLASS/ (or valid, validation, test; "
    "alone where nothing is to be trained), or FOLDER/CLASS/."
)


def read_class_folders(tree: Tree, name: str, holdout: float) -> Source:
    """Find the pictures of class folders. Pictures in folders within a class belong to the class.

    Args:
        tree: Where to look.
        name: What to call the data set.
        holdout: The share of each class to hold out when there is no validation split.

    Raises:
        DataError: No such layout, fewer than two classes, or no picture.
    """
    root = tree.root()
    splits, unread = _split_folders(tree, root)
    pictures: dict[str, list[Picture]] = {}
    classes: set[str] = set()
    other: Counter[str] = Counter()
    for split, prefix in splits.items():
        classes |= _children(tree, prefix)
        pictures[split] = _pictures(tree, prefix, other)
    if len(classes) < 2:
        found = f"one folder ({classes.pop()!r})" if classes else "no subfolder"
        reasons = count_by_reason(problem.reason for problem in tree.problems)
        passed_over = f" Passed over: {reasons}." if reasons else ""
        raise NoClassesError(f"Found {found} in {tree.where / root}.{passed_over} {_EXPECTED}")
    notes = _notes(unread, other)
    train, val = pictures.get("train"), pictures.get("val")
    if train is None:
        train = []
        notes.append("No training pictures: to be measured on, not trained on.")
    elif val is None:
        train, val, note = hold_out(train, holdout)
        notes.append(note)
    if not (train or val):
        raise DataError(f"Found no picture in {tree.where / root}. {_EXPECTED}")
    infos = tuple(ClassInfo(class_id, class_id) for class_id in sorted(classes))
    return Source(name, tree.where, infos, train, val or [], list(tree.problems), notes)


def _split_folders(tree: Tree, root: str) -> tuple[dict[str, str], list[str]]:
    """Prefixes of the splits, and the names of split folders that are left unread."""
    found = sorted(_children(tree, root))
    tops = {top.lower(): top for top in found}
    for name in ("train", *VALIDATION_NAMES):
        same = [top for top in found if top.lower() == name]
        if len(same) > 1:
            raise DataError(
                f"Found {' and '.join(f'{top}/' for top in same)} in {tree.where / root}, which differ in case alone. "
                "Put their pictures together, or rename what is not to be read."
            )
    validation = [tops[name] for name in VALIDATION_NAMES if name in tops]
    if "train" in tops and not _train_is_class(tree, root, tops):
        splits = {"train": f"{root}{tops['train']}/"}
        if validation:
            splits["val"] = f"{root}{validation[0]}/"
        known = set(splits.values())
        return splits, [top for top in tops.values() if f"{root}{top}/" not in known]
    grouped = [top for top in validation if _children(tree, f"{root}{top}/")]
    if not grouped:
        return {"train": root}, []
    others = [top for top in tops.values() if top not in grouped]
    if others:
        raise DataError(f"Found {grouped[0]}/ in {tree.where / root} beside {others[0]}/, but no train/. {_EXPECTED}")
    return {"val": f"{root}{grouped[0]}/"}, grouped[1:]


def _train_is_class(tree: Tree, root: str, tops: dict[str, str]) -> bool:
    """Whether ``train`` is a class: it holds no folders and stands beside others that are no splits."""
    others = tops.keys() - {"train"}
    return bool(others) and others.isdisjoint(VALIDATION_NAMES) and not _children(tree, f"{root}{tops['train']}/")


def _children(tree: Tree, prefix: str) -> set[str]:
    return {path[len(prefix) :].split("/", 1)[0] for path in tree.folders if path.startswith(prefix)}


def _pictures(tree: Tree, prefix: str, other: Counter[str]) -> list[Picture]:
    found = []
    for path in tree.files:
        if not path.startswith(prefix):
            continue
        class_id, _, rest = path[len(prefix) :].partition("/")
        if not rest or not tree.is_picture(path):  # A file beside the class folders has no class.
            other[ending(path) or "no ending"] += 1
            continue
        stem = os.path.splitext(rest)[0]  # noqa: PTH122 (a path inside a source, and called for every file)
        found.append(Picture(class_id, stem, path, partial(tree.read, path, None)))
    return found


def _notes(unread: list[str], other: Counter[str]) -> list[str]:
    notes = []
    if unread:
        notes.append(f"Not read: the folders {', '.join(sorted(unread))}.")
    if other:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in other.most_common(5))
        count = other.total()
        what = "1 file that is no picture, or lies" if count == 1 else f"{count:,} files that are no pictures, or lie"
        notes.append(f"Not read: {what} beside the class folders ({kinds}).")
    return notes
