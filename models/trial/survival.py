"""Survival statistics in expectation: what a trial of this size would report of curves that are known.

Start with `expected_curve` (an arm under its follow-up) and `hazard_ratio`.  All quantities are expectations over patients and
over staggered entry; the risk set is n P(alive, unprogressed, still followed).
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq

from kinimmune.models.arrays import Array, Bools
from kinimmune.models.errors import DataError
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.follow_up import FollowUp
from kinimmune.models.trial.progression_free import progression_free_survival, risk_sets
from kinimmune.models.trial.virtual_trial import ArmOutcome

FARTHEST = 12.0
"""Largest |ln hazard ratio| that is looked for."""


@dataclass(frozen=True)
class TrialCurves:
    """One arm and endpoint: a survival curve with the numbers of patients behind it."""

    study: str
    arm: str
    endpoint: Endpoint
    time: Array
    """[d], shape (k,): ends of intervals (OS), scans (TTP), or both (PFS, where a scan has two rows)"""
    survival: Array
    """At `time`, shape (k,)"""
    at_risk: Array
    """Expected patients at risk of an event at `time` (deaths: in the interval that ends there), shape (k,)"""
    failures: Array
    """Expected events at `time`, shape (k,)"""
    tied: bool | Bools
    """True where the events of one time are simultaneous, as at a scan; one for all times, or shape (k,)."""

    def __post_init__(self) -> None:
        """Refuse a curve that is none."""
        if not (self.time.shape == self.survival.shape == self.at_risk.shape == self.failures.shape):
            raise DataError(
                f"curve {self.study}:{self.arm}:{self.endpoint}: its columns differ in length; give every time its numbers"
            )


def expected_curve(outcome: ArmOutcome, endpoint: Endpoint, follow_up: FollowUp) -> TrialCurves:
    """Return the expected curve of an arm under the follow-up of an endpoint."""
    n, study = outcome.arm.n, outcome.arm.study
    if endpoint is Endpoint.OS:
        middle = np.sqrt(outcome.survival[1:] * outcome.survival[:-1])
        followed = follow_up.uncensored((outcome.grid[1:] + outcome.grid[:-1]) / 2.0)
        deaths = -np.diff(outcome.survival) * followed * n
        return TrialCurves(
            study, outcome.arm.name, endpoint, outcome.grid[1:], outcome.survival[1:], middle * followed * n, deaths, tied=False
        )
    if endpoint is Endpoint.PFS:
        rows, sets = progression_free_survival(outcome), risk_sets(outcome)
        at_risk, failures = (follow_up.uncensored(sets.middle) * n * share for share in (sets.at_risk, sets.failures))
        return TrialCurves(study, outcome.arm.name, endpoint, rows.time, rows.survival, at_risk, failures, tied=rows.at_scan)
    followed = follow_up.uncensored(outcome.scans)
    survival = progression_free(outcome)
    at_risk, failures = outcome.at_risk * followed * n, outcome.detected * followed * n
    return TrialCurves(study, outcome.arm.name, endpoint, outcome.scans, survival, at_risk, failures, tied=True)


def progression_free(outcome: ArmOutcome) -> Array:
    """Return the cause-specific (death censors) product-limit curve at the scans, shape (K,).

    Censoring by staggered entry is independent of the patient, so it leaves the factors as they are.
    """
    seen = np.divide(outcome.detected, outcome.at_risk, out=np.ones_like(outcome.detected), where=outcome.at_risk > 0.0)
    return np.asarray(np.cumprod(1.0 - seen), dtype=float)


def greenwood(curve: TrialCurves) -> Array:
    """Return Greenwood's standard error of the survival curve, shape (k,); infinite once nobody is at risk.

    S(t) sqrt(sum d / (Y (Y - d))), with Y the expected number at risk and d the expected events.
    """
    left = curve.at_risk * (curve.at_risk - curve.failures)
    step = np.divide(curve.failures, left, out=np.full(left.shape, math.inf), where=left > 0.0)
    with np.errstate(invalid="ignore"):
        error = np.asarray(curve.survival * np.sqrt(np.cumsum(step)), dtype=float)
    finite: Array = np.nan_to_num(error, nan=math.inf, posinf=math.inf)
    return finite


def median_time(time: Array, survival: Array) -> float:
    """Return the time [unit of `time`] at which a smooth curve falls to one half.

    ln S is interpolated by a monotone cubic; beyond the last point it goes on at its last slope, so that the median is a
    smooth function of the curve wherever it lies.

    Parameters
    ----------
    time
        increasing from 0, shape (k,)
    survival
        S at `time`, S(0) = 1, positive, shape (k,)

    Examples
    --------
    >>> t = np.linspace(0.0, 20.0, 41)
    >>> round(median_time(t, np.exp(-0.1 * t)) - math.log(2.0) / 0.1, 9)
    0.0
    """
    hazard = -np.log(np.maximum(survival, 1e-300))
    half = math.log(2.0)
    if hazard[-1] <= half:
        slope = (hazard[-1] - hazard[-2]) / (time[-1] - time[-2])
        return float(time[-1] + (half - hazard[-1]) / slope) if slope > 0.0 else math.inf
    first = int(np.argmax(hazard > half))
    cubic = PchipInterpolator(time, hazard)
    return float(brentq(lambda moment: float(cubic(moment)) - half, time[first - 1], time[first], xtol=1e-12))


def survival_at(time: Array, survival: Array, moments: Array) -> Array:
    """Return S at `moments`, ln S interpolated by a monotone cubic; shape of `moments`."""
    hazard = PchipInterpolator(time, -np.log(np.maximum(survival, 1e-300)))
    return np.asarray(np.exp(-hazard(moments)), dtype=float)


def median_scan(survival: Array) -> int | None:
    """Return the number (1, 2, ...) of the first scan after which the curve is at or below one half, None if it stays above.

    >>> median_scan(np.array([0.8, 0.5, 0.2]))
    2
    """
    below = survival <= 0.5
    return int(np.argmax(below)) + 1 if below.any() else None


def hazard_ratio(treated: TrialCurves, control: TrialCurves) -> float:
    """Return the hazard ratio Cox's partial likelihood would give in expectation, treated over control.

    The root of the expected score of the partial likelihood: sum over times of d1 - (d1 + d0) times the mean weight of the
    treated among those at risk.  Ties at scans by Efron, in expectation: the weight is averaged over the fraction of the tie
    group already removed.  It is the marginal ratio, without strata.

    Raises
    ------
    DataError
        when an arm has no events, or the ratio is too far from 1 to be found
    """
    d1, d0 = treated.failures, control.failures
    some = (d1 + d0 > 0.0) & (treated.at_risk + control.at_risk > 0.0)
    if d1[some].sum() <= 0.0 or d0[some].sum() <= 0.0:
        raise DataError(f"{treated.study}:{treated.endpoint}: a hazard ratio needs events in both arms")
    y1, y0, d1, d0 = treated.at_risk[some], control.at_risk[some], d1[some], d0[some]
    tied = np.broadcast_to(treated.tied, some.shape)[some]
    removed_1, removed_0 = (np.where(tied, events, 0.0) for events in (d1, d0))

    def expected_score(log_ratio: float) -> float:
        return float((d1 - (d1 + d0) * _mean_weight(math.exp(log_ratio), y1, y0, removed_1, removed_0)).sum())

    if not expected_score(-FARTHEST) > 0.0 > expected_score(FARTHEST):
        raise DataError(f"{treated.study}:{treated.endpoint}: the hazard ratio is too far from 1 to be found; see both curves")
    return math.exp(float(brentq(expected_score, -FARTHEST, FARTHEST, xtol=1e-13)))


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)


def _mean_weight(
    ratio: float, treated_at_risk: Array, control_at_risk: Array, treated_events: Array, control_events: Array
) -> Array:
    """Return the treated share of the weighted risk set, averaged over the fraction of the tied events already removed."""
    fraction = (0.5 + 0.5 * _NODES)[:, None]
    treated = np.maximum(treated_at_risk - fraction * treated_events, 0.0) * ratio
    control = np.maximum(control_at_risk - fraction * control_events, 0.0)
    share = np.divide(treated, treated + control, out=np.zeros_like(treated), where=treated + control > 0.0)
    return np.asarray(0.5 * (_WEIGHTS[:, None] * share).sum(axis=0), dtype=float)


def log_ratio_error(treated: TrialCurves, control: TrialCurves, ratio: float) -> float:
    """Return the standard error of ln(hazard ratio) a trial of this size would report, at a given ratio.

    From Cox's expected information, sum over times of (d1 + d0) w (1 - w), with w the treated share of the weighted risk
    set.  It is the model-based error, which a trial prints; under hazards that are not proportional it is approximate.
    """
    none = np.zeros_like(treated.failures)
    share = _mean_weight(ratio, treated.at_risk, control.at_risk, none, none)
    information = float(((treated.failures + control.failures) * share * (1.0 - share)).sum())
    return 1.0 / math.sqrt(information)


@dataclass(frozen=True)
class LogRank:
    """The log-rank test of two arms in expectation."""

    score: float
    """Expected events of the treated arm less those it would have at the control's hazard: below 0 where it does better."""
    information: float
    """Variance of the score without an effect."""

    @property
    def mean(self) -> float:
        """Mean of the score over its standard error, which is nearly normal with variance 1."""
        return self.score / math.sqrt(self.information)


def expected_log_rank(treated: TrialCurves, control: TrialCurves) -> LogRank:
    """Return what the log-rank test of a trial of this size comes to: score and information of Cox's likelihood at ratio 1.

    Score: sum over times of d1 - (d1 + d0) w, with w the share of the treated among those at risk, at scans by Efron.
    Information: sum of (d1 + d0) w (1 - w).  Near a ratio of 1 the score is ln HR times the information
    (D. Schoenfeld, Biometrika 68:316, 1981); away from it, and where hazards are not proportional, it is still what a trial sums.
    """
    removed = [np.where(np.broadcast_to(treated.tied, item.time.shape), item.failures, 0.0) for item in (treated, control)]
    none = np.zeros_like(treated.failures)
    events = treated.failures + control.failures
    share = _mean_weight(1.0, treated.at_risk, control.at_risk, *removed)
    whole = _mean_weight(1.0, treated.at_risk, control.at_risk, none, none)
    score = float((treated.failures - events * share).sum())
    return LogRank(score, float((events * whole * (1.0 - whole)).sum()))


def expected_events(curve: TrialCurves) -> float:
    """Return the expected number of events by the cut-off."""
    return float(curve.failures.sum())


def expected_deaths(outcome: ArmOutcome, follow_up: FollowUp) -> dict[str, float]:
    """Return cause -> expected number of deaths by the cut-off; they add up to the expected events of OS.

    The deaths of each interval are shared out as the cumulative incidences of the causes rise in it.

    Parameters
    ----------
    outcome
        of an arm
    follow_up
        of OS
    """
    deaths = expected_curve(outcome, Endpoint.OS, follow_up).failures
    rises = {cause: np.diff(dead) for cause, dead in outcome.deaths_by_cause.items()}
    whole = np.sum(list(rises.values()), axis=0)
    shares = np.divide(deaths, whole, out=np.zeros_like(deaths), where=whole > 0.0)
    return {cause: float((rise * shares).sum()) for cause, rise in rises.items()}


def restricted_mean(time: Array, survival: Array, horizon: float) -> float:
    """Return the restricted mean survival time, the integral of S from 0 to `horizon`, in the unit of `time`.

    >>> t = np.linspace(0.0, 10.0, 201)
    >>> round(restricted_mean(t, np.exp(-0.2 * t), 10.0) - (1.0 - math.exp(-2.0)) / 0.2, 5)
    0.0
    """
    moments = np.linspace(0.0, horizon, 1001)
    return float(np.trapezoid(survival_at(time, survival, moments), moments))
