"""Interim analyses: bounds by spending the level of the test, and how probable it is that one of them is crossed.

Start with `plan_analyses`, then `find_crossing`.

The standardised statistics of K analyses at information fractions t_1 < ... < t_K = 1 are jointly normal with variance 1 and
correlations sqrt(t_j / t_k), whatever their means (C. Jennison and B. W. Turnbull, Group Sequential Methods with Applications to
Clinical Trials, 2000, chapter 3).  Increments of sqrt(t) Z are independent, so that probabilities follow from one analysis to the
next by one-dimensional integrals.  A trial stops for efficacy alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from kinimmune.models.arrays import Array
from kinimmune.models.errors import UsageError

FARTHEST = 8.5
"""Standard deviations from its mean beyond which a statistic does not lie."""
NODES = 96
"""Enough for 1e-11 at the closest fractions; 1,600 give no other bound."""
CLOSEST = 0.02
"""Least difference of information fractions, for which the nodes are near enough to each other."""
MOST_LOOKS = 10
_PLACES, _WEIGHTS = np.polynomial.legendre.leggauss(NODES)


class Spending(StrEnum):
    """How the level is spent over the analyses."""

    OBRIEN_FLEMING = "obrien-fleming"
    """Little early: 2 (1 - Phi(z / sqrt t)), z the upper half of the one-sided level."""
    POCOCK = "pocock"
    """Nearly evenly: level ln(1 + (e - 1) t)."""


@dataclass(frozen=True)
class AnalysisPlan:
    """When a trial is looked at, and what its statistic must come to."""

    fractions: tuple[float, ...]
    """Shares of the information of the last analysis, rising to 1."""
    bounds: tuple[float, ...]
    """That the standardised statistic of a benefit must reach at each."""
    levels: tuple[float, ...]
    """Two-sided level spent up to each; the last is that of the test."""

    @property
    def interim(self) -> tuple[float, ...]:
        """Fractions of the analyses before the last."""
        return self.fractions[:-1]


def spend(kind: Spending, level: float, fractions: Array) -> Array:
    """Return the one-sided level spent up to information fractions, same shape.

    K. K. G. Lan and D. L. DeMets, Discrete sequential boundaries for clinical trials, Biometrika 70:659, 1983.
    """
    if kind is Spending.POCOCK:
        return np.asarray(level * np.log1p((math.e - 1.0) * fractions), dtype=float)
    return np.asarray(2.0 * ndtr(ndtri(level / 2.0) / np.sqrt(fractions)), dtype=float)


def plan_analyses(alpha: float, interim: Sequence[float], kind: Spending) -> AnalysisPlan:
    """Return bounds of interim analyses and of the last one, each side of a two-sided test by itself.

    Parameters
    ----------
    alpha
        two-sided level
    interim
        information fractions before 1; none for one analysis, whose bound is the upper alpha/2 point
    kind
        how the level is spent

    Raises
    ------
    UsageError
        for fractions that do not rise between 0 and 1, or are too near to each other

    Examples
    --------
    >>> [round(bound, 3) for bound in plan_analyses(0.05, [0.5], Spending.OBRIEN_FLEMING).bounds]
    [2.963, 1.969]
    """
    fractions = (*interim, 1.0)
    gaps = np.diff((0.0, *fractions))
    if not np.all(np.isfinite(gaps)) or np.any(gaps < CLOSEST - 1e-9) or len(interim) > MOST_LOOKS:
        shown = ",".join(f"{item:g}" for item in interim)
        raise UsageError(
            f"--looks {shown}: at most {MOST_LOOKS} shares of the events that rise between 0 and 1, at least {CLOSEST:g} apart; "
            "write such as 0.5,0.75"
        )
    if not interim:
        return AnalysisPlan(fractions, (float(ndtri(1.0 - alpha / 2.0)),), (alpha,))
    spent = spend(kind, alpha / 2.0, np.array(fractions))
    bounds: list[float] = []
    continuing = _Continuing()
    for fraction, cost in zip(fractions, np.diff(spent, prepend=0.0).tolist(), strict=True):
        bounds.append(_find_bound(continuing, fraction, cost))
        continuing = continuing.go_on(fraction, 0.0, bounds[-1])
    return AnalysisPlan(fractions, tuple(bounds), tuple((2.0 * spent).tolist()))


def find_crossing(plan: AnalysisPlan, means: Array) -> Array:
    """Return the probability of a success up to each analysis, shape (k, K).

    Parameters
    ----------
    plan
        K analyses
    means
        of the standardised statistics of a benefit, positive where there is one, shape (k, K)
    """
    if len(plan.bounds) == 1:
        return np.asarray(ndtr(means - plan.bounds[0]), dtype=float)
    return np.array([np.cumsum(_cross_each(plan, row)) for row in means.tolist()])


@dataclass(frozen=True)
class _Continuing:
    """The trials that go on after an analysis: where Z - mean lies, as weights at nodes."""

    fraction: float = 0.0
    nodes: Array | None = None
    """Z - mean, shape (NODES,); None before the first analysis."""
    weights: Array | None = None
    """Density times the weight of the quadrature, same shape."""

    def cross(self, fraction: float, mean: float, bound: float) -> float:
        """Return the probability of reaching the next analysis and its bound."""
        gap = bound - mean
        if self.nodes is None or self.weights is None:
            return float(ndtr(-gap))
        reach = (math.sqrt(self.fraction) * self.nodes - math.sqrt(fraction) * gap) / math.sqrt(fraction - self.fraction)
        return float(self.weights @ ndtr(reach))

    def go_on(self, fraction: float, mean: float, bound: float) -> "_Continuing":
        """Return those that go on after the next analysis."""
        upper = min(max(bound - mean, -FARTHEST), FARTHEST)
        half = 0.5 * (upper + FARTHEST)
        nodes = half * (_PLACES + 1.0) - FARTHEST
        if self.nodes is None or self.weights is None:
            density = np.exp(-0.5 * nodes**2) / math.sqrt(2.0 * math.pi)
        else:
            step = math.sqrt(fraction - self.fraction)
            scores = (math.sqrt(fraction) * nodes[:, None] - math.sqrt(self.fraction) * self.nodes) / step
            density = np.exp(-0.5 * scores**2) @ self.weights * math.sqrt(fraction / (2.0 * math.pi)) / step
        return _Continuing(fraction, nodes, density * _WEIGHTS * half)


def _cross_each(plan: AnalysisPlan, means: Sequence[float]) -> list[float]:
    """Return the probability of a first success at each analysis."""
    continuing, found = _Continuing(), []
    for fraction, mean, bound in zip(plan.fractions, means, plan.bounds, strict=True):
        found.append(continuing.cross(fraction, mean, bound))
        continuing = continuing.go_on(fraction, mean, bound)
    return found


def _find_bound(continuing: _Continuing, fraction: float, cost: float) -> float:
    """Return the bound that is crossed first with a probability of `cost` where there is no effect."""
    if cost < continuing.cross(fraction, 0.0, FARTHEST):  # less than can be told from nothing
        return FARTHEST
    return float(brentq(lambda bound: continuing.cross(fraction, 0.0, bound) - cost, -FARTHEST, FARTHEST, xtol=1e-10))
