"""Running networks: devices and precision, the resumable loop with its checkpoints, and inference.

Lightning's ``Fabric`` is handed on from here, since no other layer imports Lightning.
"""

from rugged.core.devices import Device, Precision
from rugged.engine.async_copy import async_copy
from rugged.engine.attack import ascend
from rugged.engine.batches import as_batch, as_pictures
from rugged.engine.devices import (
    Fabric,
    by_the_first,
    describe,
    make_fabric,
    measured_on,
    require_same,
    share_statistics,
)
from rugged.engine.inference import CHUNK, chunks, infer
from rugged.engine.loop import Indices, Loop, Position
from rugged.engine.networks import (
    IMAGENET_CLASSES,
    Network,
    class_infos,
    own_network,
    published_network,
    require_classes,
)
from rugged.engine.pictures import PlacedSplit
from rugged.engine.randomness import seed_step
from rugged.engine.restoring import Restorer, open_restorer
from rugged.engine.sharing import in_turn, shown_by_the_first, told_by_the_first
from rugged.engine.side_stream import record_streams, side_stream
from rugged.engine.subject import Subject, open_subject

__all__ = [
    "CHUNK",
    "IMAGENET_CLASSES",
    "Device",
    "Fabric",
    "Indices",
    "Loop",
    "Network",
    "PlacedSplit",
    "Position",
    "Precision",
    "Restorer",
    "Subject",
    "as_batch",
    "as_pictures",
    "ascend",
    "async_copy",
    "by_the_first",
    "chunks",
    "class_infos",
    "describe",
    "in_turn",
    "infer",
    "make_fabric",
    "measured_on",
    "open_restorer",
    "open_subject",
    "own_network",
    "published_network",
    "record_streams",
    "require_classes",
    "require_same",
    "seed_step",
    "share_statistics",
    "shown_by_the_first",
    "side_stream",
    "told_by_the_first",
]
