"""Read-outs that the claims of any model can use: a quantity of one experiment, alone or against another.

Start with `GENERAL`, which names them.  Those of one model stand in `kinimmune.fitting.claims.readouts.MODEL`.
"""

from collections.abc import Mapping

import numpy as np

from kinimmune.fitting.claims.batch import ExperimentBatch
from kinimmune.fitting.claims.readout import Named, Readout
from kinimmune.fitting.claims.table import Claim
from kinimmune.models.arrays import Array


def value(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the quantity in the experiment, shape (n,)."""
    return batch.read(claim.experiment, claim.quantity, claim.day)


def ratio(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the quantity in the experiment over that in the baseline, shape (n,); not a number where both are 0."""
    with np.errstate(divide="ignore", invalid="ignore"):  # a knock-out may leave nothing in either
        return value(batch, claim) / batch.read(claim.baseline, claim.quantity, claim.day)


def difference(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the quantity in the experiment minus that in the baseline, shape (n,)."""
    return value(batch, claim) - batch.read(claim.baseline, claim.quantity, claim.day)


def absolute_log_ratio(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the size of the change |ln(experiment / baseline)| of the quantity, shape (n,)."""
    return np.abs(np.log(ratio(batch, claim)))


def fold_change_by_mechanism(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the quantity with the claim's first mechanism over that without it, shape (n,): 1 where it does nothing."""
    return value(batch, claim) / value(batch.without(claim.knock_outs[0]), claim)


_ONE_EXPERIMENT = {"quantity": Named.QUANTITY, "experiment": Named.EXPERIMENT, "day": Named.DAY}
_TWO_EXPERIMENTS = _ONE_EXPERIMENT | {"baseline": Named.EXPERIMENT}

GENERAL: Mapping[str, Readout] = {
    "value": Readout(value, _ONE_EXPERIMENT),
    "ratio": Readout(ratio, _TWO_EXPERIMENTS),
    "difference": Readout(difference, _TWO_EXPERIMENTS),
    "log_ratio": Readout(absolute_log_ratio, _TWO_EXPERIMENTS),
    "through": Readout(fold_change_by_mechanism, _ONE_EXPERIMENT | {"arrows": Named.INTERACTION}),
}
"""Name in the column `readout` of `claims.csv` -> read-out."""
