"""Read-outs of claims about `hcc_mouse`: what one arm alone does, doses in order, combinations, and where a sign turns over.

Start with `READOUTS`.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np

from kinimmune.fitting.claims.batch import Laboratory
from kinimmune.fitting.claims.readouts.general import Readout, ratio
from kinimmune.fitting.claims.table import Claim
from kinimmune.models.arrays import Array
from kinimmune.models.symbolic.parameters import Scale

TUMOUR_BEARING = ("sorafenib_30", "vehicle")
TUMOUR_FREE = ("tumour_free_30", "tumour_free")
ONE_ARM = ("tumour_free_apoptosis_only", "tumour_free_proliferation_only")
DOSES = ("vehicle", "sorafenib_10", "sorafenib_30", "sorafenib_60")
TREATMENTS = ("sorafenib_30", "anti_pd1")
AFTERWARDS = "washout"
SPAN = 1000.0
"""A boundary is searched within this factor of a parameter's value."""
POINTS = 31
"""Values tried, evenly spaced on the logarithm."""


def difference_of_falls(laboratory: Laboratory, claim: Claim) -> Array:
    """Return |ln| of the fall with a tumour over that without, shape (n,); infinite where one is smaller than the margin."""
    with_tumour, without = (_fold(laboratory, claim, *pair) for pair in (TUMOUR_BEARING, TUMOUR_FREE))
    falls = np.maximum(with_tumour, without) < 1.0 - claim.margin
    return np.where(falls, np.abs(np.log(with_tumour / without)), np.inf)


def least_step(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the smallest step in ln from both arms to one and from one to neither, shape (n,); above 0 when each arm counts."""
    both, neither = (laboratory.read(name, claim.quantity, claim.day) for name in (claim.experiment, claim.baseline))
    singles = [laboratory.read(name, claim.quantity, claim.day) for name in ONE_ARM]
    least: Array = np.min([step for one in singles for step in (np.log(one / both), np.log(neither / one))], axis=0)
    return least


def steepest_rise_with_dose(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the largest ratio between successive doses, shape (n,); below 1 when the quantity falls all the way."""
    values = [laboratory.read(name, claim.quantity, claim.day) for name in DOSES]
    most: Array = np.max([after / before for before, after in pairwise(values)], axis=0)
    return most


def over_better_single(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the quantity under the combination over the smaller one under either treatment alone, shape (n,)."""
    alone = np.minimum(*(laboratory.read(name, claim.quantity, claim.day) for name in TREATMENTS))
    return laboratory.read(claim.experiment, claim.quantity, claim.day) / alone


def afterwards(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the quantity after washout over that at the end of treatment, shape (n,)."""
    return laboratory.read(claim.experiment, claim.quantity, AFTERWARDS) / laboratory.read(
        claim.experiment, claim.quantity, claim.day
    )


def recruitment_boundary(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the hypoxic recruitment [1/d] at which the experiment's ratio to its baseline crosses 1, shape (n,)."""
    return _boundary(laboratory, "treg_hypoxic_recruitment", lambda batch: np.log(ratio(batch, claim)))


def recruitment_against_antibody(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the hypoxic recruitment [1/d] at which the antibody stops helping by more than the margin, shape (n,)."""
    return _boundary(laboratory, "treg_hypoxic_recruitment", lambda batch: ratio(batch, claim) - (1.0 - claim.margin))


def inhibition_boundary(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the inhibitory free concentration [nmol/L] at which experiment and baseline give equal values, shape (n,)."""
    return _boundary(laboratory, "inhibition_concentration", lambda batch: np.log(ratio(batch, claim)))


def _fold(laboratory: Laboratory, claim: Claim, treated: str, control: str) -> Array:
    return laboratory.read(treated, claim.quantity, claim.day) / laboratory.read(control, claim.quantity, claim.day)


def _boundary(laboratory: Laboratory, parameter: str, excess: Callable[[Laboratory], Array]) -> Array:
    """Return the largest value of a parameter at which an excess changes sign; NaN where it does not within the span."""
    names = laboratory.bench.compiled.model.parameter_names
    row, n = names.index(parameter), laboratory.size
    factors = np.geomspace(1.0 / SPAN, SPAN, POINTS)
    tried = np.repeat(laboratory.parameters, POINTS, axis=1)
    tried[row] *= np.tile(factors, n)
    batch = replace(laboratory, parameters=tried, _kept={})
    found = excess(batch).reshape(n, POINTS)
    values = np.log(tried[row]).reshape(n, POINTS)
    return np.array([_last_root(x, y) for x, y in zip(values, found, strict=True)])


def _last_root(x: Array, y: Array) -> float:
    """Return exp of where the line through the last change of sign crosses 0."""
    changes = np.flatnonzero(np.sign(y[1:]) * np.sign(y[:-1]) < 0.0)
    if not changes.size:
        return float("nan")
    k = int(changes[-1])
    return Scale.LOGNORMAL.from_line(float(x[k] - y[k] * (x[k + 1] - x[k]) / (y[k + 1] - y[k])))


READOUTS: dict[str, Readout] = {
    "difference_of_falls": difference_of_falls,
    "least_step": least_step,
    "steepest_rise_with_dose": steepest_rise_with_dose,
    "over_better_single": over_better_single,
    "afterwards": afterwards,
    "recruitment_boundary": recruitment_boundary,
    "recruitment_against_antibody": recruitment_against_antibody,
    "inhibition_boundary": inhibition_boundary,
}
