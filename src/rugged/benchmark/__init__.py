"""Measuring a classifier: clean images, common corruptions and perturbation sequences, into saved predictions.

A restorer is measured here, too: how near it brings corrupted images to the clean ones.
"""

from rugged.benchmark.measure import benchmark
from rugged.benchmark.restorers.restoration import benchmark_restorer
from rugged.benchmark.sequences import benchmark_sequences

__all__ = ["benchmark", "benchmark_restorer", "benchmark_sequences"]
