"""From a path to readable corrupted pictures: which layout it is, and whether all is there that is wanted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rugged.core.catalogue import ALL, CellKey
from rugged.core.errors import DataError
from rugged.core.parsing import parse_json
from rugged.data.corrupted.manifest import KIND, MANIFEST
from rugged.data.official.archive import WHOLE_AGAIN, Archive
from rugged.data.official.arrays import ArrayFiles
from rugged.data.official.index import Index
from rugged.data.official.members import Member, read_bytes, walk
from rugged.data.official.pictures import PictureFiles

_BESIDE = (MANIFEST, "labels.npy", "ids.txt")
_SAID = {"source": dict, "severities": list, "preset": str, "textures": str, "seed": int, "stream_version": int,
         "notes": list}  # fmt: skip
_EXPECTED = (
    "Expected <corruption>/<severity>/<class id>/<file> as in ImageNet-C and Tiny ImageNet-C, or <corruption>.npy with "
    "labels.npy as in CIFAR-10-C: the folder, the .tar, or a folder of these."
)


def open_archive(where: Path, classes: Sequence[str], cells: Sequence[CellKey]) -> Archive:
    """Open corrupted pictures where they lie: in a folder, in a tar archive, or in a folder of such archives.

    Args:
        where: The folder or archive.
        classes: The data set's class ids in the order of their labels. Pictures of others are passed over.
        cells: What will be read; must all be there, and hold the same pictures.

    Raises:
        DataError: Nothing of the kind, something is missing (each is named), or the cells are of different pictures.
    """
    if not where.exists():
        raise DataError(f"{where} does not exist. Name the folder or the archive of corrupted pictures.")
    index, members = _survey(where, classes)
    manifest = _manifest(members[MANIFEST]) if MANIFEST in members else None
    arrays = {name.removesuffix(".npy") for name in members} & set(ALL)
    if not index.cells and not arrays:
        strange = sorted(set().union(*index.passed_over.values()))
        if strange:
            raise DataError(
                f"None of the {len(strange):,} classes in {where} ({strange[0]} …) is one of the data set's "
                f"{len(classes):,} ({classes[0]} …). Name the data set that the pictures belong to."
            )
        raise DataError(f"{where} holds no corrupted pictures. {_EXPECTED}")
    missing = [cell for cell in cells if cell not in index.cells and cell[0] not in arrays]
    if missing:
        names = ", ".join(dict.fromkeys(f"{corruption} {severity}" for corruption, severity in missing))
        raise DataError(f"{where} lacks {names}. {WHOLE_AGAIN}")
    archive: Archive = (
        PictureFiles(where, index, classes, cells[0], manifest)
        if index.cells
        else ArrayFiles(where, members, classes, cells[0], manifest)
    )
    for cell in cells:
        archive.require(cell)
    return archive


def _survey(where: Path, classes: Sequence[str]) -> tuple[Index, dict[str, Member]]:
    """The pictures, and the lists and arrays by name."""
    index, members = Index(classes), dict[str, Member]()
    wanted = {*_BESIDE, *(f"{corruption}.npy" for corruption in ALL)}
    for member in walk(where):
        name = member.path.rpartition("/")[2]
        if name not in wanted:
            index.add(member)
        elif members.setdefault(name, member) != member:
            raise DataError(
                f"{name} lies in two places, {members[name].path} in {members[name].file} and {member.path} in "
                f"{member.file}. Name the one that is meant."
            )
    return index, members


def _manifest(member: Member) -> dict[str, Any] | None:
    """What ``rugged corrupt`` says of its files; None for a file of others that is called so, too."""
    try:
        found = parse_json(read_bytes(member))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{member.path} in {member.file} is not valid JSON ({error}). {WHOLE_AGAIN}") from error
    if not isinstance(found, dict) or found.get("kind") != KIND:
        return None
    if not found.get("complete"):
        raise DataError(f"{member.file.parent} is not complete. Run the `rugged corrupt` that writes it again.")
    source = found.get("source")
    lacking = [key for key, kind in _SAID.items() if not isinstance(found.get(key), kind)]
    lacking += [] if lacking or found["severities"] else ["severities"]
    if lacking or not isinstance(source, dict) or not {"name", "content_hash"} <= source.keys():
        raise DataError(
            f"{member.file} does not say what `rugged corrupt` writes ({', '.join(lacking) or 'source'}): it was "
            "edited by hand or by another version. Run `rugged corrupt` again."
        )
    return found
