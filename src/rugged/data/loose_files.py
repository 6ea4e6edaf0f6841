"""Picture files below a folder, in whatever folders they lie: found, and named anew where something is made of each."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rugged.core.errors import DataError
from rugged.data.sources.trees import IMAGE_ENDINGS, ending, folder_tree

_NAMED = 5  # Bad pictures that a message names.

_OF_FILES = (
    "broken link",
    "unusable name",
)  # Without an ending it may be a folder of pictures; with another one it is not missed.

BadFile = tuple[Path, str]
"""A file that cannot be used, and why."""


@dataclass(frozen=True)
class LooseFiles:
    """Files that are pictures by their names' endings.

    Attributes:
        where: The folder.
        paths: Their paths in it with ``/`` between the parts, sorted. Hidden ones are passed over.
        problems: Links and names that cannot be used.
    """

    where: Path
    paths: tuple[str, ...]
    problems: tuple[BadFile, ...]


def find_loose_files(where: Path) -> LooseFiles:
    """Find the pictures in a folder and in the folders in it.

    Raises:
        DataError: There are none, or the folder cannot be listed.
    """
    tree = folder_tree(where)
    paths = tuple(path for path in tree.files if ending(path) in IMAGE_ENDINGS)
    problems = tuple(
        (where / each.where, f"{each.reason} ({each.detail})")
        for each in tree.problems
        if each.reason not in _OF_FILES or ending(each.where.strip("'")) in {"", *IMAGE_ENDINGS}
    )
    if not paths:
        wanted = ", ".join(sorted(IMAGE_ENDINGS))
        raise DataError(f"{where} holds no pictures; looked for files ending in {wanted}.{in_lines(problems)}")
    return LooseFiles(where, paths, problems)


def new_names(paths: Sequence[str], rename: Callable[[str], str], longer: str) -> dict[str, str]:
    """Give each picture the path of a file to write.

    Args:
        paths: Of the pictures, each once.
        rename: From a picture's path to the new one. A picture that keeps its path keeps it whatever others want.
        longer: What others get after their own path where theirs would be another's, or a folder's: ``.png``.

    Returns:
        The new paths by the old ones, each once. None that is new is a folder's, or another's but for case.
    """
    wanted = {path: rename(path) for path in paths}
    times = Counter(name.casefold() for name in wanted.values())
    taken = {str(folder).casefold() for path in paths for folder in PurePosixPath(path).parents}
    taken |= {path.casefold() for path, name in wanted.items() if name == path}
    names = {}
    for path, name in wanted.items():
        if name != path:
            if times[name.casefold()] > 1 or name.casefold() in taken:
                name = f"{path}{longer}"
            while name.casefold() in taken:
                name += longer
            taken.add(name.casefold())
        names[path] = name
    return names


def in_lines(bad: Sequence[BadFile]) -> str:
    """The first files of a list for the end of a message, a line each."""
    named = "".join(f"\n  {path}: {reason}" for path, reason in bad[:_NAMED])
    return f"{named}\n  … and {len(bad) - _NAMED} more" if len(bad) > _NAMED else named
