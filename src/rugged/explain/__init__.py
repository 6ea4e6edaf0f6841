"""Why a network answers as it does: maps of attention, how they move under corruption, filters and activations."""

from rugged.engine import Network
from rugged.explain.attribution import attribute, is_empty
from rugged.explain.drifting import drift
from rugged.explain.layers import Layer, find_layer, find_layers
from rugged.explain.methods import METHODS
from rugged.explain.overlay import overlay

__all__ = ["METHODS", "Layer", "Network", "attribute", "drift", "find_layer", "find_layers", "is_empty", "overlay"]
