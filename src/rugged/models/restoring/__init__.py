"""The restorer: a network that undoes what a corruption did to a picture, what teaches it, and its files."""

from rugged.models.restoring.discriminator import Discriminator
from rugged.models.restoring.files import load_restorer, save_restorer
from rugged.models.restoring.generator import Generator, Restored
from rugged.models.restoring.spec import RestorerSpec, make_restorer, require_network

__all__ = [
    "Discriminator",
    "Generator",
    "Restored",
    "RestorerSpec",
    "load_restorer",
    "make_restorer",
    "require_network",
    "save_restorer",
]
