"""Read-outs of claims about `hcc_mouse`: effects of one arm, series of doses, combinations, and where a sign turns over.

Start with `READOUTS`.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np

from kinimmune.fitting.claims.batch import ExperimentBatch
from kinimmune.fitting.claims.general import quotient
from kinimmune.fitting.claims.readout import Named, Readout
from kinimmune.fitting.claims.table import Claim
from kinimmune.models.arrays import Array
from kinimmune.models.symbolic.parameters import Scale

TUMOUR_BEARING = ("sorafenib_30", "vehicle")
"""Experiment and its control with a tumour."""
TUMOUR_FREE = ("tumour_free_30", "tumour_free")
"""Experiment and its control without a tumour."""
ONE_ARM = ("tumour_free_apoptosis_only", "tumour_free_proliferation_only")
"""Experiments in which the drug acts on one of death and division of Tregs."""
DOSES = ("vehicle", "sorafenib_10", "sorafenib_30", "sorafenib_60")
"""Experiments by rising dose."""
TREATMENTS = ("sorafenib_30", "anti_pd1")
"""The two single treatments of a combination."""
AFTERWARDS = "washout"
"""Read-out day after the end of treatment."""
RECRUITMENT, INHIBITION = "treg_hypoxic_recruitment", "inhibition_concentration"
"""Parameters of which a boundary is searched."""
SPAN = 1000.0
"""A boundary is searched within this factor of a parameter's value."""
POINTS = 31
"""Values tried, evenly spaced on the logarithm."""


def difference_of_falls(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return |ln| of the fall with a tumour over that without, shape (n,); infinite where one is smaller than the margin."""
    with_tumour, without = (_fold_change(batch, claim, *pair) for pair in (TUMOUR_BEARING, TUMOUR_FREE))
    falls = np.maximum(with_tumour, without) < 1.0 - claim.margin
    return np.where(falls, np.abs(np.log(with_tumour / without)), np.inf)


def least_step(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the smallest step in ln from both arms to one and from one to neither, shape (n,); above 0 when each arm counts."""
    both, neither = (batch.read(name, claim.quantity, claim.day) for name in (claim.experiment, claim.baseline))
    singles = [batch.read(name, claim.quantity, claim.day) for name in ONE_ARM]
    least: Array = np.min([step for one in singles for step in (np.log(one / both), np.log(neither / one))], axis=0)
    return least


def steepest_rise_with_dose(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the largest ratio between successive doses, shape (n,); below 1 when the quantity falls all the way."""
    values = [batch.read(name, claim.quantity, claim.day) for name in DOSES]
    most: Array = np.max([after / before for before, after in pairwise(values)], axis=0)
    return most


def over_better_single(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the quantity under the combination over the smaller one under either treatment alone, shape (n,)."""
    alone = np.minimum(*(batch.read(name, claim.quantity, claim.day) for name in TREATMENTS))
    return batch.read(claim.experiment, claim.quantity, claim.day) / alone


def afterwards(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the quantity after washout over that at the end of treatment, shape (n,)."""
    washed_out = batch.read(claim.experiment, claim.quantity, AFTERWARDS)
    return washed_out / batch.read(claim.experiment, claim.quantity, claim.day)


def recruitment_boundary(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the hypoxic recruitment [1/d] at which the experiment's ratio to its baseline crosses 1, shape (n,)."""
    return _boundary(batch, RECRUITMENT, lambda tried: np.log(quotient(tried, claim)))


def recruitment_against_antibody(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the hypoxic recruitment [1/d] at which the antibody stops helping by more than the margin, shape (n,)."""
    return _boundary(batch, RECRUITMENT, lambda tried: quotient(tried, claim) - (1.0 - claim.margin))


def inhibition_boundary(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the inhibitory free concentration [nmol/L] at which experiment and baseline give equal values, shape (n,)."""
    return _boundary(batch, INHIBITION, lambda tried: np.log(quotient(tried, claim)))


def _fold_change(batch: ExperimentBatch, claim: Claim, treated: str, control: str) -> Array:
    return batch.read(treated, claim.quantity, claim.day) / batch.read(control, claim.quantity, claim.day)


def _boundary(batch: ExperimentBatch, parameter: str, excess: Callable[[ExperimentBatch], Array]) -> Array:
    """Return the largest value of a parameter at which an excess changes sign; NaN where it does not within the span."""
    n, many = batch.size, batch.repeated(POINTS)
    tried = many.parameter(parameter) * np.tile(np.geomspace(1.0 / SPAN, SPAN, POINTS), n)
    excesses = excess(many.with_values(parameter, tried)).reshape(n, POINTS)
    values = np.log(tried).reshape(n, POINTS)
    return np.array([_last_root(x, y) for x, y in zip(values, excesses, strict=True)])


def _last_root(x: Array, y: Array) -> float:
    """Return exp of where the line through the last change of sign crosses 0."""
    changes = np.flatnonzero(np.sign(y[1:]) * np.sign(y[:-1]) < 0.0)
    if not changes.size:
        return float("nan")
    k = int(changes[-1])
    return Scale.LOGNORMAL.inverse(float(x[k] - y[k] * (x[k + 1] - x[k]) / (y[k + 1] - y[k])))


_READ = {"quantity": Named.QUANTITY, "experiment": Named.EXPERIMENT, "day": Named.DAY}
_SERIES = {"quantity": Named.QUANTITY, "day": Named.DAY}
_COMPARED = _READ | {"baseline": Named.EXPERIMENT}
READOUTS: Mapping[str, Readout] = {
    "difference_of_falls": Readout(difference_of_falls, _SERIES, {Named.EXPERIMENT: TUMOUR_BEARING + TUMOUR_FREE}),
    "least_step": Readout(least_step, _COMPARED, {Named.EXPERIMENT: ONE_ARM}),
    "steepest_rise_with_dose": Readout(steepest_rise_with_dose, _SERIES, {Named.EXPERIMENT: DOSES}),
    "over_better_single": Readout(over_better_single, _READ, {Named.EXPERIMENT: TREATMENTS}),
    "afterwards": Readout(afterwards, _READ, {Named.DAY: (AFTERWARDS,)}),
    "recruitment_boundary": Readout(recruitment_boundary, _COMPARED, {Named.PARAMETER: (RECRUITMENT,)}, Named.PARAMETER),
    "recruitment_against_antibody": Readout(
        recruitment_against_antibody, _COMPARED, {Named.PARAMETER: (RECRUITMENT,)}, Named.PARAMETER
    ),
    "inhibition_boundary": Readout(inhibition_boundary, _COMPARED, {Named.PARAMETER: (INHIBITION,)}, Named.PARAMETER),
}
