"""A cheap stand-in for a target, from which steps of the sampler are proposed; the target itself decides on each.

Start with `survey`, which learns a `Surrogate`.  Every residual is taken as a quadratic function of the point, fitted to some
hundred points of the target: first about the normal approximation of the fit, then where the surrogate itself has its mass.
Proposing by a walk on a surrogate and accepting by the target leaves the target's distribution as it is, however good or bad the
surrogate (J. S. Liu, Monte Carlo Strategies in Scientific Computing, 2001, section 9.4.3, surrogate transition).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from kinimmune.fitting.sampling.posterior import Evaluated, Target
from kinimmune.fitting.workflow.task import Json
from kinimmune.models.arrays import Array, Integers
from kinimmune.models.errors import NumericalError

ROUNDS = (4, 2, 2)
"""Points of each round of learning, per coefficient of a residual."""
OVER_DISPERSION = 1.25
"""Standard deviations of the points of the first round over those of the normal approximation."""
FREEDOM = 8.0
"""Degrees of freedom of their Student distribution."""
NEARLY_BEST, DECAY = 6.0, 8.0
"""A point counts fully until its log probability lies so far below the best, then with a weight that decays on this scale."""
RIDGE = 1e-2
"""Keeps coefficients small that no point tells of."""
LEARNING_WALKERS, LEARNING_STEPS = 128, 1000
"""Walk on the surrogate by which the points of the later rounds are found."""
SCALES = (0.25, 1.0)
"""Steps of a walk over that which is best for a normal target, 2.38 / sqrt(n)."""


@dataclass(frozen=True)
class Guide:
    """The normal approximation of a target: about where and how wide it is."""

    mean: Array
    """Shape (n,)"""
    covariance: Array
    """Shape (n, n)"""

    @property
    def plain(self) -> dict[str, Any]:
        """The guide as an input of a step."""
        return {"mean": self.mean.tolist(), "covariance": self.covariance.tolist()}

    @property
    def factor(self) -> Array:
        """Lower triangle whose square is the covariance."""
        return np.asarray(np.linalg.cholesky(self.covariance), dtype=float)


def guide_from(plain: Json) -> Guide:
    """Return a guide from plain values; inverse of `Guide.plain`."""
    return Guide(np.array(plain["mean"]), np.array(plain["covariance"]))


@dataclass(frozen=True)
class Surrogate:
    """Residuals as quadratic functions of a point."""

    guide: Guide
    """Its mean and factor make points into the coordinates of the quadratics."""
    coefficients: Array
    """Shape (1 + n + n (n + 1) / 2, m)"""
    stride: Array
    """Lower triangle whose square is the covariance of a walk's steps, shape (n, n)"""

    @property
    def plain(self) -> dict[str, Any]:
        """The surrogate as an input of a step."""
        coefficients, stride = self.coefficients.tolist(), self.stride.tolist()
        return {"guide": self.guide.plain, "coefficients": coefficients, "stride": stride}

    def log_probability(self, points: Array) -> Array:
        """Return what stands for the target's log probability, shape (k,)."""
        return self._height(_features(_coordinates(self.guide, points)))

    def wander(self, points: Array, steps: int, random: np.random.RandomState) -> Array:
        """Return where walkers are after a Metropolis walk on the surrogate, shape (k, n).

        Every step is drawn from one symmetric distribution, so the walk is as likely forwards as backwards under the surrogate.
        """
        shape = (steps, *points.shape)
        scales = np.array(SCALES)[random.randint(len(SCALES), size=(*shape[:2], 1))] * 2.38 / np.sqrt(points.shape[1])
        stride = np.linalg.solve(self.guide.factor, self.stride)
        shifts = scales * (random.standard_normal(shape) @ stride.T)
        levels = np.log(random.random_sample(shape[:2]))
        now = _coordinates(self.guide, points)
        value = self._height(_features(now))
        for shift, level in zip(shifts, levels, strict=True):
            proposed = now + shift
            found = self._height(_features(proposed))
            taken = level < found - value
            now = np.where(taken[:, None], proposed, now)
            value = np.where(taken, found, value)
        return np.asarray(self.guide.mean + now @ self.guide.factor.T, dtype=float)

    def _height(self, features: Array) -> Array:
        return Evaluated(features @ self.coefficients).log_probability


def surrogate_from(plain: Json) -> Surrogate:
    """Return a surrogate from plain values; inverse of `Surrogate.plain`."""
    return Surrogate(guide_from(plain["guide"]), np.array(plain["coefficients"]), np.array(plain["stride"]))


def survey(target: Target, inputs: Json) -> Json:
    """Learn a surrogate of a target: the body of a step of long work.

    Parameters
    ----------
    target
        what is sampled
    inputs
        `seed`, a list of whole numbers; `guide`

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
    guide = guide_from(inputs["guide"])
    size = _features(guide.mean[None]).shape[1]
    tails = np.sqrt(random.chisquare(FREEDOM, ROUNDS[0] * size) / FREEDOM)[:, None]
    normal = random.standard_normal((ROUNDS[0] * size, guide.mean.size))
    points = [guide.mean + OVER_DISPERSION * (normal / tails) @ guide.factor.T]
    found = [target.evaluate(points[0])]
    surrogate = _learn(guide, guide.factor, points, found)
    for share in ROUNDS[1:]:
        points.append(_wander_about(surrogate, random)[: share * size])
        found.append(target.evaluate(points[-1]))
        surrogate = _learn(guide, surrogate.stride, points, found)
    covariance = np.cov(_wander_about(surrogate, random), rowvar=False)
    stride = np.linalg.cholesky(np.atleast_2d(covariance))
    return {
        "surrogate": Surrogate(guide, surrogate.coefficients, stride).plain,
        "evaluations": sum(map(len, points)),
        "failures": [failure for item in found for failure in item.failures],
    }


def _wander_about(surrogate: Surrogate, random: np.random.RandomState) -> Array:
    """Return points distributed nearly as the surrogate is, four per walker, shape (4 walkers, n)."""
    normal = random.standard_normal((LEARNING_WALKERS, surrogate.guide.mean.size))
    points = surrogate.guide.mean + normal @ surrogate.guide.factor.T
    kept = []
    for _ in range(5):
        points = surrogate.wander(points, LEARNING_STEPS // 5, random)
        kept.append(points)
    return np.concatenate(kept[:0:-1])


def _learn(guide: Guide, stride: Array, points: Sequence[Array], found: Sequence[Evaluated]) -> Surrogate:
    """Fit the quadratics, by least squares with weights that fall where the target is improbable."""
    value = np.concatenate([item.log_probability for item in found])
    known = np.isfinite(value)
    features = _features(_coordinates(guide, np.concatenate(points)[known]))
    if len(features) < features.shape[1]:
        raise NumericalError(
            f"only {len(features)} of {len(value)} points about the fit could be computed; "
            "look at failures.csv and at the ranges of the parameters"
        )
    weight = np.sqrt(np.exp(np.minimum(value[known] - value[known].max() + NEARLY_BEST, 0.0) / DECAY))[:, None]
    left, right = weight * features, weight * np.concatenate([item.residuals for item in found])[known]
    coefficients = np.linalg.solve(left.T @ left + RIDGE * np.eye(features.shape[1]), left.T @ right)
    return Surrogate(guide, coefficients, stride)


def _coordinates(guide: Guide, points: Array) -> Array:
    """Return points in widths of the guide about its mean, shape (k, n)."""
    return np.asarray(np.linalg.solve(guide.factor, (points - guide.mean).T).T, dtype=float)


def _features(u: Array) -> Array:
    """Return 1, the coordinates u and their products u_i u_j, shape (k, 1 + n + n (n + 1) / 2)."""
    first, second = _pairs(u.shape[1])
    return np.concatenate([np.ones((len(u), 1)), u, u[:, first] * u[:, second]], axis=1)


@lru_cache
def _pairs(size: int) -> tuple[Integers, Integers]:
    return np.triu_indices(size)
