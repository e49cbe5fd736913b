"""Whether a sample by a surrogate can be trusted: what its weights, its walk and its errors in the tails say together.

Start with `check_surrogate`.  The effective number of draws alone says nothing: a surrogate that is wrong in a tail it never
goes to gives weights as even as a perfect one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.problem.many_trials import format_point
from kinimmune.fitting.sampling.importance import Weights
from kinimmune.models.arrays import Array, real

MAX_K_HAT = 0.5
"""Shape of the largest weights from which on their variance is infinite."""
MIN_EFFECTIVE = 400.0
"""Effective draws below which quantiles are not to be trusted, as of a walk on the target itself."""
TAIL = 0.05
"""Share of the draws that is a tail of a coordinate."""
MAX_TAIL_ERROR = 0.5
"""Difference between the mean error of ln density in a tail and that of all draws; density is then off by two thirds."""
MAX_EXCESS = 2.0
"""ln of how many times the density may exceed the surrogate's at a point beyond the draws."""
MATTERS = 15.0
"""Depth of ln density below the best within which a point beyond the draws counts: ten normal dimensions have .04 % below it."""
OUTSIDE = 0.9999
"""Share of a normal distribution within the distance from which on an optimum lies outside the draws."""


@dataclass(frozen=True)
class SurrogateReport:
    """How well a surrogate stood for a posterior."""

    training: int
    """Evaluations it was learned from."""
    draws: int
    """Draws from it at which the posterior itself was computed."""
    temper: float
    """By how much its log density was divided for the walk."""
    k_hat: float
    """Shape of the Pareto distribution of the largest weights."""
    effective: float
    """Effective number of draws by the weights."""
    tail_error: float
    """Largest difference between the mean error of ln density in a tail of a parameter and that of all draws."""
    tail: str
    """That tail, such as `low growth`."""
    excess: float
    """Largest ln of density over the surrogate's among the points beyond the draws that matter."""
    bias: float
    """Largest difference of a quantile (2.5, 50, 97.5 %) by the surrogate from that by the posterior [posterior sd]."""
    attempts: int
    """How often it was learned and tried."""
    searches: int = 0
    """Searches for other optima from all over the prior."""
    unreached: tuple[float, ...] | None = None
    """An optimum they found that matters and that no draw comes near, on z-scores; None where there is none."""


@dataclass(frozen=True)
class TriedDraws:
    """Draws from a tempered surrogate, and points beyond them, where the target was computed; n coordinates."""

    points: Array
    """Shape (k, n)."""
    truth: Array
    """Log density of the target, shape (k,); -inf where it could not be computed."""
    surrogate: Array
    """Log density of the surrogate, not tempered, shape (k,)."""
    beyond_truth: Array
    """Log density of the target at the outermost points of the walk and at points all over the prior, shape (j,)."""
    beyond_surrogate: Array
    """That of the surrogate, shape (j,)."""

    @property
    def excess(self) -> Array:
        """Density over the surrogate's, ln, at the points beyond that matter; 0 at the others, shape (j,)."""
        known = np.isfinite(self.truth)
        best = self.truth[known].max() if known.any() else -np.inf
        matters = self.beyond_truth > best - MATTERS
        gap = np.where(matters, self.beyond_truth, 0.0) - np.where(matters, np.maximum(self.beyond_surrogate, -1e6), 0.0)
        return real(np.maximum(gap, 0.0))

    def find_tail_errors(self) -> Array:
        """Return the mean error of ln density in the low and the high tail of every coordinate less that of all, shape (2, n)."""
        known = np.isfinite(self.truth) & np.isfinite(self.surrogate)
        error, points = self.truth[known] - self.surrogate[known], self.points[known]
        count = max(int(TAIL * len(points)), 1)
        order = np.argsort(points, axis=0)
        tails = (order[:count], order[-count:])
        return real([error[rows].mean(axis=0) - error.mean() for rows in tails])


def find_unreached(tried: TriedDraws, weights: Weights, optima: Array, heights: Array) -> tuple[float, ...] | None:
    """Return an optimum that matters and lies outside the draws, by their mean and covariance; None where there is none.

    Parameters
    ----------
    tried, weights
        draws
    optima
        shape (j, n)
    heights
        log density of the target there, shape (j,)
    """
    from scipy.stats import chi2

    best = tried.truth[np.isfinite(tried.truth)].max(initial=-np.inf)
    mean = np.average(tried.points, axis=0, weights=weights.values)
    covariance = np.atleast_2d(np.cov(tried.points, rowvar=False, aweights=weights.values))
    away = optima - mean
    distances = np.einsum("ij,ij->i", away, np.linalg.solve(covariance, away.T).T)
    missed = (heights > best - MATTERS) & (distances > chi2.ppf(OUTSIDE, mean.size))
    return tuple(optima[missed][np.argmax(heights[missed])].tolist()) if missed.any() else None


def check_surrogate(report: SurrogateReport) -> tuple[str, ...]:
    """Return what speaks against a surrogate, in words; nothing when nothing does."""
    where = "" if report.unreached is None else format_point(np.array(report.unreached))
    judged = (
        (report.unreached is None, f"the posterior has another optimum, at z-scores {where}, that no draw comes near"),
        (report.k_hat < MAX_K_HAT, f"k-hat of the weights is {report.k_hat:.2f}, not below {MAX_K_HAT}"),
        (
            report.effective >= MIN_EFFECTIVE,
            f"the weights leave {report.effective:.0f} effective draws, fewer than {MIN_EFFECTIVE:.0f}",
        ),
        (
            report.tail_error <= MAX_TAIL_ERROR,
            f"in the {report.tail} tail ln density is off by {report.tail_error:.2f}, more than {MAX_TAIL_ERROR}",
        ),
        (
            report.excess <= MAX_EXCESS,
            f"beyond the draws ln density exceeds the surrogate's by {report.excess:.1f}, more than {MAX_EXCESS:.0f}",
        ),
    )
    return tuple(text for sound, text in judged if not sound)


def name_tail(errors: Array, names: Sequence[str]) -> tuple[float, str]:
    """Return the largest of errors by tail, shape (2, n), and its tail.

    >>> name_tail(np.array([[0.1, -0.3], [0.0, 0.2]]), ("growth", "kill"))
    (0.3, 'low kill')
    """
    side, coordinate = np.unravel_index(int(np.argmax(np.abs(errors))), errors.shape)
    return float(np.abs(errors).max()), f"{('low', 'high')[int(side)]} {names[int(coordinate)]}"


def describe_report(report: SurrogateReport) -> str:
    """Return the numbers by which a surrogate is judged, in a sentence."""
    tries = "" if report.attempts == 1 else f", learned {report.attempts} times"
    return (
        f"surrogate learned from {report.training} evaluations{tries}; {report.draws} draws weighted by the model: k-hat "
        f"{report.k_hat:.2f} (below {MAX_K_HAT}), {report.effective:.0f} effective; error of ln density at most "
        f"{report.tail_error:.2f} in a tail ({report.tail}) and {report.excess:.1f} beyond the draws; quantiles move by at most "
        f"{report.bias:.2f} sd with the weights"
    )
