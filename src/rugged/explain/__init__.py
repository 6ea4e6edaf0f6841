"""Why a network answers as it does: maps of attention, how they move under corruption, filters and activations."""

from rugged.engine import Network
from rugged.explain.activations import activations
from rugged.explain.attribution import attribute, is_empty, maps_of
from rugged.explain.drifting import drift
from rugged.explain.filters import depthwise_filters, first_filters
from rugged.explain.layers import Layer, find_layer, find_layers
from rugged.explain.methods import METHODS
from rugged.explain.overlay import overlay
from rugged.explain.pointing import pointing_game
from rugged.explain.run import Wanted, explain_run

__all__ = [
    "METHODS",
    "Layer",
    "Network",
    "Wanted",
    "activations",
    "attribute",
    "depthwise_filters",
    "drift",
    "explain_run",
    "find_layer",
    "find_layers",
    "first_filters",
    "is_empty",
    "maps_of",
    "overlay",
    "pointing_game",
]
