"""Time the corruptions on single pictures, each of a size of its own: what photographs cost one after the other.

    python benchmarks/own_sizes.py                            this package
    python benchmarks/own_sizes.py --peer other/bin/python    and beside imagecorruptions, from its own environment

Milliseconds of processor time a picture, one thread, mean of the five severities, drawing included. Pictures are cut
from one of tests/golden, enlarged to 640 × 480, by up to 60 pixels from either side: sizes hardly come twice, so that
what is made for a size and kept is of no use, but for frost's two largest textures, which are drawn here. Both sides
get the same pictures, with ImageNet's parameters, and take turns, a turn a corruption; of several turns the median
counts.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image

from corruptions import GOLDEN, SEVERITIES, Peer, hardware

WIDTH, HEIGHT, CUT = 640, 480, 60


def photograph() -> np.ndarray:
    """A picture of 640 × 480, ``(480, 640, 3)`` uint8."""
    with np.load(GOLDEN / "imagenet224.npz") as archive:
        picture = Image.fromarray(archive["imagenet224/scene3/input"])
    return np.asarray(picture.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))


def pictures(turn: int) -> list[np.ndarray]:
    """One for each severity, of sizes that no other turn has had but by chance."""
    whole, random = photograph(), np.random.default_rng(turn)
    cuts = random.integers(0, CUT, (len(SEVERITIES), 2))
    return [np.ascontiguousarray(whole[down:, across:]) for down, across in cuts]


def milliseconds(work: Callable[[np.ndarray, int], object], turn: int) -> float:
    """Time one corruption, a picture a severity."""
    few = pictures(turn)
    start = time.process_time()
    for picture, severity in zip(few, SEVERITIES, strict=True):
        work(picture, severity)
    return 1000 * (time.process_time() - start) / len(few)


def rugged_timer() -> Callable[[str, int], float]:
    """Give a function that times one corruption of this package."""
    import torch

    from rugged.corruptions import corrupt, find_textures

    torch.set_num_threads(1)
    textures = find_textures("procedural")

    def one(name: str, picture: np.ndarray, severity: int) -> None:
        batch = torch.tensor(picture).permute(2, 0, 1)[None].contiguous()
        corrupt(batch, name, severity, preset="imagenet224", textures=textures)

    return lambda name, turn: milliseconds(partial(one, name), turn)


def answer_as_peer() -> None:
    """Time what is asked for on standard input, one JSON line each, with the peer's package."""
    np.float_ = np.float64  # The peer still says so; NumPy 2 removed the name.
    from imagecorruptions import corrupt

    def one(name: str, picture: np.ndarray, severity: int) -> None:
        corrupt(picture, severity, name)

    for line in sys.stdin:
        turn, name = json.loads(line)
        print(json.dumps([milliseconds(partial(one, name), turn)]), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", metavar="PYTHON", help="the interpreter that has imagecorruptions")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--answer-as-peer", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.answer_as_peer:
        answer_as_peer()
        return
    from rugged.corruptions import ALL, BENCHMARK

    peer, ours = Peer(arguments.peer, __file__) if arguments.peer else None, rugged_timer()
    print(hardware("cpu"))
    print(f"\n| {WIDTH} × {HEIGHT}, ms a picture | rugged | imagecorruptions | ratio |\n|---|---|---|---|")
    mine: dict[str, float] = {}
    theirs: dict[str, float] = {}
    for name in ALL:
        turns = []
        for turn in range(arguments.turns + 1):
            turns.append((ours(name, turn), peer.milliseconds(turn, name)[0] if peer else math.nan))
        mine[name], theirs[name] = np.median(turns[1:], 0).tolist()  # the first one warms up
        print(f"| {name} | {mine[name]:.1f} | {theirs[name]:.1f} | {theirs[name] / mine[name]:.1f} |", flush=True)
    totals = [sum(times[name] for name in BENCHMARK) for times in (mine, theirs)]
    print(f"| **the 15 together** | {totals[0]:.0f} | {totals[1]:.0f} | {totals[1] / totals[0]:.1f} |")
    mean = math.exp(sum(math.log(theirs[name] / mine[name]) for name in BENCHMARK) / len(BENCHMARK))
    print(f"\nGeometric mean of the 15 ratios: {mean:.1f}")


if __name__ == "__main__":
    main()
