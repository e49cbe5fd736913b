"""A function learned from its values at some points: a quadratic trend and a Gaussian process about it.

Start with `learn_process`.  The process has a squared exponential covariance with a length of its own for every coordinate
(C. E. Rasmussen & C. K. I. Williams, Gaussian Processes for Machine Learning, 2006, sections 2.2, 5.1 and 5.4.1); lengths, size
and noise have the largest marginal likelihood, with a wide prior on the lengths that keeps them finite where nothing depends on
a coordinate.  Where it knows nothing the trend is left, so a quadratic function is learned exactly from points enough.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.linalg import cho_factor, cho_solve, cholesky
from scipy.optimize import minimize

from kinimmune.fitting.workflow.task import Json
from kinimmune.models.arrays import Array, real

SUBSET = 300
"""Points by which lengths, size and noise are chosen; the function itself is learned from all."""
USUAL_LENGTH, LENGTH_SPREAD = 1.0, 1.5
"""Mean and standard deviation of the prior of ln length [standard deviations of the points]."""
FIRST_NOISE, LEAST_NOISE = 1e-3, 1e-7
"""Variance of the noise at which the search begins and at which it ends, per variance about the trend."""
ROUNDS = 60
"""Most steps of that search."""
FEW = 2
"""Points per coefficient of a quadratic trend below which it is linear."""
RIDGE = 1e-6
"""Weight of squared coefficients of the trend."""


@dataclass(frozen=True)
class GaussianProcess:
    """A learned function of some of the n coordinates of a point; N points taught it."""

    columns: tuple[int, ...]
    """The d coordinates it depends on."""
    centre: Array
    """Mean of the points, shape (d,)."""
    scale: Array
    """Standard deviation of the points, shape (d,)."""
    trend: Array
    """Coefficients of 1, coordinates and their products, shape (1 + d + d (d + 1) / 2,), or of the first two, shape (1 + d,)."""
    rates: Array
    """Reciprocal lengths, shape (d,)."""
    weights: Array
    """Weight of the covariance with each point, shape (N,)."""

    @property
    def plain(self) -> Json:
        """The function as an input of a task; `GaussianProcess.from_plain` is the way back."""
        fields = ("centre", "scale", "trend", "rates", "weights")
        return {"columns": list(self.columns), **{name: getattr(self, name).tolist() for name in fields}}

    @staticmethod
    def from_plain(plain: Json) -> "GaussianProcess":
        """Return the function that was made plain."""
        arrays = {name: np.array(value, dtype=float) for name, value in plain.items() if name != "columns"}
        return GaussianProcess(columns=tuple(plain["columns"]), **arrays)

    def evaluate(self, points: Array, taught: Array) -> Array:
        """Return its values, shape (k,).

        Parameters
        ----------
        points
            shape (k, n)
        taught
            the points that taught it, shape (N, n)
        """
        here, known = (self._standardise(at) for at in (points, taught))
        about = np.exp(-0.5 * _squared_distances(here * self.rates, known * self.rates)) @ self.weights
        return real(list_features(here)[:, : self.trend.size] @ self.trend + about)

    def _standardise(self, points: Array) -> Array:
        return real((points[:, self.columns] - self.centre) / self.scale)


def learn_process(points: Array, values: Array, noise: Array, columns: tuple[int, ...], seed: int) -> GaussianProcess:
    """Return a function that was learned from its values.

    Parameters
    ----------
    points
        shape (N, n)
    values
        shape (N,)
    noise
        how much less than others each value need be met, as factors of the variance of the noise, at least 1, shape (N,)
    columns
        coordinates the function depends on
    seed
        chooses the points by which lengths are found
    """
    own = points[:, columns]
    centre, scale = own.mean(axis=0), np.maximum(own.std(axis=0), np.finfo(float).tiny)
    at = (own - centre) / scale
    features = list_features(at)
    if len(values) < FEW * features.shape[1]:
        features = features[:, : len(columns) + 1]
    weighted = features / noise[:, None]
    trend = real(np.linalg.solve(weighted.T @ features + RIDGE * np.eye(features.shape[1]), weighted.T @ values))
    rest = values - features @ trend
    size = float(rest.std())
    if size <= 1e-9 * float(values.std()):  # quadratic to rounding
        return GaussianProcess(columns, centre, scale, trend, np.zeros(len(columns)), np.zeros(len(values)))
    chosen = np.random.default_rng(seed).permutation(len(values))[:SUBSET]
    settings = _choose_settings(at[chosen], rest[chosen] / size, noise[chosen])
    variance, rates, nugget = _read_settings(settings)
    covariance = variance * np.exp(-0.5 * _squared_distances(at * rates, at * rates)) + np.diag(nugget * noise)
    weights = size * variance * cho_solve(cho_factor(covariance, lower=True), rest / size)
    return GaussianProcess(columns, centre, scale, trend, rates, weights)


def list_features(at: Array) -> Array:
    """Return 1, the coordinates u and their products u_i u_j, shape (k, 1 + d + d (d + 1) / 2)."""
    first, second = np.triu_indices(at.shape[1])
    return np.concatenate([np.ones((len(at), 1)), at, at[:, first] * at[:, second]], axis=1)


def _squared_distances(left: Array, right: Array) -> Array:
    """Return |a - b|^2 for every a and b, shape (len(left), len(right))."""
    squares = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1)[None]
    return real(np.maximum(squares - 2.0 * left @ right.T, 0.0))


def _read_settings(settings: Array) -> tuple[float, Array, float]:
    """Return variance, reciprocal lengths and variance of the noise from ln of variance, lengths and noise, shape (d + 2,)."""
    return float(np.exp(settings[0])), np.exp(-settings[1:-1]), float(np.exp(settings[-1]))


def _choose_settings(at: Array, values: Array, noise: Array) -> Array:
    """Return ln of variance, lengths and noise with the largest marginal likelihood, shape (d + 2,)."""
    size = at.shape[1]
    begin = np.array([0.0, *[USUAL_LENGTH] * size, np.log(FIRST_NOISE)])
    bounds = [(-6.0, 6.0), *[(-2.0, 5.0)] * size, (np.log(LEAST_NOISE), 2.0)]
    squares = (at[:, None, :] - at[None]) ** 2
    against = partial(_count_against, squares=squares, values=values, noise=noise)
    found = minimize(against, begin, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": ROUNDS})
    return real(found.x)


def _count_against(settings: Array, squares: Array, values: Array, noise: Array) -> tuple[float, Array]:
    """Return -ln of marginal likelihood and prior, and its derivative by the settings (Rasmussen & Williams, equation 5.9)."""
    variance, rates, nugget = _read_settings(settings)
    signal = variance * np.exp(-0.5 * (squares @ rates**2))
    factor = cholesky(signal + np.diag(nugget * noise), lower=True)
    inverse = cho_solve((factor, True), np.eye(values.size))
    solved = inverse @ values
    gap = inverse - np.outer(solved, solved)
    away = (settings[1:-1] - USUAL_LENGTH) / LENGTH_SPREAD
    cost = 0.5 * values @ solved + np.log(np.diag(factor)).sum() + 0.5 * away @ away
    pull = gap * signal
    lengths = 0.5 * np.einsum("ij,ijk->k", pull, squares) * rates**2 + away / LENGTH_SPREAD
    slope = [0.5 * pull.sum(), *lengths, 0.5 * nugget * (np.diag(gap) * noise).sum()]
    return float(cost), np.array(slope)
