"""Survival statistics of patients one by one, as a trial reports them: product-limit curve, median, Cox's hazard ratio.

Start with `estimate_curve` and `cox_ratio`.  Times may have any unit.
"""

import math
from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array, Bools, real

MOST_STEPS = 50
"""Newton steps of Cox's ratio."""
ROUNDING = 1e-12
"""Of a product of shares: half of the patients is one half."""
FARTHEST = 12.0
"""Largest |ln hazard ratio| that is looked for."""


@dataclass(frozen=True)
class ProductLimit:
    """A product-limit (Kaplan-Meier) curve: its k steps."""

    time: Array
    """Times of events, increasing, shape (k,)."""
    survival: Array
    """After each, shape (k,)."""
    at_risk: Array
    """Patients at risk just before each, shape (k,)."""
    failures: Array
    """Events at each, shape (k,)."""

    def at(self, moments: Array) -> Array:
        """Return the curve at some times, steps taken, shape of `moments`."""
        return np.concatenate([[1.0], self.survival])[np.searchsorted(self.time, moments, side="right")]

    def median(self) -> float:
        """Return the first time at which the curve stands at one half or below; infinite where it stays above."""
        below = self.survival <= 0.5 + ROUNDING
        return float(self.time[np.argmax(below)]) if below.any() else math.inf

    def errors(self) -> Array:
        """Return Greenwood's standard errors of ln(-ln S) after each event, sqrt(sum d/(Y (Y - d)))/|ln S|, shape (k,)."""
        left = self.at_risk * (self.at_risk - self.failures)
        step = np.divide(self.failures, left, out=np.full(left.shape, math.inf), where=left > 0.0)
        hazard = -np.log(np.maximum(self.survival, 1e-300))
        return np.asarray(np.sqrt(np.cumsum(step)) / hazard, dtype=float)


def estimate_curve(time: Array, event: Bools) -> ProductLimit:
    """Return the product-limit curve of patients; who is censored at the time of an event was at risk of it.

    Parameters
    ----------
    time
        of the event or of censoring, shape (n,)
    event
        whether it ends in the event, shape (n,)

    Examples
    --------
    >>> estimate_curve(np.array([1.0, 2.0, 2.0, 3.0]), np.array([True, True, False, True])).survival
    array([0.75, 0.5 , 0.  ])
    """
    days, failures = np.unique(time[event], return_counts=True)
    at_risk = time.size - np.searchsorted(np.sort(time), days, side="left")
    survival = real(np.cumprod(1.0 - failures / at_risk))
    return ProductLimit(days, survival, at_risk.astype(float), failures.astype(float))


@dataclass(frozen=True)
class CoxRatio:
    """Cox's hazard ratio of two groups."""

    log_ratio: float
    """Natural logarithm, treated over control; not a number where a group has no event or the ratio is too far from 1."""
    error: float
    """Its standard error by the information of the partial likelihood."""


def cox_ratio(treated: tuple[Array, Bools], control: tuple[Array, Bools]) -> CoxRatio:
    """Return the hazard ratio that maximises Cox's partial likelihood of two groups, ties by Efron.

    The score of beta = ln ratio is the treated events less the sum over events of w, the treated share of the weighted risk set;
    of d events at one time the k-th (k = 0, ..., d - 1) sees the risk set less k/d of all d (B. Efron, J Am Stat Assoc 72:557,
    1977).

    Parameters
    ----------
    treated, control
        times and whether they end in the event, shape (n,) each
    """
    times = np.unique(np.concatenate([treated[0][treated[1]], control[0][control[1]]]))
    (y1, d1), (y0, d0) = (_count(*group, times) for group in (treated, control))
    if not (d1.any() and d0.any()):
        return CoxRatio(math.nan, math.nan)
    events = (d1 + d0).astype(np.int64)
    share = (np.arange(events.sum()) - np.repeat(np.cumsum(events) - events, events)) / np.repeat(events, events)
    y1, y0 = (np.repeat(y, events) - share * np.repeat(d, events) for y, d in ((y1, d1), (y0, d0)))
    beta, total = 0.0, float(d1.sum())
    for _ in range(MOST_STEPS):
        weight = y1 * math.exp(beta) / (y1 * math.exp(beta) + y0)
        information = float((weight * (1.0 - weight)).sum())
        if not information > 0.0 or abs(beta) > FARTHEST:
            return CoxRatio(math.nan, math.nan)
        step = (total - float(weight.sum())) / information
        beta += min(max(step, -1.0), 1.0)
        if abs(step) < 1e-10:
            return CoxRatio(beta, 1.0 / math.sqrt(information))
    return CoxRatio(math.nan, math.nan)


def _count(time: Array, event: Bools, times: Array) -> tuple[Array, Array]:
    """Return patients at risk and events at each of some times."""
    at_risk = time.size - np.searchsorted(np.sort(time), times, side="left")
    failures = np.bincount(np.searchsorted(times, time[event]), minlength=times.size)
    return at_risk.astype(float), failures.astype(float)
