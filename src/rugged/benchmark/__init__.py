"""Measuring a classifier: clean images and the common corruptions, into saved predictions."""

from rugged.benchmark.measure import benchmark

__all__ = ["benchmark"]
