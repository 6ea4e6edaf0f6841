"""The common corruptions: faithful to the published code, keyed per image, batched, on any device."""

from rugged.core.catalogue import ALL, BENCHMARK, EXTRA, preset_for
from rugged.corruptions.engine import corrupt, replay
from rugged.corruptions.registry import AVAILABLE
from rugged.corruptions.streams import STREAM_VERSION

__all__ = ["ALL", "AVAILABLE", "BENCHMARK", "EXTRA", "STREAM_VERSION", "corrupt", "preset_for", "replay"]
