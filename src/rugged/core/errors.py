"""The errors a user can cause. Each message says what was found, what was expected and what to do."""


class RuggedError(Exception):
    """Base of every error that the command line prints as one message instead of a traceback."""


class ConfigError(RuggedError):
    """A recipe, an option or an environment variable that cannot be used."""


class DataError(RuggedError):
    """A data set, picture, archive or cache that cannot be used."""


class NoClassesError(DataError):
    """A folder without the subfolders that would be the classes of a data set."""


class CorruptionError(RuggedError):
    """A corruption, severity or preset that does not exist or does not fit the images."""


class ModelError(RuggedError):
    """An architecture or a model file that cannot be used."""


class ResultsError(RuggedError):
    """Saved predictions, summaries or baselines that cannot be read."""


class IncomparableError(ResultsError):
    """Two results that were not measured under the same conditions."""


class MetricsError(RuggedError, ValueError):
    """Numbers of which a metric says nothing, such as an error rate outside [0, 1]."""


class RunError(RuggedError):
    """A run folder in a state that does not allow what was asked."""


class Interrupted(RuggedError):  # noqa: N818 - being asked to stop is no error.
    """Work stopped on request, with everything finished so far saved.

    Args:
        message: What was saved and how to go on.
        signal_number: The signal that asked for it, from which the exit status follows.
    """

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.signal_number = signal_number
