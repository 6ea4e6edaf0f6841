"""What `rugged doctor` finds out about the machine, the installation and the caches."""

import importlib
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from rugged.core.catalogue import PROCEDURAL_NOTE
from rugged.core.environment import cache_directory, chosen_textures, hardware, versions
from rugged.core.errors import DataError
from rugged.core.files import expanded
from rugged.core.hints import how_to_install

_GIB = 2**30
_NEEDED_FREE = 0.5 * _GIB  # The demo's data, checkpoints and report.
_WANTED_FREE = 4 * _GIB  # Tiny ImageNet: the zip, 110,000 pictures packed, a few runs.

Status = Literal["ok", "missing", "problem"]


@dataclass(frozen=True)
class Finding:
    """One fact about this machine.

    Args:
        section: The heading it stands under.
        name: What was looked at.
        found: What was found.
        status: ``missing`` costs a feature, ``problem`` stops the main job.
        advice: How to get what is missing; empty when nothing is.
    """

    section: str
    name: str
    found: str
    status: Status = "ok"
    advice: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """Everything found, in the order it is shown."""

    findings: tuple[Finding, ...]

    @property
    def ready(self) -> bool:
        """Whether data can be prepared, a model trained and benchmarked here."""
        return all(finding.status != "problem" for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """Plain values for ``rugged doctor --json``."""
        return {"ready": self.ready, "findings": [asdict(finding) for finding in self.findings]}


def diagnose() -> Diagnosis:
    """Look at the installation, the hardware, the devices, the cache and the textures.

    Nothing is installed, fetched or mended. A pack whose files were touched since it was last opened is read whole, and
    whether its content is as it was is noted in it, as when it is opened to be used.
    """
    cache = cache_directory()
    parts = (_packages(), _hardware(), _devices(), _storage(cache), _data_sets(cache), _textures(), _extras())
    return Diagnosis(tuple(finding for part in parts for finding in part))


def _packages() -> Iterator[Finding]:
    section = "Versions"
    found = versions()
    yield Finding(section, "python", f"{found.pop('python')} ({sys.executable})")
    required = [name for name, extra in _requirements() if not extra]
    installed = found | {name: version for name in required if (version := _version(name))}
    for name in dict.fromkeys((*found, *required)):
        version = installed.get(name)
        if version and version != "not installed":
            yield Finding(section, name, version)
        else:
            yield Finding(section, name, "not installed", "problem", f"pip install {name}, or `make setup` in a clone")


def _requirements() -> list[tuple[str, str]]:
    """The packages that rugged's own metadata names, each with its extra ("" for none)."""
    try:
        lines = metadata.requires("rugged") or []
    except metadata.PackageNotFoundError:
        return []
    return [_parse_requirement(line) for line in lines]


def _parse_requirement(line: str) -> tuple[str, str]:
    name = re.match(r"[A-Za-z0-9._-]+", line)
    extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", line)
    return (name.group() if name else line), (extra.group(1) if extra else "")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _hardware() -> Iterator[Finding]:
    section = "Machine"
    facts = hardware()
    yield Finding(section, "processor", f"{facts['cpu']}, {facts['cores']} cores")
    memory = facts["memory_bytes"]
    yield Finding(section, "memory", readable_bytes(memory) if memory else "unknown")


def _devices() -> Iterator[Finding]:
    section = "Devices"
    for name in ("torch", "torchvision", "timm", "lightning_fabric"):
        try:
            importlib.import_module(name)
        except (ImportError, OSError, RuntimeError) as error:  # A half-installed torch fails in each of these ways.
            yield Finding(
                section,
                name,
                f"cannot be imported: {error}",
                "problem",
                f"pip install --force-reinstall {name.replace('_', '-')}",
            )
            return
    import torch

    from rugged.engine.devices import has_fast_bf16

    yield Finding(section, "cpu", "fp32, bf16" if has_fast_bf16("cpu") else "fp32 (bf16 is emulated, and slower)")
    for index in range(torch.cuda.device_count()):
        facts = torch.cuda.get_device_properties(index)
        bf16 = ", bf16" if facts.major >= 8 else ""  # Ampere brought bf16; older ones only pretend.
        yield Finding(section, f"cuda:{index}", f"{facts.name}, {readable_bytes(facts.total_memory)}, fp32, fp16{bf16}")
    if torch.backends.mps.is_available():
        yield Finding(section, "gpu", "Apple's, which is not used: it has no float64, in which the corruptions compute")
    elif not torch.cuda.is_available():
        advice = "everything works on the CPU; for a GPU, install its driver and a torch build for it"
        yield Finding(section, "gpu", "none", "missing", advice)


def _storage(cache: Path) -> Iterator[Finding]:
    section = "Cache"
    standing = next(folder for folder in (cache, *cache.absolute().parents) if folder.exists())
    if not standing.is_dir() or not os.access(standing, os.W_OK | os.X_OK):
        advice = "set RUGGED_CACHE to a folder you may write"
        yield Finding(section, "folder", f"{cache}: {standing} cannot be written", "problem", advice)
        return
    made = "" if cache.exists() else " (made on first use)"
    yield Finding(section, "folder", f"{cache}{made}")
    for entry in sorted(cache.iterdir()) if cache.exists() else []:
        yield Finding(section, entry.name, readable_bytes(_size(entry)))
    free = shutil.disk_usage(standing).free
    status: Status = "ok" if free >= _WANTED_FREE else "missing" if free >= _NEEDED_FREE else "problem"
    advice = "free space, or set RUGGED_CACHE to a folder on another disk: Tiny ImageNet wants 4 GiB, the demo 0.5 GiB"
    yield Finding(section, "free space", readable_bytes(free), status, "" if status == "ok" else advice)


def _size(path: Path) -> int:
    """Bytes of a file, or of those in a folder. Packing and downloads move files: one that has gone counts nothing."""
    inside = (Path(place, name) for place, _, names in os.walk(path) for name in names)
    total = 0
    for file in [path] if path.is_file() else inside:
        with suppress(OSError):
            total += file.stat().st_size
    return total


def _data_sets(cache: Path) -> Iterator[Finding]:
    section = "Data sets"
    try:
        from rugged.data.opening import command_to_renew
        from rugged.data.packed import MANIFEST, read_pack
    except (ImportError, OSError) as error:  # Already told under the packages; here it only hides the packs.
        yield Finding(section, "prepared", f"cannot be looked at: {error}", "missing", "mend the packages above first")
        return
    names: set[str] = set()
    folders = sorted(path.parent for depth in ("*", "*/*") for path in cache.glob(f"{depth}/{MANIFEST}"))
    for folder in folders:
        try:
            pack = read_pack(folder)
        except DataError as error:
            command = command_to_renew(folder)
            advice = "it is made again on next use" if command is None else f"make it again: {command}"
            yield Finding(section, folder.name, str(error), "missing", advice)
            continue
        height, width = pack.train.images.shape[1:3]
        counts = f"{len(pack.train):,} training and {len(pack.val):,} validation pictures of {height}×{width}"
        yield Finding(section, pack.name, f"{counts}, {len(pack.classes)} classes, in {folder}")
        names.add(pack.name)
    if "builtin" not in names:
        yield Finding(section, "builtin", "drawn on first use, in seconds")
    if not names - {"builtin"}:
        advice = "`rugged data prepare tiny-imagenet`, or give --data a folder with one subfolder a class"
        yield Finding(section, "prepared", "none yet", "missing", advice)


def _textures() -> Iterator[Finding]:
    section = "Frost textures"
    try:
        from rugged.corruptions.textures import PROCEDURAL, cached_photographs, photograph_states
    except (ImportError, OSError, RuntimeError) as error:
        yield Finding(
            section, "photographs", f"cannot be looked at: {error}", "missing", "mend the packages above first"
        )
        return
    chosen = chosen_textures()
    if chosen == PROCEDURAL:
        yield Finding(section, "in use", f"{PROCEDURAL_NOTE}, as RUGGED_TEXTURES asks")
        return
    folder = expanded(chosen) if chosen else cached_photographs()
    states = photograph_states(folder)
    if set(states.values()) == {"ok"}:
        yield Finding(section, "photographs", f"all six, in {folder}")
        return
    advice = _texture_advice(chosen)
    for name, found in _texture_faults(folder, states):
        yield Finding(section, name, found, "missing", advice)
    used = f"none: frost stops, as {folder} was asked for" if chosen else PROCEDURAL_NOTE
    yield Finding(section, "in use", used, "missing", advice)


def _texture_faults(folder: Path, states: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The photographs that are not as they should be, and how they are instead."""
    if not folder.is_dir():
        yield "photographs", f"no folder {folder}"
        return
    for state, found in (("missing", "not there"), ("different", "not the published pictures (other sha256)")):
        names = [name for name, actual in states.items() if actual == state]
        if names:
            yield ", ".join(names), f"{found}, in {folder}"


def _texture_advice(chosen: str | None) -> str:
    from rugged.corruptions.textures import HOW_TO_GET_PHOTOGRAPHS

    fetching = "unset RUGGED_TEXTURES, and they" if chosen else "they"
    return f"{fetching} are fetched when a command first needs them; without a network: {HOW_TO_GET_PHOTOGRAPHS}"


def _extras() -> Iterator[Finding]:
    """The optional sets of packages, each whole or with what it lacks."""
    extras: dict[str, list[str]] = {}
    for name, extra in _requirements():
        if extra:
            extras.setdefault(extra, []).append(name)
    for extra, names in extras.items():
        absent = [name for name in names if not _version(name)]
        if absent:
            yield Finding("Optional tools", extra, f"without {', '.join(absent)}", "missing", how_to_install(extra))
        else:
            yield Finding("Optional tools", extra, "all installed")


def readable_bytes(count: float) -> str:
    """Write a number of bytes for people: ``1536`` becomes ``1.5 KiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
