"""Uncertainty by the curvature at the optimum: covariance of estimates, and intervals of predictions.

Start with `linearise`.  Constants are uncertain too: with their priors they enter the same quadratic approximation, so that
a prediction has one interval with constants fixed and a wider one with constants drawn and the estimates moving along.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from kinimmune.fitting.problem.predictions import smooth_predictions
from kinimmune.fitting.problem.problem import FitProblem, predict, residuals
from kinimmune.models.arrays import Array
from kinimmune.models.symbolic.parameters import Scale
from kinimmune.models.trial.population import Population, draw_population

NORMAL_95 = 1.959963984540054
STEP = 0.02
"""Step of the differences, in prior standard deviations."""


@dataclass(frozen=True)
class Linearisation:
    """Residuals and predictions as linear functions of standard scores about a point."""

    names: tuple[str, ...]
    """Keys of the free parameters, then of the constants that have a prior."""
    n_free: int
    data_jacobian: Array
    """Derivative of the data residuals, shape (2 n_targets, n_free + n_constants)"""
    gradients: Mapping[str, Array]
    """Prediction -> derivative, shape (k, n_free + n_constants)"""

    def covariance(self, constants_drawn: bool) -> Array:
        """Return the posterior covariance of standard scores, (J'J + 1)^-1 with unit priors, of all or the free ones."""
        jacobian = self.data_jacobian if constants_drawn else self.data_jacobian[:, : self.n_free]
        size = jacobian.shape[1]
        return np.asarray(np.linalg.inv(jacobian.T @ jacobian + np.eye(size)), dtype=float)

    def error(self, name: str, constants_drawn: bool) -> Array:
        """Return the standard error of a smooth prediction, shape (k,)."""
        covariance = self.covariance(constants_drawn)
        gradient = self.gradients[name][:, : covariance.shape[0]]
        errors: Array = np.sqrt(np.einsum("ki,ij,kj->k", gradient, covariance, gradient))
        return errors

    @property
    def effective_parameters(self) -> float:
        """Number of parameters the data determine, tr[J'J (J'J + 1)^-1], constants fixed."""
        jacobian = self.data_jacobian[:, : self.n_free]
        return float(np.trace(jacobian.T @ jacobian @ self.covariance(constants_drawn=False)))


def linearise(problem: FitProblem, point: Array) -> Linearisation:
    """Return the linear approximation about a point, shape (n_free,), in the free parameters and the constants.

    Free parameters by central differences (they carry the covariance of the estimates), constants by forward ones
    and with a quarter of the patients.
    """
    constants = tuple(item for item in problem.parameters if not item.estimated and item.prior.scale is not Scale.FIXED)
    wide = replace(problem, free=(*problem.free, *constants))
    scores = [item.prior.to_z(item.value) for item in constants]
    centre = np.concatenate([point, scores])
    n_free, n_data = point.size, 2 * len(problem.targets)
    steps = STEP * np.eye(centre.size)
    free = _read(wide, [*(centre + step for step in steps[:n_free]), *(centre - step for step in steps[:n_free])], n_data)
    few = replace(wide, population=_first_quarter(problem))
    fixed = _read(few, [centre, *(centre + step for step in steps[n_free:])], n_data)

    def slope(name: str) -> Array:
        central = [(free[i][name] - free[n_free + i][name]) / (2.0 * STEP) for i in range(n_free)]
        forward = [(item[name] - fixed[0][name]) / STEP for item in fixed[1:]]
        return np.stack([*central, *forward], axis=1)

    return Linearisation(
        names=tuple(item.key for item in wide.free),
        n_free=n_free,
        data_jacobian=slope(_DATA),
        gradients={name: slope(name) for name in free[0] if name != _DATA},
    )


_DATA = "data residuals"


def _read(problem: FitProblem, points: list[Array], n_data: int) -> list[dict[str, Array]]:
    """Return data residuals and smooth predictions at points."""
    return [
        {_DATA: residuals(problem, outcomes, point)[:n_data], **smooth_predictions(problem, outcomes)}
        for outcomes, point in zip(predict(problem, points), points, strict=True)
    ]


def _first_quarter(problem: FitProblem) -> Population:
    """Return a quarter of the patients: the slopes by many constants need no more."""
    population = problem.population
    return draw_population(problem.parameters, max(population.patients // 4, 1), population.seed)
