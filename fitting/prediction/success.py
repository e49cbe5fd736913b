"""How probable a significant benefit is: power at one hazard ratio, and its mean over what is not known, the assurance.

Start with `find_chances`.  A trial succeeds when the two-sided log-rank test of its two arms at the cut-off has p < alpha and the
hazard ratio is below 1.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from kinimmune.models.arrays import Array


def find_success(log_ratio: Array | float, error: Array | float, alpha: float) -> Array:
    """Return the probability of success at known hazard ratios, Phi(-ln HR / se - z), z the upper alpha/2 point.

    The score U of the log-rank test over the root of its information I is nearly normal with variance 1, I the sum over events of
    p (1 - p), p the share of the patients at risk who are in the treated arm.  Near HR = 1 its mean is ln HR sqrt(I), so that
    se = 1/sqrt(I), with equal arms and d events 2/sqrt(d) (D. Schoenfeld, The asymptotic properties of nonparametric tests for
    comparing survival distributions, Biometrika 68:316, 1981).  Draws have se = ln HR sqrt(I)/E[U], which gives the mean of the
    statistic itself, E[U]/sqrt(I), whatever the ratio.

    Parameters
    ----------
    log_ratio
        ln HR, any shape
    error
        se, same shape
    alpha
        two-sided level

    Examples
    --------
    >>> round(float(find_success(math.log(0.7), 2.0 / math.sqrt(247.0), 0.05)), 2)  # 247 events
    0.8
    """
    return np.asarray(ndtr(-np.asarray(log_ratio) / error - ndtri(1.0 - alpha / 2.0)), dtype=float)


@dataclass(frozen=True)
class Chance:
    """A probability, and its Monte Carlo error."""

    probability: float
    error: float | None
    """None where there is one point."""


def find_assurance(log_ratios: Array, errors: Array, alpha: float, size: float) -> Chance:
    """Return the mean of the probability of success over draws, the assurance; its Monte Carlo error is sd/sqrt(size).

    A. O'Hagan, J. W. Stevens and M. J. Campbell, Assurance in clinical trial design, Pharmaceutical Statistics 4:187, 2005.

    Parameters
    ----------
    log_ratios, errors
        of each draw, shape (k,)
    alpha
        two-sided level
    size
        independent draws they count for
    """
    chances = find_success(log_ratios, errors, alpha)
    return Chance(float(chances.mean()), _spread(chances, size))


def find_below(log_ratios: Array, errors: Array, bound: float, size: float) -> tuple[Chance, Chance]:
    """Return how probable a hazard ratio below a bound is: in the population, and as one trial reports it.

    The first is the share of draws; its error is that of a binomial share moved towards one half by one draw on either side, so
    that it is not zero where all draws agree.  The second is the mean of Phi((ln bound - ln HR)/se).  Arguments as of
    `find_assurance`, errors those of ln HR as a trial reports it.
    """
    limit = math.log(bound)
    share = float((log_ratios < limit).mean())
    moved = (share * size + 1.0) / (size + 2.0)
    known = Chance(share, math.sqrt(moved * (1.0 - moved) / size) if log_ratios.size > 1 else None)
    reported = ndtr((limit - log_ratios) / errors)
    return known, Chance(float(reported.mean()), _spread(reported, size))


def _spread(values: Array, size: float) -> float | None:
    return float(values.std()) / math.sqrt(size) if values.size > 1 else None
