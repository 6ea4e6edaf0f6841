"""Time the corruptions: milliseconds an image, one thread, mean of the five severities, drawing included.

    python benchmarks/corruptions.py                        this package
    python benchmarks/corruptions.py --peer other/bin/python    beside imagecorruptions, from an environment of its own

Each figure is processor time, of the fastest of several runs: whatever else the machine does only adds to it. Both
sides get the same pictures: those of tests/golden, shifted and mirrored. Rugged gets them as a batch, the peer one by
one, which is how each is used; at 64 the peer uses its ImageNet constants, having no others.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden"
BATCHES = {64: ("tiny64/scene1", 128), 224: ("imagenet224/scene3", 16)}
SEVERITIES = (1, 2, 3, 4, 5)


def pictures(side: int) -> np.ndarray:
    """Make (N, H, W, 3) different pictures of the same kind from one."""
    scene, count = BATCHES[side]
    preset, name = scene.split("/")
    with np.load(GOLDEN / f"{preset}.npz") as archive:
        picture = archive[f"{preset}/{name}/input"]
    return np.stack([np.roll(picture, 5 * i, axis=1)[:, :: -1 if i % 2 else 1] for i in range(count)])


def fastest(work: Callable[[], object], runs: int) -> float:
    """Time the fastest of several runs, after one to warm up, in seconds."""
    work()
    times = []
    for _ in range(runs):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def time_rugged(side: int, runs: int) -> dict[str, float]:
    import torch

    from rugged.corruptions import AVAILABLE, corrupt

    torch.set_num_threads(1)
    batch = torch.from_numpy(np.ascontiguousarray(pictures(side).transpose(0, 3, 1, 2)))
    return {
        name: 1000
        * sum(fastest(lambda n=name, s=s: corrupt(batch, n, s), runs) for s in SEVERITIES)
        / (len(SEVERITIES) * len(batch))
        for name in AVAILABLE
    }


def time_peer(side: int, runs: int, names: list[str]) -> dict[str, float]:
    from imagecorruptions import corrupt

    few = list(pictures(side)[:8])

    def all_of_them(name: str, severity: int) -> None:
        for picture in few:
            corrupt(picture, corruption_name=name, severity=severity)

    return {
        name: 1000
        * sum(fastest(lambda n=name, s=s: all_of_them(n, s), runs) for s in SEVERITIES)
        / (len(SEVERITIES) * len(few))
        for name in names
    }


def peer_beside(python: str, side: int, runs: int, names: list[str]) -> dict[str, float]:
    """Time the peer in the environment of another interpreter; empty where it is not installed."""
    command = [python, __file__, "--only-peer", json.dumps([side, runs, names])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"imagecorruptions not timed: {done.stderr.strip().splitlines()[-1]}")
        return {}
    return json.loads(done.stdout.splitlines()[-1])


def hardware() -> str:
    """Name the processor as the system does."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores, one thread; Python {platform.python_version()}, NumPy {np.__version__}"


def print_table(side: int, ours: dict[str, float], peer: dict[str, float]) -> None:
    print(f"\n{side} x {side}, ms an image" + (f"{'rugged':>15} {'imagecorruptions':>18} {'ratio':>8}" if peer else ""))
    for name, value in (*ours.items(), ("sum", sum(ours.values()))):
        theirs = peer.get(name, sum(peer.values()))
        print(f"{name:<24} {value:>14.4f}" + (f" {theirs:>18.4f} {theirs / value:>7.1f}x" if peer else ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", default=sys.executable, help="the interpreter that has imagecorruptions")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--only-peer", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only_peer:
        print(json.dumps(time_peer(*json.loads(arguments.only_peer))))
        return
    print(hardware())
    for side in BATCHES:
        ours = time_rugged(side, arguments.runs)
        print_table(side, ours, peer_beside(arguments.peer, side, arguments.runs, list(ours)))


if __name__ == "__main__":
    main()
