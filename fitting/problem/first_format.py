"""Runs from before there were digests: none of their finished tasks holds any more.

Start with `recognise`.  Such a run knows its tables by the SHA-256 of their bytes, and nothing of equations and numerics.  It was
made by numerics of before (`kinimmune.fitting.problem.digest.NUMERICS`): it is reported as it is, and computed again when it is
taken up.
"""

from dataclasses import replace

from kinimmune.fitting.runs.run import Run

UNKNOWN = "unknown"
"""Digest that no problem has."""


def recognise(run: Run) -> Run:
    """Return a run with a digest: its own, or `UNKNOWN`.  Nothing is written; the next update of the run does that."""
    return run if run.record.digest else replace(run, record=replace(run.record, digest=UNKNOWN))
