"""How fast `rugged corrupt` writes files: the whole command, starting of processes and counting included.

    .venv/bin/python benchmarks/corrupted_files.py                                       a small run, built-in data
    .venv/bin/python benchmarks/corrupted_files.py --source tiny-imagenet --limit 10000    750,000 files

Write to a disk on which nothing was deleted in the last minutes: after a deletion ext4 passes over the freed inodes one
by one for every new file, which costs several times what the work itself does.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rugged.core.environment import hardware, versions
from rugged.core.files import read_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", default="builtin")
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--out", type=Path, help="where to make the folder that is written and removed")
    parser.add_argument("options", nargs="*", help="after --, further options of rugged corrupt")
    arguments = parser.parse_args()
    facts = hardware()
    print(f"{facts['cpu']}, {facts['cores']} cores, Python {versions()['python']}, torch {versions()['torch']}")
    subprocess.run([sys.executable, "-m", "rugged", "data", "info", arguments.source], check=True, capture_output=True)
    with tempfile.TemporaryDirectory(dir=arguments.out) as folder:
        out = Path(folder) / "corrupted"
        command = ["corrupt", arguments.source, str(out), "--limit", str(arguments.limit), *arguments.options]
        before, started = os.times(), time.perf_counter()
        subprocess.run([sys.executable, "-m", "rugged", *command], check=True, stdout=subprocess.DEVNULL)
        seconds, after = time.perf_counter() - started, os.times()
        counts = read_json(out / "manifest.json")["counts"]
    files = sum(count for cells in counts.values() for count in cells.values())
    user, system = after.children_user - before.children_user, after.children_system - before.children_system
    print(f"{files:,} files in {seconds:.1f} s: {files / seconds:,.0f} a second, on all cores")
    print(f"processor time a file: {1000 * user / files:.3f} ms, and {1000 * system / files:.3f} ms in the system")


if __name__ == "__main__":
    main()
