"""Where rugged runs: its folders, the versions and the hardware behind a result."""

import os
import platform
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from rugged import __version__
from rugged.core.files import expanded

_PACKAGES = ("torch", "torchvision", "timm", "lightning-fabric", "numpy", "opencv-python-headless", "pillow", "pyarrow")


def cache_directory() -> Path:
    """The folder for packed data and downloads: ``RUGGED_CACHE``, or the platform's cache folder."""
    chosen = os.environ.get("RUGGED_CACHE")
    if chosen:
        return expanded(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "rugged"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "rugged"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rugged"


def chosen_textures() -> str | None:
    """What ``RUGGED_TEXTURES`` asks for: a folder of frost photographs, ``procedural``, or nothing."""
    return os.environ.get("RUGGED_TEXTURES") or None


def versions(names: Sequence[str] | None = None) -> dict[str, str]:
    """Versions of Python and of the packages that decide a result, or of those among them that are named.

    Imports none of them.
    """
    found = {"python": platform.python_version(), "rugged": __version__}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found if names is None else {name: found[name] for name in names}


def hardware() -> dict[str, Any]:
    """The processor, the cores this process may use, and the memory in bytes (None where unknown)."""
    return {"cpu": _processor_name(), "cores": available_cores(), "memory_bytes": _memory_bytes()}


def available_cores() -> int:
    """Cores this process may run on, which in a container is fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
