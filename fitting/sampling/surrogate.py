"""A cheap stand-in for a target, from which steps of the sampler are proposed; the target itself decides on each.

Start with `fit_surrogate`, which learns a `Surrogate`.  Every residual is taken as a quadratic function of the point, fitted to
some hundred points of the target: first about the normal approximation of the fit, then where the surrogate itself has its mass.
Proposing by a walk on a surrogate and accepting by the target leaves the target's distribution as it is, however good or bad the
surrogate (J. S. Liu, Monte Carlo Strategies in Scientific Computing, 2001, section 9.4.3, surrogate transition).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from kinimmune.fitting.sampling.density import DensityValues, TargetDensity
from kinimmune.fitting.workflow.task import Json
from kinimmune.models.arrays import Array, Integers
from kinimmune.models.errors import NumericalError

ROUNDS = (4, 2, 2)
"""Points of each round of learning, per coefficient of a residual."""
OVER_DISPERSION = 1.25
"""Standard deviations of the points of the first round over those of the normal approximation."""
FREEDOM = 8.0
"""Degrees of freedom of the Student distribution the points of the first round are drawn from."""
FULL_WEIGHT_DEPTH, WEIGHT_DECAY = 6.0, 8.0
"""A point counts fully until its log probability lies the first number below the best, then with a weight that decays on the
scale of the second."""
RIDGE = 1e-2
"""Weight of the squared coefficients in the least squares: keeps those small that no point tells of."""
LEARNING_WALKERS, LEARNING_STEPS = 128, 1000
"""Size of the random walk on the surrogate by which the points of the later rounds are found."""
SCALES = (0.25, 1.0)
"""Lengths of a walk's steps over that which is best for a normal target, 2.38 / sqrt(n); drawn with equal probability."""


@dataclass(frozen=True)
class NormalApproximation:
    """A normal distribution that tells about where a target lies and how wide it is."""

    mean: Array
    """Mean, shape (n,)."""
    covariance: Array
    """Covariance, shape (n, n)."""

    @property
    def plain(self) -> dict[str, Any]:
        """The approximation as an input of a task; `NormalApproximation.from_plain` is the way back."""
        return {"mean": self.mean.tolist(), "covariance": self.covariance.tolist()}

    @staticmethod
    def from_plain(plain: Json) -> "NormalApproximation":
        """Return the approximation that was made plain."""
        return NormalApproximation(np.array(plain["mean"]), np.array(plain["covariance"]))

    @property
    def factor(self) -> Array:
        """Lower Cholesky factor of the covariance, shape (n, n)."""
        return np.asarray(np.linalg.cholesky(self.covariance), dtype=float)


@dataclass(frozen=True)
class Surrogate:
    """Residuals as quadratic functions of a point."""

    normal: NormalApproximation
    """Its mean and factor make points into the coordinates of the quadratics."""
    coefficients: Array
    """Coefficients of each residual, shape (1 + n + n (n + 1) / 2, m)."""
    stride: Array
    """Lower Cholesky factor of the covariance of a walk's steps, shape (n, n)."""

    @property
    def plain(self) -> dict[str, Any]:
        """The surrogate as an input of a task; `Surrogate.from_plain` is the way back."""
        coefficients, stride = self.coefficients.tolist(), self.stride.tolist()
        return {"guide": self.normal.plain, "coefficients": coefficients, "stride": stride}

    @staticmethod
    def from_plain(plain: Json) -> "Surrogate":
        """Return the surrogate that was made plain."""
        normal = NormalApproximation.from_plain(plain["guide"])
        return Surrogate(normal, np.array(plain["coefficients"]), np.array(plain["stride"]))

    def log_probability(self, points: Array) -> Array:
        """Return what stands for the target's log probability, shape (k,)."""
        return self._log_density(_features(_coordinates(self.normal, points)))

    def random_walk(self, points: Array, steps: int, random: np.random.RandomState) -> Array:
        """Return where walkers are after a Metropolis walk on the surrogate, shape (k, n).

        Every step is drawn from one symmetric distribution, so the walk is as likely forwards as backwards under the surrogate.
        """
        shape = (steps, *points.shape)
        scales = np.array(SCALES)[random.randint(len(SCALES), size=(*shape[:2], 1))] * 2.38 / np.sqrt(points.shape[1])
        stride = np.linalg.solve(self.normal.factor, self.stride)
        shifts = scales * (random.standard_normal(shape) @ stride.T)
        levels = np.log(random.random_sample(shape[:2]))
        now = _coordinates(self.normal, points)
        value = self._log_density(_features(now))
        for shift, level in zip(shifts, levels, strict=True):
            proposed = now + shift
            proposed_value = self._log_density(_features(proposed))
            taken = level < proposed_value - value
            now = np.where(taken[:, None], proposed, now)
            value = np.where(taken, proposed_value, value)
        return np.asarray(self.normal.mean + now @ self.normal.factor.T, dtype=float)

    def _log_density(self, features: Array) -> Array:
        return DensityValues(features @ self.coefficients).log_probability


def fit_surrogate(target: TargetDensity, inputs: Json) -> Json:
    """Learn a surrogate of a target: what the function of such a task does once it has its target.

    Parameters
    ----------
    target
        density that is sampled
    inputs
        `seed`, a list of whole numbers; `guide`, a plain `NormalApproximation`

    Returns
    -------
    Json
        `surrogate`, `evaluations`, `failures`

    Raises
    ------
    NumericalError
        when too few points can be computed to learn anything
    """
    random = np.random.RandomState(np.random.MT19937(np.random.SeedSequence(inputs["seed"])))
    normal = NormalApproximation.from_plain(inputs["guide"])
    size = _features(normal.mean[None]).shape[1]
    tails = np.sqrt(random.chisquare(FREEDOM, ROUNDS[0] * size) / FREEDOM)[:, None]
    draws = random.standard_normal((ROUNDS[0] * size, normal.mean.size))
    points = [normal.mean + OVER_DISPERSION * (draws / tails) @ normal.factor.T]
    values = [target.evaluate(points[0])]
    surrogate = _learn(normal, normal.factor, points, values)
    for share in ROUNDS[1:]:
        points.append(_draw_from(surrogate, random)[: share * size])
        values.append(target.evaluate(points[-1]))
        surrogate = _learn(normal, surrogate.stride, points, values)
    covariance = np.cov(_draw_from(surrogate, random), rowvar=False)
    stride = np.linalg.cholesky(np.atleast_2d(covariance))
    return {
        "surrogate": Surrogate(normal, surrogate.coefficients, stride).plain,
        "evaluations": sum(map(len, points)),
        "failures": [failure for item in values for failure in item.failures],
    }


def _draw_from(surrogate: Surrogate, random: np.random.RandomState) -> Array:
    """Return points distributed nearly as the surrogate is, four per walker, shape (4 walkers, n)."""
    normal = random.standard_normal((LEARNING_WALKERS, surrogate.normal.mean.size))
    points = surrogate.normal.mean + normal @ surrogate.normal.factor.T
    kept = []
    for _ in range(5):
        points = surrogate.random_walk(points, LEARNING_STEPS // 5, random)
        kept.append(points)
    return np.concatenate(kept[:0:-1])


def _learn(normal: NormalApproximation, stride: Array, points: Sequence[Array], values: Sequence[DensityValues]) -> Surrogate:
    """Fit the quadratics, by least squares with weights that fall where the target is improbable."""
    log_probability = np.concatenate([item.log_probability for item in values])
    known = np.isfinite(log_probability)
    features = _features(_coordinates(normal, np.concatenate(points)[known]))
    if len(features) < features.shape[1]:
        raise NumericalError(
            f"only {len(features)} of {len(log_probability)} points about the fit could be computed; "
            "look at failures.csv and at the ranges of the parameters"
        )
    depth = log_probability[known] - log_probability[known].max()
    weight = np.sqrt(np.exp(np.minimum(depth + FULL_WEIGHT_DEPTH, 0.0) / WEIGHT_DECAY))[:, None]
    left, right = weight * features, weight * np.concatenate([item.residuals for item in values])[known]
    coefficients = np.linalg.solve(left.T @ left + RIDGE * np.eye(features.shape[1]), left.T @ right)
    return Surrogate(normal, coefficients, stride)


def _coordinates(normal: NormalApproximation, points: Array) -> Array:
    """Return points in widths of the normal approximation about its mean, shape (k, n)."""
    return np.asarray(np.linalg.solve(normal.factor, (points - normal.mean).T).T, dtype=float)


def _features(u: Array) -> Array:
    """Return 1, the coordinates u and their products u_i u_j, shape (k, 1 + n + n (n + 1) / 2)."""
    first, second = _pairs(u.shape[1])
    return np.concatenate([np.ones((len(u), 1)), u, u[:, first] * u[:, second]], axis=1)


@lru_cache
def _pairs(size: int) -> tuple[Integers, Integers]:
    return np.triu_indices(size)
