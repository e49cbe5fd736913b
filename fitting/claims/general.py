"""Read-outs that the claims of any model can use: a quantity of one experiment, alone or against another.

Start with `GENERAL`, which names them.  Those of one model stand in `kinimmune.fitting.claims.readouts.MODEL`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.claims.batch import ExperimentBatch
from kinimmune.fitting.claims.readout import Named, Readout
from kinimmune.fitting.claims.table import Claim
from kinimmune.models.arrays import Array, Bools


def value(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the quantity in the experiment, shape (n,)."""
    return batch.read(claim.experiment, claim.quantity, claim.day)


def quotient(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the quantity in the experiment over that in the baseline as computed, shape (n,), for the search of a root."""
    return _read_pair(batch, claim).quotient


def ratio(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the quantity in the experiment over that in the baseline, shape (n,).

    Exactly 1 where the two differ by no more than their errors, not a number where both are 0.
    """
    return _read_pair(batch, claim).ratio


def difference(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the quantity in the experiment minus that in the baseline, shape (n,); exactly 0 within their errors."""
    return _read_pair(batch, claim).difference


def absolute_log_ratio(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the size of the change |ln(experiment / baseline)| of the quantity, shape (n,); infinite where one is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):  # a knock-out may leave nothing in one
        return np.abs(np.log(ratio(batch, claim)))


def fold_change_by_mechanism(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the quantity with the claim's first mechanism over that without it, shape (n,): 1 where it does nothing."""
    without = batch.without(claim.knock_outs[0])
    return _Pair(value(batch, claim), value(without, claim), _error(batch, claim) + _error(without, claim)).ratio


@dataclass(frozen=True)
class _Pair:
    """Two values of a quantity, which are one value where they differ by no more than the errors of both.

    Else a mechanism without any influence would seem to have some, in half of the draws upwards, by the error of integration.
    """

    first: Array
    second: Array
    error: Array
    """Sum of the errors of both."""

    @property
    def quotient(self) -> Array:
        """The first over the second, as computed."""
        with np.errstate(divide="ignore", invalid="ignore"):  # a knock-out may leave nothing in either
            return self.first / self.second

    @property
    def ratio(self) -> Array:
        """The first over the second; exactly 1 within their errors."""
        found = self.quotient
        return np.where(self._same & np.isfinite(found), 1.0, found)

    @property
    def difference(self) -> Array:
        """The first minus the second; exactly 0 within their errors."""
        return np.where(self._same, 0.0, self.first - self.second)

    @property
    def _same(self) -> Bools:
        return np.asarray(np.abs(self.first - self.second) <= self.error)


def _read_pair(batch: ExperimentBatch, claim: Claim) -> _Pair:
    """Return the quantity in the experiment and in the baseline."""
    baseline = batch.read(claim.baseline, claim.quantity, claim.day)
    error = _error(batch, claim) + batch.read_error(claim.baseline, claim.quantity, claim.day)
    return _Pair(value(batch, claim), baseline, error)


def _error(batch: ExperimentBatch, claim: Claim) -> Array:
    return batch.read_error(claim.experiment, claim.quantity, claim.day)


_ONE_EXPERIMENT = {"quantity": Named.QUANTITY, "experiment": Named.EXPERIMENT, "day": Named.DAY}
_TWO_EXPERIMENTS = _ONE_EXPERIMENT | {"baseline": Named.EXPERIMENT}

GENERAL: Mapping[str, Readout] = {
    "value": Readout(value, _ONE_EXPERIMENT, unit=Named.QUANTITY),
    "ratio": Readout(ratio, _TWO_EXPERIMENTS),
    "difference": Readout(difference, _TWO_EXPERIMENTS, unit=Named.QUANTITY),
    "log_ratio": Readout(absolute_log_ratio, _TWO_EXPERIMENTS),
    "through": Readout(fold_change_by_mechanism, _ONE_EXPERIMENT | {"arrows": Named.INTERACTION}),
}
"""Name in the column `readout` of `claims.csv` -> read-out."""
DIRECT = ("value", "ratio", "difference", "log_ratio")
"""Those that read what a measurement tells: a quantity in an experiment, alone or beside a reference."""
