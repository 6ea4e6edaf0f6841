"""Networks, what they expect as input, and the files that hold both."""

from rugged.models.files import load_model, read_spec, save_model, spec_of_weights
from rugged.models.heads import freeze_body, head_parameters
from rugged.models.imagenet import imagenet_indices, imagenet_names
from rugged.models.listing import count_parameters
from rugged.models.modes import modes_kept, training_mode
from rugged.models.restoring import RestorerSpec, load_restorer, make_restorer, save_restorer
from rugged.models.shipped import DEFAULT, located, shipped_models
from rugged.models.spec import ModelSpec, preprocess
from rugged.models.zoo import build, default_input_size, default_normalisation, published_classes, resolve

__all__ = [
    "DEFAULT",
    "ModelSpec",
    "RestorerSpec",
    "build",
    "count_parameters",
    "default_input_size",
    "default_normalisation",
    "freeze_body",
    "head_parameters",
    "imagenet_indices",
    "imagenet_names",
    "load_model",
    "load_restorer",
    "located",
    "make_restorer",
    "modes_kept",
    "preprocess",
    "published_classes",
    "read_spec",
    "resolve",
    "save_model",
    "save_restorer",
    "shipped_models",
    "spec_of_weights",
    "training_mode",
]
