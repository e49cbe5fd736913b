"""Exit codes of the command line; the table of them is in the README."""

from enum import IntEnum

from kinimmune.models.errors import DataError, KinimmuneError, MachineError, ModelError, NumericalError, UsageError


class Exit(IntEnum):
    """What the shell is told."""

    DONE = 0
    NOT_CONVERGED = 1
    """Ran to the end, but a fit or sample did not converge, or a claim failed."""
    USAGE = 2
    """What was asked for cannot be done."""
    DATA = 3
    """What a file says cannot be used."""
    MODEL = 4
    NUMERICAL = 5
    """Nothing usable came out."""
    INTERRUPTED = 6
    """Stopped by SIGINT, SIGTERM or SIGHUP; finished tasks are kept."""
    MACHINE = 7
    """The machine failed: disk, memory, a lost cluster, an internal error; what was finished is kept."""


_CODES = {
    UsageError: Exit.USAGE,
    DataError: Exit.DATA,
    ModelError: Exit.MODEL,
    NumericalError: Exit.NUMERICAL,
    MachineError: Exit.MACHINE,
}


def exit_code(error: KinimmuneError) -> Exit:
    """Return the exit code of an error.

    >>> exit_code(DataError("targets.csv is empty"))
    <Exit.DATA: 3>
    """
    return next(code for kind, code in _CODES.items() if isinstance(error, kind))
