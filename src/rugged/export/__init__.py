"""Handing a model to others: as an ONNX file that has its preprocessing inside and has been held against the model.

A package beside benchmark and predict: neither knows it, and what it writes they open as they open any ONNX file.
"""

from rugged.export.job import Exported, export_model

__all__ = ["Exported", "export_model"]
