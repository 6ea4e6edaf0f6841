"""Test-time variants: other ways for the same classifier to answer, each measured as a row beside the plain one."""

from collections.abc import Callable, Mapping, Sequence

from rugged.benchmark.variants.attack import make_attack
from rugged.benchmark.variants.base import Answer, Setting, Variant
from rugged.benchmark.variants.batch_norm import make_adaptation
from rugged.benchmark.variants.restored import Opened, Restoration, open_restorers
from rugged.benchmark.variants.temperature import make_scaling
from rugged.core.errors import ConfigError
from rugged.core.hints import no_such
from rugged.core.selection import require_list
from rugged.core.stopping import StopRequest

__all__ = [
    "VARIANTS",
    "Answer",
    "Opened",
    "Restoration",
    "Setting",
    "Variant",
    "choose_variants",
    "open_restorers",
]

VARIANTS: Mapping[str, Callable[[Setting, StopRequest], Variant]] = {
    "batchnorm": make_adaptation,
    "temperature": make_scaling,
    "pgd": make_attack,
}


def choose_variants(names: Sequence[str]) -> tuple[str, ...]:
    """Check names of variants, and put each once, in the table's order.

    Raises:
        ConfigError: There is no such variant, or one text was given in place of a list.
    """
    require_list(names, "variants")
    for name in names:
        if name not in VARIANTS:
            raise ConfigError(no_such("variant", name, VARIANTS))
    return tuple(name for name in VARIANTS if name in names)
