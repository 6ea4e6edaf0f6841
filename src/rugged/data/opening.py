"""From a name or a path to an open data set: found in the cache, or packed, or packed again."""

import os
import re
import shlex
from dataclasses import replace
from numbers import Integral
from pathlib import Path

from rugged.core.download import Remote, download
from rugged.core.environment import cache_directory
from rugged.core.errors import ConfigError, DataError
from rugged.core.files import expanded, require_outside, short_name
from rugged.core.hints import did_you_mean, nearest
from rugged.core.progress import say
from rugged.data import packed
from rugged.data.dataset import ClassInfo, Dataset
from rugged.data.decode import LARGEST_SIDE
from rugged.data.last_time import last_time, remember
from rugged.data.locks import digest, locked
from rugged.data.packed import Origin, UnusablePackError
from rugged.data.staging import require_replaceable

BUILTIN = "builtin"
TINY_IMAGENET = "tiny-imagenet"
OFFICIAL_TRAINING, OFFICIAL_VALIDATION = 100_000, 10_000

# Stanford publishes no checksum. Size and MD5 are the ones that data loaders for this file agree on.
TINY_IMAGENET_ZIP = Remote(
    url="http://cs231n.stanford.edu/tiny-imagenet-200.zip",
    size=248_100_043,
    digest="md5:90528d7ca1a48142e341f4ef8d21d0de",
    by_hand=(
        "Fetch http://cs231n.stanford.edu/tiny-imagenet-200.zip (248,100,043 bytes) by any other means and name it: "
        "rugged data prepare tiny-imagenet --from tiny-imagenet-200.zip"
    ),
)


def open_dataset(where: str | Path, *, size: int | None = None) -> Dataset:
    """Open a data set, packing it first where that is needed.

    Args:
        where: ``builtin``; the name of a prepared data set (``tiny-imagenet``); a packed folder; or a source, which is
            packed into the cache: class folders or Tiny ImageNet, as a folder or zip, or a folder of Parquet files.
            A pack in the cache is made again when its source has changed or its files are damaged.
        size: Fit the pictures of a source to ``size`` x ``size``. A pack must have this size already. None
            opens a source as ``pack_source`` packed it the last time, else at the pictures' own size if all share one,
            else at 224.

    Raises:
        ConfigError: The size is no whole number, below 1, or larger than a picture may be.
        DataError: Nothing of that name, a source that cannot be used, or a pack that cannot be made again.
    """
    _check_choices(size)
    if not isinstance(where, str | os.PathLike):
        raise DataError(f"{_found(where)}; expected the name or the path of one.")
    path = expanded(where)
    named = _named(str(where))
    if is_name(str(where)):
        built_in = str(where) == BUILTIN
        if path.exists():
            kind = "built-in" if built_in else "prepared"
            say(f"{where!s} is the {kind} data set; for the local folder of that name, write {spelled(path)}.")
        dataset = _open_builtin() if built_in else open_pack(named)
    elif packed.is_pack(path):
        dataset = open_pack(path)
    elif path.exists():
        return _open_source(path, size)
    else:
        raise DataError(_unknown(str(where)))
    if size is not None and dataset.size != (size, size):
        height, width = dataset.size
        origin = packed.origin_of(dataset.folder)
        way = f", or pack its source at that size: rugged data pack {shlex.quote(origin.path)} --size {size}"
        raise DataError(
            f"{where!s} is packed at {height} x {width}, not at {size} x {size}. Leave the size out"
            f"{'.' if origin.command else way}"
        )
    return dataset


def as_dataset(data: Dataset | str | Path) -> Dataset:
    """A path or a name as ``open_dataset`` opens it; what was opened as it is.

    Raises:
        DataError: It is neither; or as ``open_dataset``.
    """
    if isinstance(data, Dataset):
        return data
    if not isinstance(data, str | os.PathLike):
        raise DataError(f"{_found(data)}; expected what rugged.open_dataset gives, or the name or the path of one.")
    return open_dataset(data)


def _found(data: object) -> str:
    """Say what was given in place of a data set, and of another library's where its pictures lie."""
    root = getattr(data, "root", None)
    folder = f" of the pictures in {root}" if isinstance(root, str | os.PathLike) else ""
    return f"The data set is {type(data).__name__}{folder}"


def is_name(where: str) -> bool:
    """Whether ``open_dataset`` takes ``where`` for ``builtin`` or a prepared data set, whatever lies there."""
    return where == BUILTIN or packed.is_pack(_named(where))


def spelled(where: str | Path) -> str:
    """How to write a path after ``--data``: a folder called like a data set as ``./NAME``, quoted for a shell."""
    return shlex.quote(f"./{where}" if is_name(str(where)) else str(where))


def open_pack(folder: Path, *, verify: bool = False) -> Dataset:
    """Open a packed folder; one that rugged made in the cache is made again when it is damaged.

    Args:
        folder: The pack.
        verify: Check the whole content, even if no file has been touched.

    Raises:
        DataError: The pack is damaged and cannot be made again without being asked.
    """
    try:
        return packed.read_pack(folder, verify)
    except UnusablePackError as error:
        command = command_to_renew(folder)
        if command is not None:
            raise DataError(f"{error} Make it again: {command}") from error
    origin = packed.origin_of(folder)
    if origin.path == BUILTIN:
        return _open_builtin()
    from rugged.data import sources

    return _ensure(folder, replace(origin, fingerprint=sources.fingerprint(Path(origin.path))))


def pack_source(
    where: str | Path,
    out: str | Path | None = None,
    *,
    size: int | None = None,
    resize: int | None = None,
    holdout: float | None = None,
    bad_images: str | None = None,
) -> Dataset:
    """Pack a source, unless the same pack is there already.

    What is packed into the cache is what ``open_dataset`` opens for ``where`` from then on.

    Args:
        where: Class folders or Tiny ImageNet, as a folder or zip, or a folder of Parquet files.
        out: The folder to make; None: a place in the cache, where ``open_dataset`` looks when ``where`` is opened.
        size: Fit the pictures to ``size`` x ``size``; None: their own size if all share one, else 224.
        resize: What the shorter side is resized to before the centre is cropped to ``size``; None: ``size``.
        holdout: Share of each class to hold out where there is no validation split; None: as last time, else 0.2.
        bad_images: ``refuse`` or ``skip``; None: as last time, else ``refuse``.

    Raises:
        ConfigError: A size, a share or a choice that makes no sense.
        DataError: The source cannot be used, or the pack cannot be written.
    """
    place = None if out is None else expanded(out)
    dataset = _pack(expanded(where), place, size, resize, holdout, bad_images)
    if out is None:
        remember(packed.origin_of(dataset.folder))
    return dataset


def _open_source(where: Path, size: int | None) -> Dataset:
    last = last_time(where)
    if size is not None or last is None:
        return _pack(where, size=size)
    return _pack(where, size=last.size, resize=last.resize)


def _pack(
    where: Path,
    out: Path | None = None,
    size: int | None = None,
    resize: int | None = None,
    holdout: float | None = None,
    bad_images: str | None = None,
) -> Dataset:
    from rugged.data import sources

    _check_choices(size, resize, holdout, bad_images)
    if not where.exists():
        raise DataError(_unknown(str(where)))
    if packed.is_pack(where):
        raise DataError(f"{where} is a pack already: open it with --data {spelled(where)}.")
    if resize is not None and (size is None or resize < size):
        raise DataError(f"The shorter side is to be resized to {resize}: name a size to crop to, at most as large.")
    target = out or _place(where, size, resize)
    fingerprint = sources.fingerprint(where)
    origin = Origin(str(where.resolve()), fingerprint, automatic=out is None, size=size, resize=resize)
    return _ensure(target, _chosen(origin, target, holdout, bad_images))


def _check_choices(
    size: int | None = None, resize: int | None = None, holdout: float | None = None, bad_images: str | None = None
) -> None:
    for name, side in (("size", size), ("resize", resize)):
        if side is not None and (isinstance(side, bool) or not isinstance(side, Integral)):
            raise ConfigError(f"The {name} is {side!r}; expected one whole number of pixels, such as 64.")
        if side is not None and side < 1:
            raise ConfigError(f"The {name} is {side}; expected at least 1 pixel.")
        if side is not None and side > LARGEST_SIDE:
            raise ConfigError(f"The {name} is {side:,}; expected at most {LARGEST_SIDE:,} pixels.")
    if holdout is not None and not 0 < holdout < 1:
        raise ConfigError(f"The holdout is {holdout}; expected a share above 0 and below 1, such as 0.2.")
    if bad_images not in (None, "refuse", "skip"):
        raise ConfigError(f"bad_images is {bad_images!r}; expected refuse or skip.")


def prepare_tiny_imagenet(
    source: str | Path | None = None, out: str | Path | None = None, *, bad_images: str | None = None
) -> Dataset:
    """Pack Tiny ImageNet, so that ``--data tiny-imagenet`` opens it.

    Args:
        source: The official zip, the folder extracted from it, or Parquet files of the hub; None downloads the zip.
        out: The folder to make; None: the cache.
        bad_images: ``refuse`` or ``skip``; None: as last time, else ``refuse``.

    Raises:
        ConfigError: ``bad_images`` is neither.
        DataError: No network, not Tiny ImageNet, or the pack cannot be written.
    """
    from rugged.data import sources

    _check_choices(bad_images=bad_images)
    path = cache_directory() / "downloads" / "tiny-imagenet-200.zip" if source is None else expanded(source)
    if source is None:
        with locked(path, "downloading"):
            download(TINY_IMAGENET_ZIP, path)
    if not path.exists():
        raise DataError(f"{path} does not exist. Name the zip archive, the folder or the Parquet files of it.")
    target = _named(TINY_IMAGENET) if out is None else expanded(out)
    origin = Origin(str(path.resolve()), sources.fingerprint(path), automatic=out is None, name=TINY_IMAGENET)
    return _ensure(target, _chosen(origin, target, None, bad_images))


def holdout_of(where: Path) -> float:
    """The share of each class that ``open_dataset`` holds out of a source without a validation split."""
    last = last_time(where)
    return Origin.holdout if last is None else last.holdout


def _place(where: Path, size: int | None = None, resize: int | None = None) -> Path:
    """Where in the cache a source's pack lies that was not given a place."""
    way = f"{size}" if resize is None else f"{size} of {resize}"
    path = where.resolve()
    return cache_directory() / "packed" / f"{short_name(path.name)}-{digest(f'{path}:{way}')}"


def _chosen(origin: Origin, target: Path, holdout: float | None, bad_images: str | None) -> Origin:
    """With the choices that were made now, else as last time, for a place that may take the pack."""
    if not origin.automatic:
        require_outside(target, [Path(origin.path)])
    require_replaceable(target, origin)
    origin = _as_last_time(origin, target)
    return replace(origin, holdout=holdout or origin.holdout, bad_images=bad_images or origin.bad_images)


def _as_last_time(origin: Origin, target: Path) -> Origin:
    """With the choices made when the same source was packed to ``target`` before, or else the last time."""
    before = _origin_or_none(target)
    if before is None or before.path != origin.path:
        last = last_time(Path(origin.path))
        return origin if last is None else replace(origin, holdout=last.holdout, bad_images=last.bad_images)
    if before.fingerprint != origin.fingerprint:
        say(f"{origin.path} has changed since it was packed: packing it again.")
    return replace(origin, holdout=before.holdout, bad_images=before.bad_images)


def _ensure(out: Path, origin: Origin) -> Dataset:
    """The pack of ``origin`` at ``out``, made by this process or by another one that was faster."""
    current, _ = _current(out, origin)
    if current is not None:
        return current
    with locked(out, "packing"):
        current, fault = _current(out, origin)
        if current is not None:
            return current
        if fault is not None:
            say(f"{fault} Packing it again from {origin.path}.")
        return _make_builtin(out, origin) if origin.path == BUILTIN else _make(out, origin)


def _current(out: Path, origin: Origin) -> tuple[Dataset | None, UnusablePackError | None]:
    """The pack at ``out`` if it is that of ``origin``; and what is wrong with it, if anything is."""
    try:
        return (packed.read_pack(out) if packed.is_pack(out) and packed.origin_of(out) == origin else None), None
    except UnusablePackError as error:
        return None, error


def _make(out: Path, origin: Origin) -> Dataset:
    from rugged.data import sources
    from rugged.data.packing import pack

    source = sources.read_source(Path(origin.path), origin.holdout)
    if origin.name == TINY_IMAGENET:
        source.name = TINY_IMAGENET
        stranger = next((info.id for info in source.classes if not re.fullmatch(r"n\d{8}", info.id)), None)
        if stranger is not None:
            raise DataError(
                f"{origin.path} is not Tiny ImageNet: it has a class {stranger!r}, expected WordNet ids such as "
                f"n01443537. For other pictures there is: rugged data pack {shlex.quote(origin.path)}"
            )
        for split, count, official in (
            ("training", len(source.train), OFFICIAL_TRAINING),
            ("validation", len(source.val), OFFICIAL_VALIDATION),
        ):
            if count != official:
                source.notes.append(f"{count:,} of the {official:,} official {split} pictures.")
    return pack(source, out, origin)


def _open_builtin() -> Dataset:
    from rugged.data import builtin

    version = builtin.VERSION
    return _ensure(_named(f"{BUILTIN}-v{version}"), Origin(BUILTIN, str(version), automatic=True))


def _make_builtin(out: Path, origin: Origin) -> Dataset:
    from rugged.data import builtin
    from rugged.data.packing import pack_arrays

    classes = tuple(ClassInfo(class_id, name) for class_id, name in builtin.CLASSES)
    return pack_arrays(BUILTIN, classes, builtin.splits(), out, origin)


def _named(name: str) -> Path:
    """The place of a prepared data set. A path is no name and leads nowhere."""
    plain = Path(name).name == name
    return cache_directory() / "data" / (name if plain else "not-a-name")


def _origin_or_none(folder: Path) -> Origin | None:
    try:
        return packed.origin_of(folder) if packed.is_pack(folder) else None
    except UnusablePackError:
        return None


def _source_exists(origin: Origin) -> bool:
    return origin.path == BUILTIN or Path(origin.path).exists()


def command_to_renew(folder: Path) -> str | None:
    """The command that makes a damaged pack again; None where it is made again unasked, when it is next opened."""
    origin = _origin_or_none(folder)
    if origin and origin.automatic and _source_exists(origin):
        return None
    if origin and origin.command:
        return origin.command
    source = shlex.quote(origin.path) if origin else "SOURCE"
    # Where nobody knows whose folder it is, nothing is advised that would write there.
    place = f" --out {shlex.quote(str(folder))}" if origin and not origin.automatic else ""
    if folder == _named(TINY_IMAGENET) or (origin and origin.name == TINY_IMAGENET):
        return f"rugged data prepare tiny-imagenet --from {source}{place}"
    names = ("size", "resize", "holdout", "bad_images") if origin else ()
    choices = {name: getattr(origin, name) for name in names if getattr(origin, name) != getattr(Origin, name)}
    given = "".join(f" --{name.replace('_', '-')} {value}" for name, value in choices.items())
    return f"rugged data pack {source}{place}{given}"


def _unknown(where: str) -> str:
    found = (path.parent.name for path in (cache_directory() / "data").glob(f"*/{packed.MANIFEST}"))
    prepared = sorted(name for name in found if not name.startswith(f"{BUILTIN}-v"))
    if where == TINY_IMAGENET:
        advice = "Prepare it first: `rugged data prepare tiny-imagenet`."
    else:
        advice = did_you_mean(nearest(where, (BUILTIN, TINY_IMAGENET, *prepared)))
    choice = (
        f"What can be opened: builtin; a prepared data set ({', '.join(prepared) or 'none so far'}); a packed folder; "
        "or a source: a folder or zip with one subfolder a class, Tiny ImageNet as published, or a folder of Parquet "
        "files."
    )
    return " ".join(filter(None, (f"There is no data set {where!r}.", advice, choice)))
