"""From picture files to predictions, a batch at a time: memory does not grow with their number."""

import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from rugged.core.environment import available_cores
from rugged.core.progress import say
from rugged.data.decode import BadImageError
from rugged.engine.prefetch import ahead
from rugged.predict.classifier import Classifier, Guess, batches, require_top, top_guesses
from rugged.predict.pictures import Pixels, read_picture
from rugged.predict.sources import Source


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one picture.

    Attributes:
        source: Which one.
        guesses: Its most probable classes; none where it cannot be used.
        error: Why it cannot be used.
    """

    source: Source
    guesses: tuple[Guess, ...] = ()
    error: str | None = None


def predict_files(
    classifier: Classifier, sources: Iterator[Source], top: int = 5, *, fetched_ahead: int = 1
) -> Iterator[Row]:
    """Predict pictures in their order. One that cannot be used is a row with an error, and said on standard error.

    Args:
        classifier: That answers.
        sources: What ``rugged.predict.find_pictures`` found.
        top: How many classes.
        fetched_ahead: Batches that are read while the one before is answered; 0 for none. The pictures of a batch are
            read on all cores: of photographs that is most of the work.

    Raises:
        ConfigError: ``top`` is below 1.
        ModelError: The model's answer is no number.
    """
    require_top(top)
    side = classifier.spec.input_size

    def read(batch: list[Source]) -> list[Pixels | str]:
        with warnings.catch_warnings(action="ignore"):  # Around the threads, which would restore one another's filters.
            return list(readers.map(partial(_read, side=side), batch))

    with (
        ThreadPoolExecutor(available_cores(), "decode") as readers,
        ahead(batches(sources), read, fetched_ahead) as fetched,
    ):
        for batch, found in fetched:
            good = [each for each in found if not isinstance(each, str)]
            guesses = iter(top_guesses(classifier.judge(good), classifier.classes, top))
            for source, each in zip(batch, found, strict=True):
                if isinstance(each, str):
                    say(f"{source.name!r}: {each}")
                    yield Row(source, error=each)
                else:
                    yield Row(source, next(guesses))


def _read(source: Source, side: int) -> Pixels | str:
    if source.error is not None:
        return source.error
    try:
        return read_picture(source.path, side)
    except BadImageError as error:
        return str(error)
    except (OSError, ValueError) as error:  # Names that are too long, or hold a NUL.
        return f"cannot be opened ({error})"
