"""Read-outs any model's claims can use: a quantity of one experiment, alone or against another.

Start with `GENERAL`, which names them; those that belong to one model stand in `kinimmune.fitting.claims.readouts.MODEL`, in a
mapping `READOUTS` of its own.  A read-out takes a laboratory and the claim (for its columns) and returns one value per parameter
set; text of a table is only ever looked up.
"""

from collections.abc import Callable

import numpy as np

from kinimmune.fitting.claims.batch import Laboratory
from kinimmune.fitting.claims.table import Claim
from kinimmune.models.arrays import Array

Readout = Callable[[Laboratory, Claim], Array]


def value(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the quantity in the experiment, shape (n,)."""
    return laboratory.read(claim.experiment, claim.quantity, claim.day)


def ratio(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the quantity in the experiment over that in the baseline, shape (n,); not a number where both are 0."""
    with np.errstate(divide="ignore", invalid="ignore"):  # a cut mechanism may leave nothing in either
        return value(laboratory, claim) / laboratory.read(claim.baseline, claim.quantity, claim.day)


def difference(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the quantity in the experiment minus that in the baseline, shape (n,)."""
    return value(laboratory, claim) - laboratory.read(claim.baseline, claim.quantity, claim.day)


def log_ratio(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the size of the change, |ln ratio|, shape (n,)."""
    return np.abs(np.log(ratio(laboratory, claim)))


def through(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the quantity with the claim's first mechanism over that without it, shape (n,): 1 where it does nothing."""
    return value(laboratory, claim) / value(laboratory.without(claim.arrows[0]), claim)


GENERAL: dict[str, Readout] = {
    "value": value,
    "ratio": ratio,
    "difference": difference,
    "log_ratio": log_ratio,
    "through": through,
}
"""Read-outs by the name that stands in a table."""

_ONE = ("quantity", "experiment", "day")
NEEDED: dict[str, tuple[str, ...]] = {
    name: (*_ONE, "baseline") if name in ("ratio", "difference", "log_ratio") else _ONE for name in GENERAL
}
"""Columns each of them needs."""
