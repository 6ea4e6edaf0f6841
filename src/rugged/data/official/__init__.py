"""Corrupted pictures that lie in files: the published collections as downloaded or extracted, and what we write.

Nothing is extracted, and nothing that an archive names is ever opened: pictures are read from their place in it.
"""

from rugged.data.official.archive import Archive
from rugged.data.official.collections import collection_of
from rugged.data.official.opening import open_archive

__all__ = ["Archive", "collection_of", "open_archive"]
