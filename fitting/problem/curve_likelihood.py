"""How far a virtual trial lies from curves and patients: one binomial deviance an interval.

Start with `prepare_curve` and `curve_residuals` for a curve read off a figure, and `patient_residuals` for patients.
Squares of residuals add to a deviance; the square of the derivative of `*_information` is Fisher's information, which that of
signed roots is not where an interval holds less than a few events.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.special import xlogy

from kinimmune.fitting.problem.patient_groups import PatientGroups
from kinimmune.models.arrays import Array, real
from kinimmune.models.trial.published import PublishedCurve

SMALLEST = 1e-300
"""Below it a hazard counts as none."""


@dataclass(frozen=True)
class CurveIntervals:
    """A published curve as k binomial counts."""

    time: Array
    """[d], ends of the intervals, from 0, shape (k + 1,)."""
    exposed: Array
    """Patients of which each interval's share of survivors was estimated, shape (k,)."""
    survived: Array
    """That share as read, shape (k,)."""
    factor: Array
    """Cholesky factor of the covariance of the residuals that reading adds to, lower, shape (k, k)."""


@lru_cache(maxsize=64)
def prepare_curve(curve: PublishedCurve) -> CurveIntervals:
    """Return a curve as binomial counts, one an interval of its risk table.

    With p_j = S_(j+1)/S_j, the exposure is n' = (n_j + n_(j+1))/(1 + p_j): between those at risk at both ends, half of the
    censored before the events and half after.  A reading error s_j of S_j adds p_j^2 (s_j^2/S_j^2 + s_(j+1)^2/S_(j+1)^2) to the
    variance of p_j, and -p_(j-1) p_j s_j^2/S_j^2 to the covariance of two neighbours, which share S_j.  Both stay as they are at
    the values read, so that the likelihood is one of the parameters alone.
    """
    return make_intervals(curve.time, curve.survival, curve.at_risk, curve.reading_error)


def make_intervals(time: Array, survival: Array, at_risk: Array, reading_error: Array) -> CurveIntervals:
    """Return binomial counts as `prepare_curve` does, from columns of shape (k + 1,) each; none after survival has come to 0."""
    last = int(np.argmax(survival == 0.0)) if np.any(survival == 0.0) else survival.size - 1
    survival, at_risk, error = survival[: last + 1], at_risk[: last + 1], reading_error[: last + 1]
    survived = survival[1:] / survival[:-1]
    exposed = np.maximum(at_risk[:-1] + at_risk[1:], 1.0) / (1.0 + survived)
    smoothed = (exposed * survived + 0.5) / (exposed + 1.0)
    deviation = np.sqrt(smoothed * (1.0 - smoothed) / exposed)
    relative = np.divide(error, survival, out=np.zeros_like(error), where=survival > 0.0) ** 2
    variance = survived**2 * relative[:-1] + np.where(survival[1:] > 0.0, survived**2 * relative[1:], 0.0)
    between = -survived[:-1] * survived[1:] * relative[1:-1]
    reading = np.diag(variance) + np.diag(between, 1) + np.diag(between, -1)
    covariance = np.eye(survived.size) + reading / np.outer(deviation, deviation)
    return CurveIntervals(time[: last + 1], exposed, survived, real(cholesky(covariance, lower=True)))


def curve_residuals(curve: CurveIntervals, survival: Array) -> Array:
    """Return one residual an interval, positive where more survive than was read, shape (k,); whitened for the reading error.

    Parameters
    ----------
    curve
        as it was published
    survival
        the virtual trial's at its times, shape (k + 1,)
    """
    hazard = _interval_hazards(survival)
    roots = _signed_roots(curve.exposed * (1.0 - curve.survived), curve.exposed * curve.survived, hazard)
    return real(solve_triangular(curve.factor, roots, lower=True))


def curve_information(curve: CurveIntervals, survival: Array) -> Array:
    """Return numbers whose derivatives by parameters give Fisher's information of `curve_residuals`, shape (k,)."""
    stable = _stabilise(curve.exposed, _interval_hazards(survival))
    return real(solve_triangular(curve.factor, stable, lower=True))


def patient_residuals(groups: PatientGroups, hazard: Array) -> Array:
    """Return one residual an interval, then one a span; shape (g + h,).

    Of an interval the signed root of the binomial deviance; of a span with c events sqrt(-2 c ln(1 - exp(-H))), with H the
    hazard accumulated in it, which has no sign: such patients have gone through the intervals before it, and through none in it.

    Parameters
    ----------
    groups
        patients in one process
    hazard
        cumulative hazard of the virtual trial at the edges, shape (g + 1,)
    """
    rises = np.maximum(np.diff(hazard), SMALLEST)
    inside = np.maximum(hazard[groups.spans[:, 1]] - hazard[groups.spans[:, 0]], SMALLEST)
    return np.concatenate(
        [_signed_roots(groups.events, groups.survived, rises), np.sqrt(-2.0 * groups.counts * np.log(-np.expm1(-inside)))]
    )


def patient_information(groups: PatientGroups, hazard: Array) -> Array:
    """Return numbers whose derivatives by parameters give the information of `patient_residuals`, shape (g + h,).

    Fisher's of the intervals where there are no spans.  Where there are, that observed in both, c exp(-H)/(1 - exp(-H))^2 by H,
    which is that of sqrt(c) ln tanh(H/4): who had the event in a span would else count in its intervals a second time.
    """
    rises = np.maximum(np.diff(hazard), SMALLEST)
    if groups.counts.size == 0:
        return _stabilise(groups.events + groups.survived, rises)
    inside = np.maximum(hazard[groups.spans[:, 1]] - hazard[groups.spans[:, 0]], SMALLEST)
    counts, hazards = np.concatenate([groups.events, groups.counts]), np.concatenate([rises, inside])
    return real(np.sqrt(counts) * np.log(np.tanh(np.maximum(hazards, SMALLEST) / 4.0)))


def _interval_hazards(survival: Array) -> Array:
    return np.maximum(-np.diff(np.log(np.maximum(survival, SMALLEST))), SMALLEST)


def _signed_roots(events: Array, survived: Array, hazard: Array) -> Array:
    """Return signed roots of binomial deviances, positive where the hazard gives fewer events than there were.

    With n = d + s and q = 1 - exp(-H): sign sqrt(2 [d ln(d/(n q)) + s ln(s/(n (1 - q)))]).
    """
    total = events + survived
    expected = total * -np.expm1(-hazard)
    with np.errstate(divide="ignore", invalid="ignore"):
        died = xlogy(events, np.where(events > 0.0, events / expected, 1.0))
        lived = survived * hazard + xlogy(survived, np.where(survived > 0.0, survived / total, 1.0))
    return np.sign(events - expected) * np.sqrt(np.maximum(2.0 * (died + lived), 0.0))


def _stabilise(total: Array, hazard: Array) -> Array:
    """Return 2 sqrt(n) arcsin(sqrt(exp(-H))), whose squared derivative is the information of n patients about a share."""
    return 2.0 * np.sqrt(total) * np.arcsin(np.exp(-0.5 * hazard))
