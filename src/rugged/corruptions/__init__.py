"""The common corruptions: faithful to the published code, keyed per image, batched, on the CPU and on CUDA GPUs."""

from rugged.core.catalogue import ALL, BENCHMARK, EXTRA, PRESETS, SEVERITIES, preset_for
from rugged.corruptions.augmentation import corrupt_randomly
from rugged.corruptions.corruptor import Corruptor, choose_corruptor
from rugged.corruptions.engine import corrupt, replay
from rugged.corruptions.streams import STREAM_VERSION
from rugged.corruptions.textures import ProceduralFrostWarning, Textures, choose_textures, fetch_textures, find_textures
from rugged.corruptions.transfer import transfer_of_motion

__all__ = [
    "ALL",
    "BENCHMARK",
    "EXTRA",
    "PRESETS",
    "SEVERITIES",
    "STREAM_VERSION",
    "Corruptor",
    "ProceduralFrostWarning",
    "Textures",
    "choose_corruptor",
    "choose_textures",
    "corrupt",
    "corrupt_randomly",
    "fetch_textures",
    "find_textures",
    "preset_for",
    "replay",
    "transfer_of_motion",
]
