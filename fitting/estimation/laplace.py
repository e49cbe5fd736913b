"""Uncertainty by the curvature at the optimum: covariance of estimates, and intervals of predictions.

Start with `approximate`.  Constants are uncertain too: with their priors they enter the same quadratic approximation, so that
a prediction has one interval with constants fixed and a wider one with constants drawn and the estimates moving along.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kinimmune.fitting.problem.derivatives import central_points, central_slopes, forward_points, forward_slopes
from kinimmune.fitting.problem.objective import INSIDE, table_bounds
from kinimmune.fitting.problem.predictions import smooth_predictions
from kinimmune.fitting.problem.problem import FitProblem, predict
from kinimmune.fitting.problem.residuals import data_information
from kinimmune.fitting.problem.statistics import smooth_numbers
from kinimmune.fitting.problem.targets import Target
from kinimmune.models.arrays import Array
from kinimmune.models.symbolic.parameters import Parameter, Scale
from kinimmune.models.trial.population import Population, draw_population

STEP = 0.02
"""Step of the differences [prior sd]."""


def posterior_precision(jacobian: Array, prior_precision: float = 1.0) -> Array:
    """Return J'J + P, shape (n, n): the information of data and priors by the Gauss-Newton approximation.

    Parameters
    ----------
    jacobian
        J, of the data residuals by z-scores, shape (m, n)
    prior_precision
        diagonal of P [per squared prior sd]; 1 for priors as they are declared
    """
    return np.asarray(jacobian.T @ jacobian + prior_precision * np.eye(jacobian.shape[1]), dtype=float)


def posterior_covariance(jacobian: Array, prior_precision: float = 1.0) -> Array:
    """Return (J'J + P)^-1, shape (n, n); arguments as of `posterior_precision`."""
    return np.asarray(np.linalg.inv(posterior_precision(jacobian, prior_precision)), dtype=float)


@dataclass(frozen=True)
class LaplaceApproximation:
    """The Gaussian posterior at a point: residuals and predictions as linear functions of z-scores about it."""

    names: tuple[str, ...]
    """Keys of the estimated parameters, then of the constants that have a prior."""
    n_estimated: int
    """Number of estimated parameters."""
    data_jacobian: Array
    """Derivative of what tells the data's information, the residuals or as `data_information` has it, (n_data, n_all)."""
    gradients: Mapping[str, Array]
    """Prediction -> its derivative, shape (k, n_estimated + n_constants)."""

    def covariance(self, *, constants_drawn: bool) -> Array:
        """Return the posterior covariance of the z-scores of all parameters, or of the estimated ones with constants fixed."""
        jacobian = self.data_jacobian if constants_drawn else self.data_jacobian[:, : self.n_estimated]
        return posterior_covariance(jacobian)

    def standard_error(self, name: str, *, constants_drawn: bool) -> Array:
        """Return the standard error of a smooth prediction, shape (k,)."""
        covariance = self.covariance(constants_drawn=constants_drawn)
        gradient = self.gradients[name][:, : covariance.shape[0]]
        return np.asarray(np.sqrt(np.einsum("ki,ij,kj->k", gradient, covariance, gradient)), dtype=float)

    @property
    def effective_parameters(self) -> float:
        """Number of parameters the data determine, tr[J'J (J'J + 1)^-1], constants fixed."""
        jacobian = self.data_jacobian[:, : self.n_estimated]
        return float(np.trace(jacobian.T @ jacobian @ self.covariance(constants_drawn=False)))


def uncertain_constants(problem: FitProblem) -> tuple[Parameter, ...]:
    """Return the parameters that are not estimated but have a prior."""
    return tuple(item for item in problem.parameters if not item.estimated and item.prior.scale is not Scale.FIXED)


def approximate(
    problem: FitProblem, z: Array, others: Sequence[Target] = (), seen: FitProblem | None = None
) -> LaplaceApproximation:
    """Return the approximation about z-scores of the estimated parameters, shape (n_estimated,), constants at their values.

    Derivatives by estimated parameters are central differences (they carry the covariance of the estimates), those by constants
    are forward differences with a quarter of the patients.

    Parameters
    ----------
    problem
        what was fitted
    z
        the point
    others
        published numbers that are predicted besides those of the problem
    seen
        a fit to some of its targets, whose information it is; None for that of all
    """
    constants = uncertain_constants(problem)
    wide = replace(problem, estimated=(*problem.estimated, *constants))
    few = replace(wide, population=_first_quarter(problem))
    centre = np.concatenate([z, [item.prior.to_z(item.value) for item in constants]])
    lowest, highest = table_bounds(wide.estimated, INSIDE)
    steps = np.minimum(STEP, (highest - lowest) / 4.0)
    centre = np.clip(centre, lowest + steps, highest - steps)  # an estimate at a bound has its derivatives just inside
    estimated, constant = range(z.size), range(z.size, centre.size)
    central = _read(wide, central_points(centre, steps, fixed=constant), others, seen)
    forward = _read(few, forward_points(centre, steps, fixed=estimated), others, seen)

    def slopes(name: str) -> Array:
        by_estimates = central_slopes([row[name] for row in central], steps, fixed=constant)
        by_constants = forward_slopes([row[name] for row in forward], steps, fixed=estimated)
        return np.concatenate([by_estimates[:, : z.size], by_constants[:, z.size :]], axis=1)

    return LaplaceApproximation(
        names=tuple(item.key for item in wide.estimated),
        n_estimated=z.size,
        data_jacobian=slopes(_DATA),
        gradients={name: slopes(name) for name in central[0] if name != _DATA},
    )


_DATA = "data residuals"


def _read(
    problem: FitProblem, points: Sequence[Array], others: Sequence[Target], seen: FitProblem | None
) -> list[dict[str, Array]]:
    """Return what tells the data's information and the smooth predictions at each point."""
    return [
        {
            _DATA: data_information(seen or problem, outcomes),
            **smooth_predictions(problem, outcomes),
            **smooth_numbers(problem, outcomes, (*problem.targets, *others)),
        }
        for outcomes in predict(problem, points)
    ]


def _first_quarter(problem: FitProblem) -> Population:
    """Return a quarter of the patients: derivatives by many constants need no more."""
    population = problem.population
    return draw_population(problem.parameters, max(population.patients // 4, 1), population.seed)
