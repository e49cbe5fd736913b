"""Cumulative hazards of an arm at any time, and its curves as they are read near scans.

Start with `hazard_of_death`, `hazard_of_progression` and `read_survival`.  Beyond the last time of an outcome a hazard goes on
as it rose last.
"""

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.special import ndtr

from kinimmune.models.arrays import Array, real
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.progression_free import progression_free_survival, risk_sets
from kinimmune.models.trial.survival import progression_free
from kinimmune.models.trial.virtual_trial import ArmOutcome

SMALLEST = 1e-300
"""Below it a probability counts as zero where its logarithm is taken."""


def hazard_of_death(outcome: ArmOutcome, times: Array) -> Array:
    """Return H = -ln S of overall survival at times [d], shape of `times`.

    ln H is interpolated in ln t by a monotone cubic, which is exact where the hazard is a power of time, and goes on as a power
    before the first time of the outcome and after the last.
    """
    grid = np.log(outcome.grid[1:])
    hazard = np.log(np.maximum(-np.log(np.maximum(outcome.survival[1:], SMALLEST)), SMALLEST))
    cubic = PchipInterpolator(grid, hazard)
    slopes = cubic.derivative()(grid[[0, -1]])
    given = np.log(np.maximum(times, SMALLEST))
    inside = cubic(np.clip(given, grid[0], grid[-1]))
    beyond = slopes[0] * np.minimum(given - grid[0], 0.0) + slopes[1] * np.maximum(given - grid[-1], 0.0)
    return real(np.where(np.asarray(times) > 0.0, np.exp(inside + beyond), 0.0))


def hazard_of_progression(outcome: ArmOutcome, times: Array) -> Array:
    """Return the cumulative hazard of a detected progression at times [d], shape of `times`.

    At a scan it is the sum of -ln(1 - detected/at risk) so far; between scans it rises evenly, as if a patient seen at a day of
    his own were as likely found there as those seen at the scan.
    """
    days = np.concatenate([[0.0], outcome.scans])
    hazard = np.concatenate([[0.0], -np.log(np.maximum(progression_free(outcome), SMALLEST))])
    return _go_on(np.interp(times, days, hazard), times, days, hazard)


def hazard_of_death_before_progression(outcome: ArmOutcome, times: Array) -> Array:
    """Return the cumulative hazard of death of those without a detected progression at times [d], shape of `times`."""
    rows, sets = progression_free_survival(outcome), risk_sets(outcome)
    between = ~rows.at_scan
    rate = np.divide(sets.failures, sets.at_risk, out=np.zeros_like(sets.failures), where=sets.at_risk > 0.0)[between]
    days, hazard = np.concatenate([[0.0], rows.time[between]]), np.concatenate([[0.0], np.cumsum(rate)])
    return _go_on(np.interp(times, days, hazard), times, days, hazard)


def _go_on(inside: Array, times: Array, days: Array, hazard: Array) -> Array:
    slope = (hazard[-1] - hazard[-2]) / (days[-1] - days[-2])
    return real(inside + slope * np.maximum(np.asarray(times) - days[-1], 0.0))


def read_survival(outcome: ArmOutcome, endpoint: Endpoint, times: Array, jitter: float) -> Array:
    """Return an arm's survival curve as it stands in a figure at times [d], shape of `times`.

    Visits scatter about the planned dates, so that a step of the curve is spread over them: by time t a share
    Phi((t - v)/s) of what the scan of day v shows has been seen.

    Parameters
    ----------
    outcome
        of an arm
    endpoint
        death, progression, or either
    times
        [d]
    jitter
        s, standard deviation of a visit about its date [d]
    """
    if endpoint is Endpoint.OS:
        return real(np.exp(-hazard_of_death(outcome, times)))
    steps = np.diff(np.concatenate([[0.0], -np.log(np.maximum(progression_free(outcome), SMALLEST))]))
    away = (np.asarray(times)[:, None] - outcome.scans[None, :]) / max(jitter, SMALLEST)
    seen = ndtr(np.nan_to_num(away, posinf=40.0, neginf=-40.0)) @ steps
    if endpoint is Endpoint.TTP:
        return real(np.exp(-seen))
    return real(np.exp(-seen - hazard_of_death_before_progression(outcome, times)))
