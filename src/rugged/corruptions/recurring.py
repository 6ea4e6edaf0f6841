"""What comes again and again: whether to make something for it, and keep that, pays."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock


class Recurring:
    """Counts how often something comes, of the few things that came last.

    A table for a size of pictures costs as much as some pictures without it. Where every picture has another size, none
    is worth making; where a size comes again, making it when it has come that often never costs more than twice what
    the best choice would, as long as no more different things take turns than are kept.

    Args:
        often: So often makes it pay.
        kept: Of so many different things the counts are kept: as many as what is made for them.
    """

    def __init__(self, often: int, kept: int) -> None:
        self._often, self._kept = often, kept
        self._counts: OrderedDict[Hashable, int] = OrderedDict()
        self._lock = Lock()

    def pays(self, what: Hashable, times: int = 1) -> bool:
        """Note that something has come, and say whether it has come often."""
        with self._lock:
            count = self._counts.pop(what, 0) + times
            self._counts[what] = count
            if len(self._counts) > self._kept:
                self._counts.popitem(last=False)
        return count >= self._often
