"""The demo: from the built-in data set to a report, in minutes and without a download."""

from dataclasses import dataclass
from pathlib import Path

from rugged.benchmark import benchmark
from rugged.core.progress import say
from rugged.data import open_dataset
from rugged.engine import Device
from rugged.explain import Wanted, explain_run
from rugged.report import write_report
from rugged.results import Summary
from rugged.train import load_recipe, train

_EXPLAINED = Wanted(corruptions=("gaussian_noise", "fog"), count=30)


@dataclass(frozen=True)
class DemoResult:
    """What the demo ends with: the model's summary, the baseline's, and the page."""

    model: Summary
    baseline: Summary
    page: Path


def run_demo(out: Path, *, device: Device = "auto", command: str = "") -> DemoResult:
    """Run data → baseline → training → benchmark → explanations → report.

    Trainings and cells that are finished already are not done again.

    Args:
        out: Folder for the two run folders and the page.
        device: Where to train and measure.
        command: The command line, for the manifests.

    Raises:
        Interrupted: A signal came; run again to go on.
    """
    say("1/6  Data: the built-in set, drawn by code")
    dataset = open_dataset("builtin")
    say("2/6  Baseline: a small AlexNet, whose errors the model's are divided by")
    baseline = train(load_recipe("demo_baseline"), dataset, out / "baseline-alexnet", device=device, command=command)
    say("3/6  Model: a small ResNet; half of the pictures that it learns from are corrupted")
    model = train(load_recipe("demo_model"), dataset, out / "resnet", device=device, command=command)
    say("4/6  Benchmark: both, clean and corrupted")
    # Drawn frost for drawn pictures: nothing to download, and the same bytes for everybody.
    baseline_summary = benchmark(baseline.path, dataset, textures="procedural", device=device, command=command)
    summary = benchmark(
        model.path, dataset, textures="procedural", baseline=baseline.path, device=device, command=command
    )
    say("5/6  Explanations: where both look, clean and corrupted")
    explain_run([model.path, baseline.path], dataset, wanted=_EXPLAINED, device=device, command=command)
    say("6/6  Report")
    page = write_report([model.path, baseline.path], out / "report" / "index.html")
    return DemoResult(summary, baseline_summary, page)
