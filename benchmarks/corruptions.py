"""Time the corruptions: milliseconds an image, one thread, mean of the five severities, drawing included.

    python benchmarks/corruptions.py                            this package, beside published figures
    python benchmarks/corruptions.py --peer other/bin/python    and beside imagecorruptions, from its own environment
    python benchmarks/corruptions.py --device cuda              on a GPU, in large batches

Each figure is processor time (on a GPU: time until the device is done), of the fastest of several runs of a severity:
whatever else the machine does only adds to it. The peer runs in a process of its own and takes turns with this package,
run by run, so that both see the same machine. Both get the same pictures: those of tests/golden, shifted and mirrored.
Rugged gets them as a batch, the peer one by one, which is how each is used; at 64 the peer uses its ImageNet constants,
having no others. Frost uses drawn textures here; photographs cost the same.
"""

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden"
BATCHES = {"cpu": {64: 128, 224: 16}, "cuda": {64: 4096, 224: 512}}
SCENES = {64: "tiny64/scene1", 224: "imagenet224/scene3"}
SEVERITIES = (1, 2, 3, 4, 5)

# Of the published code (hendrycks/robustness), one thread, ms an image at 64 and at 224, measured elsewhere.
REFERENCE = {
    "gaussian_noise": (0.22, 3.8), "shot_noise": (0.62, 9.3), "impulse_noise": (0.37, 8.2), "defocus_blur": (0.23, 3.1),
    "glass_blur": (29.97, 531.5), "motion_blur": (2.88, 48.1), "zoom_blur": (5.99, 53.9), "snow": (2.72, 29.4),
    "frost": (5.13, 5.3), "fog": (0.38, 2.8), "brightness": (0.79, 14.8), "contrast": (0.14, 1.3),
    "elastic_transform": (0.91, 20.6), "pixelate": (0.05, 0.4), "jpeg_compression": (0.09, 0.3),
    "speckle_noise": (0.21, 2.4), "gaussian_blur": (0.13, 2.3), "spatter": (0.36, 3.4), "saturate": (0.80, 14.2),
}  # fmt: skip


def pictures(side: int, count: int) -> np.ndarray:
    """Make (N, H, W, 3) different pictures of the same kind from one."""
    scene = SCENES[side]
    with np.load(GOLDEN / f"{scene.split('/')[0]}.npz") as archive:
        picture = archive[f"{scene}/input"]
    # Moved down as well, since across alone they come back after so many as the picture is wide.
    return np.stack([np.roll(picture, (i // side, 5 * i), axis=(0, 1))[:, :: -1 if i % 2 else 1] for i in range(count)])


def once(work: Callable[[int], object], count: int, clock: Callable[[], float] = time.process_time) -> list[float]:
    """Time work on so many pictures, once for each severity, in milliseconds a picture.

    What the other did meanwhile, and waiting for it, has emptied the caches: a turn begins with work that is not timed.
    """
    work(SEVERITIES[0])
    times = []
    for severity in SEVERITIES:
        start = clock()
        work(severity)
        times.append(1000 * (clock() - start) / count)
    return times


def fastest(runs: int, *ways: Callable[[], list[float]]) -> list[float]:
    """Take turns among ways to do the same, after one run to warm up; give of each the mean of its fastest times."""
    times = [[way() for way in ways] for _ in range(runs + 1)][1:]
    return [float(np.mean(np.min(runs_of_way, 0))) for runs_of_way in zip(*times, strict=True)]


def rugged_timer(side: int, device: str) -> Callable[[str], list[float]]:
    """Give a function that times one corruption of this package, once."""
    import torch

    from rugged.corruptions import corrupt, find_textures

    torch.set_num_threads(1)
    textures = find_textures("procedural")
    count = BATCHES[device][side]
    batch = torch.from_numpy(np.ascontiguousarray(pictures(side, count).transpose(0, 3, 1, 2))).to(device)

    def all_of_them(name: str, severity: int) -> None:
        corrupt(batch, name, severity, textures=textures)
        if device == "cuda":
            torch.cuda.synchronize()

    clock = time.perf_counter if device == "cuda" else time.process_time
    return lambda name: once(partial(all_of_them, name), count, clock)


class Peer:
    """The imagecorruptions package in the environment of another interpreter, asked for one run after another."""

    def __init__(self, python: str, script: str = __file__) -> None:
        command = [python, script, "--answer-as-peer"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def milliseconds(self, side: int, name: str) -> list[float]:
        """Have one corruption timed, once."""
        assert self.process.stdin
        assert self.process.stdout
        print(json.dumps([side, name]), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit("imagecorruptions could not be timed: does its environment import it?")
        return [float(time) for time in json.loads(answer)]


def answer_as_peer() -> None:
    """Time what is asked for on standard input, one JSON line each, with the peer's package."""
    np.float_ = np.float64  # The peer still says so; NumPy 2 removed the name.
    from imagecorruptions import corrupt

    def all_of_them(few: Sequence[np.ndarray], name: str, severity: int) -> None:
        for picture in few:
            corrupt(picture, corruption_name=name, severity=severity)

    for line in sys.stdin:
        side, name = json.loads(line)
        few = list(pictures(side, 8))
        print(json.dumps(once(partial(all_of_them, few, name), len(few))), flush=True)


def hardware(device: str) -> str:
    """Name the processor or the GPU as the system does, and the versions."""
    import torch

    if device == "cuda":
        name = torch.cuda.get_device_name()
    else:
        lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), None)
        name = f"{model or platform.processor() or platform.machine()}, {os.cpu_count()} cores, one thread"
    return f"{name}; Python {platform.python_version()}, torch {torch.__version__}, NumPy {np.__version__}"


def print_table(side: int, ours: dict[str, float], peer: dict[str, float]) -> None:
    """Print a Markdown table; ratios are times as fast as the other."""
    from rugged.corruptions import BENCHMARK

    print(f"\n| {side} × {side}, ms an image | rugged | imagecorruptions | ratio | reference, published | ratio |")
    print("|---|---|---|---|---|---|")
    rows: list[tuple[str, Sequence[str]]] = [(name, (name,)) for name in ours]
    for label, names in (*rows, ("**the 15 together**", BENCHMARK)):
        mine, theirs = sum(ours[name] for name in names), sum(peer.get(name, math.nan) for name in names)
        published = sum(REFERENCE[name][side == 224] for name in names)
        beside = f"{theirs:.3f} | {theirs / mine:.1f}" if peer else "– | –"
        print(f"| {label} | {mine:.4f} | {beside} | {published:.2f} | {published / mine:.1f} |")
    if peer:
        logarithms = [math.log(peer[name] / ours[name]) for name in BENCHMARK]
        print(f"\nGeometric mean of the 15 ratios: {math.exp(sum(logarithms) / len(logarithms)):.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", metavar="PYTHON", help="the interpreter that has imagecorruptions")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--sides", type=int, nargs="+", default=[64, 224], choices=[64, 224])
    parser.add_argument("--names", nargs="+", help="only these corruptions, without the sums")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--answer-as-peer", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.answer_as_peer:
        answer_as_peer()
        return
    from rugged.corruptions import ALL

    peer = Peer(arguments.peer) if arguments.peer else None
    print(hardware(arguments.device))
    for side in arguments.sides:
        ours: dict[str, float] = {}
        theirs: dict[str, float] = {}
        measure = rugged_timer(side, arguments.device)
        for name in arguments.names or ALL:
            ways = [partial(measure, name)]
            if peer:
                ways.append(partial(peer.milliseconds, side, name))
            ours[name], *others = fastest(arguments.runs, *ways)
            if others:
                theirs[name] = others[0]
            if arguments.names:
                ratio = f", {theirs[name]:.4f} the peer's, {theirs[name] / ours[name]:.2f}x" if peer else ""
                print(f"{side} {name}: {ours[name]:.4f} ms{ratio}", flush=True)
        if not arguments.names:
            print_table(side, ours, theirs)


if __name__ == "__main__":
    main()
