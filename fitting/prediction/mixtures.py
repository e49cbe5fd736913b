"""What one trial reports where the parameters are not known: mixtures of sampling distributions over draws.

Start with `normal_quantiles`, `binomial_quantiles` and `step_quantiles`.
"""

import math

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import binom

from kinimmune.models.arrays import Array

LEVELS = (0.025, 0.975)
"""Probabilities of the ends of an interval."""
LARGEST = 700.0
"""Exponent whose power of e is near the largest number."""
REACH = 9.0
"""Standard errors about a mean beyond which a normal distribution has nothing to a double's digits."""


def _rise(moment: Array | float, means: Array, errors: Array) -> Array:
    """Return P(X <= moment) of normal distributions; of one without an error 0 or 1, of one at infinity 0."""
    sure = np.where(means <= moment, math.inf, -math.inf)
    away = np.divide(moment - means, errors, out=sure, where=(errors > 0.0) & np.isfinite(means))
    return np.asarray(ndtr(away), dtype=float)


def normal_quantiles(means: Array, errors: Array) -> tuple[float | None, float | None]:
    """Return the 2.5 and 97.5 % quantiles of a mixture of normal distributions with equal weights.

    Parameters
    ----------
    means, errors
        shape (k,) each; a mean may be infinite where a draw has no number, for a later time than any

    Returns
    -------
    tuple
        None for an end that lies at infinity, or where an error is not known

    Examples
    --------
    >>> low, high = normal_quantiles(np.zeros(3), np.ones(3))
    >>> round(high, 4), round(abs(low + high), 9)
    (1.96, 0.0)
    """
    there = np.isfinite(means)
    if not there.any() or not np.isfinite(errors[there]).all():
        return None, None
    known, spread = means[there], np.where(there, errors, 0.0)
    if not (spread[there] > 0.0).any():
        return _finite(means, LEVELS[0]), _finite(means, LEVELS[1])
    low, high = float((known - REACH * spread[there]).min()) - 1e-9, float((known + REACH * spread[there]).max()) + 1e-9

    def find(level: float) -> float | None:
        if float(_rise(high, means, spread).mean()) <= level:
            return None
        return float(brentq(lambda moment: float(_rise(moment, means, spread).mean()) - level, low, high, xtol=1e-12))

    return find(LEVELS[0]), find(LEVELS[1])


def _finite(values: Array, level: float) -> float | None:
    found = float(np.quantile(values, level, method="inverted_cdf"))
    return found if math.isfinite(found) else None


def exponentiate(end: float | None) -> float | None:
    """Return e to an end of an interval, None where that is beyond the largest number.

    >>> exponentiate(0.0), exponentiate(1000.0), exponentiate(None)
    (1.0, None, None)
    """
    return None if end is None or end > LARGEST else math.exp(end)


def binomial_quantiles(shares: Array, n: int) -> tuple[int, int]:
    """Return the 2.5 and 97.5 % quantiles of a count of n patients, over draws of the share, shape (k,).

    >>> binomial_quantiles(np.array([0.5]), 100)
    (40, 60)
    """
    counts = np.arange(n + 1)
    by_draw = np.asarray(binom.cdf(counts[:, None], n, np.clip(shares, 0.0, 1.0)), dtype=float)
    below = by_draw.mean(axis=1)
    first, last = (int(np.searchsorted(below, level - 1e-12)) for level in LEVELS)
    return min(first, n), min(last, n)


def step_quantiles(months: Array, survival: Array, errors: Array) -> tuple[float | None, float | None]:
    """Return the 2.5 and 97.5 % quantiles of the sample median of a curve that falls by steps.

    The median is at or before a time where the sample's curve, normal about S with Greenwood's error, is at or below one half.

    Parameters
    ----------
    months
        of the rows of the curve, shape (r,)
    survival, errors
        at each draw, shape (k, r)
    """
    known = np.isfinite(errors).all(axis=0)
    certain = np.where(survival <= 0.5, math.inf, -math.inf)
    away = np.divide(0.5 - survival, errors, out=certain, where=(errors > 0.0) & known)
    passed = np.asarray(ndtr(away[:, known]), dtype=float)
    by_then = np.maximum.accumulate(passed.mean(axis=0))
    found = [np.flatnonzero(by_then >= level) for level in LEVELS]
    first, last = (float(months[known][row[0]]) if row.size else None for row in found)
    return first, last
