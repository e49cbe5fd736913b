"""How far a virtual trial lies from a published median: residuals whose squares add to a deviance.

Start with `log_error`, `scan_residuals` and `interval_residuals`.
"""

import math

import numpy as np
from scipy.special import log_ndtr

from kinimmune.fitting.problem.targets import Target
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.follow_up import FollowUp
from kinimmune.models.trial.scan_plan import ScanPlan
from kinimmune.models.trial.step_curve import StepCurve
from kinimmune.models.trial.survival import TrialCurves, greenwood

HALF_PRINTED = 0.05 * DAYS_PER_MONTH
"""[d]; medians are printed to a tenth of a month."""
JITTERS = 2.0
"""Standard deviations of a scan about its date within which a published median belongs to it."""
CERTAIN = 1e3
"""Largest distance from one half, in standard errors."""
SMALLEST_HALF = 1e-12
"""Of a mass that has an end where nobody is at risk any more."""


def derived_log_error(target: Target, follow_up: FollowUp) -> float:
    """Return the standard error of ln(median) a trial of n patients would have, from n and the follow-up alone.

    For an exponential curve with the published median m, Greenwood's variance at the median over the squared slope of S:
    se^2 = integral_0^m rate / (n C(t) S(t)) dt / (ln 2)^2, with C the fraction still followed.

    Raises
    ------
    DataError
        when the median lies beyond the longest follow-up
    """
    median = target.number * DAYS_PER_MONTH
    if median >= follow_up.longest:
        where = f" ({target.origin})" if target.origin else ""
        longest = follow_up.longest / DAYS_PER_MONTH
        message = f"target {target.label} = {target.number:g} month{where}: longer than anyone was followed, {longest:.3g} months"
        raise DataError(f"{message}; correct the value, or the cut-off in follow_up.csv")
    time = np.linspace(0.0, median, 401)
    rate = math.log(2.0) / median
    at_risk = target.n * follow_up.uncensored(time) * np.exp(-rate * time)
    with np.errstate(divide="ignore"):
        variance = float(np.trapezoid(rate / at_risk, time))
    return math.sqrt(variance) / math.log(2.0)


def log_error(target: Target, follow_up: FollowUp) -> float:
    """Return the standard error of ln(median): from the published interval where it was read, derived otherwise."""
    read = target.log_error
    return derived_log_error(target, follow_up) if read is None else read


def scan_of(target: Target, plan: ScanPlan) -> int:
    """Return the number of the scan nearest to a published median time to progression.

    >>> [ScanPlan(42.0).nearest(months * DAYS_PER_MONTH) for months in (1.4, 2.8, 5.5)]
    [1, 2, 4]
    """
    return plan.nearest(target.number * DAYS_PER_MONTH)


def scan_residuals(curve: TrialCurves, scan: int) -> tuple[float, float]:
    """Return two residuals whose squares add to -2 ln P(the sample median falls at `scan`).

    P = Phi((S(v_(k-1)) - 1/2)/se) - Phi((S(v_k) - 1/2)/se), se by Greenwood about the median.  With P_max the best P the
    drop between the two scans allows, the first residual is sign sqrt(2 ln(P_max / P)), which passes smoothly through
    zero, and the second sqrt(-2 ln P_max).  The first scan has no best place inside: sqrt(-2 ln P) alone, and zero.

    Parameters
    ----------
    curve
        product-limit curve at the scans
    scan
        1, 2, ...
    """
    errors = greenwood(curve)
    after = float(curve.survival[scan - 1]) - 0.5
    if scan == 1:
        return math.sqrt(max(-2.0 * float(log_ndtr(-after / float(errors[0]))), 0.0)), 0.0
    before = float(curve.survival[scan - 2]) - 0.5
    error = 0.5 * (float(errors[scan - 2]) + float(errors[scan - 1]))
    return _split(0.5 * (before - after) / error, 0.5 * (before + after) / error)


def interval_residuals(curve: StepCurve, errors: Array, median: float, near: float) -> tuple[float, float]:
    """Return two residuals whose squares add to -2 ln P(the sample median of PFS falls where it was published).

    A published median nearer than `near` to a scan fell on that scan: P is the mass of its step.  Any other fell between two
    scans: P is the mass of the interval it was rounded from.  With a and b the ends of either,
    P = Phi((S(a) - 1/2)/se(a)) - Phi((S(b) - 1/2)/se(b)), split as by `scan_residuals`.

    Parameters
    ----------
    curve
        progression-free survival
    errors
        Greenwood's standard errors of its rows
    median
        as published [d]
    near
        distance [d] within which a median belongs to a scan

    Raises
    ------
    DataError
        when the curve ends before the median
    """
    ends = find_bracket(curve, errors, median, near)
    above, below = (_standardise(value, error) for value, error in ends)
    return _split(max(0.5 * (above - below), SMALLEST_HALF), 0.5 * (above + below))


End = tuple[float, float]
"""S and its standard error."""


def find_bracket(curve: StepCurve, errors: Array, median: float, near: float) -> tuple[End, End]:
    """Return S and its error before and after the times at which a published median of PFS may have fallen.

    They are those of the step of a scan, or of the interval between two scans that the median was rounded from; arguments and
    errors as of `interval_residuals`.
    """
    if not median + HALF_PRINTED < curve.time[-1]:
        end = curve.time[-1]
        raise DataError(f"a median of {median:g} d lies beyond the curve, which ends on day {end:g}; correct one of them")
    scans = curve.time[curve.at_scan]
    nearest = int(np.argmin(np.abs(scans - median))) if scans.size else -1
    if nearest >= 0 and abs(scans[nearest] - median) <= near:
        row = int(np.flatnonzero(curve.at_scan)[nearest])
        before, after = ((float(curve.survival[place]), float(errors[place])) for place in (row - 1, row))
        return before, after
    segment = int(np.searchsorted(scans, median))
    time, survival = curve.between_scans(segment)
    spread = curve.between_scans(segment, errors)[1]
    days = np.array([max(median - HALF_PRINTED, float(time[0])), min(median + HALF_PRINTED, float(time[-1]))])
    around = zip(np.interp(days, time, survival), np.interp(days, time, spread), strict=True)
    before, after = ((float(value), float(error)) for value, error in around)
    return before, after


def _standardise(survival: float, error: float) -> float:
    """Return (S - 1/2)/se; far away where S is certain, zero where nobody is left to tell."""
    away = survival - 0.5
    return away / max(error, abs(away) / CERTAIN, 1e-300)


def _split(half_drop: float, offset: float) -> tuple[float, float]:
    """Return the residuals of a mass between offset - half_drop and offset + half_drop standard deviations."""
    best = _log_mass(-half_drop, half_drop)
    here = _log_mass(offset - half_drop, offset + half_drop)
    return math.copysign(math.sqrt(max(2.0 * (best - here), 0.0)), offset), math.sqrt(-2.0 * best)


def _log_mass(lower: float, upper: float) -> float:
    """Return ln(Phi(upper) - Phi(lower)), accurate far from zero.

    >>> round(_log_mass(-1.0, 1.0), 6)
    -0.381715
    """
    if lower > 0.0:
        lower, upper = -upper, -lower
    larger, smaller = float(log_ndtr(upper)), float(log_ndtr(lower))
    return larger + math.log(max(-math.expm1(smaller - larger), 1e-300))
