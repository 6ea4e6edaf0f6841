"""Measuring a classifier: clean images, common corruptions and perturbation sequences, into saved predictions."""

from rugged.benchmark.measure import benchmark
from rugged.benchmark.sequences import benchmark_sequences

__all__ = ["benchmark", "benchmark_sequences"]
