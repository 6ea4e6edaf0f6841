"""Networks, what they expect as input, and the files that hold both."""

from rugged.models.files import load_model, read_spec, save_model
from rugged.models.spec import ModelSpec, preprocess
from rugged.models.zoo import build, default_normalisation, resolve

__all__ = [
    "ModelSpec",
    "build",
    "default_normalisation",
    "load_model",
    "preprocess",
    "read_spec",
    "resolve",
    "save_model",
]
