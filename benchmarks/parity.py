"""Replay every golden picture and print how near each corruption comes to the published code, as a table.

    python benchmarks/parity.py [ARCHIVE.npz ...]       default: those of tests/golden

Frost is replayed with the photographs that RUGGED_TEXTURES or the cache hold, and left out without them.
"""

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np

from rugged.core.catalogue import ALL, PRESETS
from rugged.corruptions import find_textures, replay

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden"
SEEDS = {f"scene{n}": 1000 + n for n in range(1, 7)} | {f"val_{n}.JPEG": 2000 + n for n in range(4)}

Tally = dict[str, list[int]]
"""Corruption -> values compared, values that differ, largest difference, outputs compared."""


def compare(archives: list[Path], names: list[str]) -> dict[str, Tally]:
    """Replay all pictures of some archives, by preset and corruption."""
    tallies: dict[str, Tally] = {preset: defaultdict(lambda: [0, 0, 0, 0]) for preset in PRESETS}
    for path in archives:
        with np.load(path) as archive:
            for key in archive.files:
                preset, scene, name, *severity = key.split("/")
                if name in names:
                    state = np.random.RandomState(SEEDS[scene])
                    image = archive[f"{preset}/{scene}/input"]
                    ours = replay(image, name, int(severity[0]), preset=preset, random_state=state)
                    difference = np.abs(ours.astype(int) - archive[key])
                    tally = tallies[preset][name]
                    tally[0] += difference.size
                    tally[1] += np.count_nonzero(difference)
                    tally[2] = max(tally[2], int(difference.max()))
                    tally[3] += 1
    return tallies


def cell(tally: list[int]) -> str:
    """Say what share is identical, and the largest difference where any value differs."""
    values, differing, largest, outputs = tally
    if not outputs:
        return "–"
    return f"{100 * (1 - differing / values):.4f} (±{largest})" if differing else "100"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archives", nargs="*", type=Path, default=sorted(GOLDEN.glob("*.npz")))
    photographs = find_textures().label == "photographs"
    names = [name for name in ALL if name != "frost" or photographs]
    tallies = compare(parser.parse_args().archives, names)
    counts = (max((tally[3] for tally in each.values()), default=0) for each in tallies.values())
    heads = (f"{preset}, {count} outputs" for preset, count in zip(tallies, counts, strict=True))
    print(f"| values identical, % | {' | '.join(heads)} |")
    print(f"|---|{'---|' * len(tallies)}")
    for name in names:
        print(f"| {name} | {' | '.join(cell(tally[name]) for tally in tallies.values())} |")


if __name__ == "__main__":
    main()
