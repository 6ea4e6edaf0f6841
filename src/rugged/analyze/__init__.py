"""What saved results say beyond their figures: which models differ."""

from rugged.analyze.comparison import Comparison, Difference, compare

__all__ = ["Comparison", "Difference", "compare"]
