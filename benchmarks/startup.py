"""How long `rugged --help` takes, and `rugged doctor`, which imports torch: the floor under every command.

    .venv/bin/python benchmarks/startup.py

Prints the median and the fastest of several runs, each in a fresh process.
"""

import statistics
import subprocess
import sys
import time

from rugged.core.environment import hardware, versions

RUNS = 7


def seconds(arguments: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "rugged", *arguments], capture_output=True, check=False)
    return time.perf_counter() - start


def main() -> None:
    facts = hardware()
    print(f"{facts['cpu']}, {facts['cores']} cores, Python {versions()['python']}, {RUNS} runs each")
    print(f"{'command':<20} {'median s':>9} {'fastest s':>9}")
    for arguments in (["--help"], ["train", "--help"], ["doctor"]):
        seconds(arguments)  # The first run fills the disk cache; it is not counted.
        times = [seconds(arguments) for _ in range(RUNS)]
        print(f"{'rugged ' + ' '.join(arguments):<20} {statistics.median(times):>9.2f} {min(times):>9.2f}")


if __name__ == "__main__":
    main()
