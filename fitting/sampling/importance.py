"""Draws from one distribution made draws from another by weights, and whether the weights can be trusted.

Start with `smooth_weights`.
"""

from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.sampling.arviz_module import load_arviz
from kinimmune.models.arrays import Array, Integers, real
from kinimmune.models.errors import NumericalError

LEAST_DRAWS = 50
"""Fewest draws from which a Pareto distribution can be fitted to the largest weights."""


@dataclass(frozen=True)
class Weights:
    """Smoothed weights of k draws."""

    values: Array
    """They add to one, shape (k,)."""
    k_hat: float
    """Shape of the Pareto distribution of the largest ratios; from .5 on their variance is infinite."""

    @property
    def effective(self) -> float:
        """How many draws without weights have the same spread of weights, 1 / sum w^2 (L. Kish, Survey Sampling, 1965)."""
        return float(1.0 / np.sum(self.values**2))


def smooth_weights(log_ratios: Array) -> Weights:
    """Return the weights of draws by ln of the density wanted over the one drawn from, up to a constant; -inf for none.

    The largest are replaced by what a Pareto distribution fitted to them expects (A. Vehtari, D. Simpson, A. Gelman, Y. Yao &
    J. Gabry, Journal of Machine Learning Research 25:72, 2024), as arviz computes it.

    Raises
    ------
    NumericalError
        when too few draws have a ratio
    """
    known = np.isfinite(log_ratios)
    if known.sum() < LEAST_DRAWS:
        raise NumericalError(
            f"only {int(known.sum())} of {known.size} draws could be computed, fewer than {LEAST_DRAWS}; "
            "look at failures.csv and at the ranges of the parameters, or sample with --method emcee"
        )
    values = np.zeros(log_ratios.size)
    if np.ptp(log_ratios[known]) < 1e-9:  # the same distribution: there is no tail to fit
        values[known] = 1.0 / known.sum()
        return Weights(values, 0.0)
    smoothed, shape = load_arviz().psislw(log_ratios[known])
    values[known] = np.exp(smoothed)
    return Weights(values / values.sum(), float(shape))


def weighted_quantiles(values: Array, weights: Array, levels: tuple[float, ...]) -> Array:
    """Return quantiles of weighted draws, the weight of each half below and half above it, shape (levels,).

    >>> weighted_quantiles(np.array([3.0, 1.0, 2.0]), np.ones(3), (0.5,)).tolist()
    [2.0]
    """
    order = np.argsort(values)
    below = np.cumsum(weights[order]) - 0.5 * weights[order]
    return real(np.interp(levels, below / weights.sum(), values[order]))


def resample(weights: Array, count: int) -> Integers:
    """Return the places of so many draws of equal weight, in their order, shape (count,): each as often as its weight, rounded.

    Places at equal distances of the running sum of the weights (G. Kitagawa, Journal of Computational and Graphical Statistics
    5:1, 1996), so that no draw comes twice whose weight is below one over the count.

    >>> resample(np.array([0.5, 0.25, 0.25]), 4).tolist()
    [0, 0, 1, 2]
    """
    ends = np.cumsum(weights) / np.sum(weights)
    return np.minimum(np.searchsorted(ends, (np.arange(count) + 0.5) / count), weights.size - 1)
