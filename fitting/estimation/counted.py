"""What a trial would count: binomial, of a share that is not known exactly.

Start with `CountForecast`.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtri
from scipy.stats import binom

from kinimmune.models.arrays import Array

NODES = 400
"""Equally probable values of the share; probabilities are then known to a quarter of a percent."""


@dataclass(frozen=True)
class CountForecast:
    """How many of n patients a trial would count whose share is expected at a logit, give or take its standard error."""

    n: int
    logit: float
    error: float
    """Standard error of the logit."""

    def __post_init__(self) -> None:
        """Refuse what is no forecast."""
        if self.n < 1 or not (np.isfinite(self.logit) and self.error >= 0.0):
            raise ValueError(f"no forecast of {self.n} patients at logit {self.logit:g} +- {self.error:g}")

    @property
    def shares(self) -> Array:
        """Equally probable shares, shape (NODES,)."""
        levels = (np.arange(NODES) + 0.5) / NODES
        return np.asarray(expit(self.logit + self.error * ndtri(levels)), dtype=float)

    def probability(self, count: int) -> float:
        """Return P(as many or fewer); 0 below none.

        >>> round(CountForecast(2, 0.0, 0.0).probability(1), 12)
        0.75
        """
        return float(np.mean(binom.cdf(count, self.n, self.shares)))

    def quantile(self, level: float) -> int:
        """Return the smallest count up to which at least so much of the probability lies.

        >>> CountForecast(2, 0.0, 0.0).quantile(0.5)
        1
        """
        low, high = 0, self.n
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self.probability(middle) >= level else (middle + 1, high)
        return low

    def place(self, count: int) -> float:
        """Return P(fewer) and half of P(as many): where a count falls among those of such trials.

        >>> round(CountForecast(2, 0.0, 0.0).place(1), 12)
        0.5
        """
        return 0.5 * (self.probability(count - 1) + self.probability(count))
