"""Exit codes of the command line; the table of them is in the README."""

from enum import IntEnum

from kinimmune.models.errors import DataError, KinimmuneError, ModelError, NumericalError, UsageError


class Exit(IntEnum):
    """What the shell is told."""

    DONE = 0
    NOT_CONVERGED = 1
    """Ran to the end, but did not converge."""
    USAGE = 2
    DATA = 3
    MODEL = 4
    NUMERICAL = 5
    INTERRUPTED = 6
    """Ctrl-C; finished tasks are kept."""


_CODES = {UsageError: Exit.USAGE, DataError: Exit.DATA, ModelError: Exit.MODEL, NumericalError: Exit.NUMERICAL}


def exit_code(error: KinimmuneError) -> Exit:
    """Return the exit code of an error.

    >>> exit_code(DataError("targets.csv is empty"))
    <Exit.DATA: 3>
    """
    return next(code for kind, code in _CODES.items() if isinstance(error, kind))
