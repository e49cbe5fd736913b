"""The posterior of a fit as a joint distribution of the inputs of a study: draws of a sample, or Gaussian by the curvature.

Start with `choose_posterior`; `kinimmune.fitting.sensitivity.wording` tells what was chosen and why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

import numpy as np

from kinimmune.fitting.estimation.laplace import LaplaceApproximation, posterior_precision
from kinimmune.fitting.sampling.results import Draws, SampleResult
from kinimmune.fitting.sensitivity.inputs import JointDistribution, SensitivityInput
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError, UsageError

PosteriorSample = tuple[SampleResult, Draws]
"""What `kinimmune.fitting.sampling.results.read_sample` finds in a run."""


class PosteriorSource(StrEnum):
    """What a posterior is taken from."""

    SAMPLE = "sample"
    """Draws of the estimated parameters by ensembles of walkers."""
    GAUSSIAN = "gaussian"
    """The curvature at the fit."""


class Obstacle(Enum):
    """Why the draws of a sample cannot be used."""

    NO_SAMPLE = auto()
    """The run holds none."""
    NOT_CONVERGED = auto()
    """The sample has not converged, so its draws depend on where walkers began."""
    PARAMETER_FIXED = auto()
    """An estimated parameter on which the output depends does not vary, and no draw has it at its estimate."""


@dataclass(frozen=True)
class Refusal:
    """Why a study goes over the Gaussian posterior and not over a sample."""

    obstacle: Obstacle
    detail: str = ""
    """First fault of the sample where it has not converged; key of the parameter that is fixed; empty where there is none."""


@dataclass(frozen=True)
class SampleUse:
    """How a study uses the draws of a sample."""

    draws: int
    effective_draws: float | None
    """Smallest effective sample size of an input that the draws vary; None where it is not known."""
    constants_vary: bool
    """Whether constants vary too: Gaussian by the curvature, with the estimates moving along."""


@dataclass(frozen=True)
class ChosenPosterior:
    """The posterior a study goes over."""

    posterior: JointDistribution
    made_of: SampleUse | Refusal
    """Which draws it is made of, or why it is Gaussian."""
    sampled: frozenset[str] = frozenset()
    """Keys of the parameters whose values are draws of a sample."""

    @property
    def source(self) -> PosteriorSource:
        """What it is taken from."""
        return PosteriorSource.SAMPLE if isinstance(self.made_of, SampleUse) else PosteriorSource.GAUSSIAN


def choose_posterior(
    gaussian: LaplaceApproximation,
    inputs: Sequence[SensitivityInput],
    possible: Sequence[str],
    sample: PosteriorSample | None,
    seed: int,
) -> ChosenPosterior:
    """Return draws where the run holds a sample that has converged, else the Gaussian posterior and why.

    A sample that has not converged is not used: its draws depend on where walkers began, and nobody can tell how much; the
    Gaussian posterior is what a run without a sample would have.  The same holds where an estimated parameter the output depends
    on is fixed: no draws have it at its estimate, whereas the Gaussian posterior of the others is the curvature there.

    Parameters
    ----------
    gaussian
        the fit about its optimum
    inputs
        what varies
    possible
        keys of all parameters the output can depend on
    sample
        the sample of the run, None when there is none
    seed
        seed of the order in which draws are used

    Raises
    ------
    UsageError
        for an input that has a range or a fixed prior: the posterior says nothing about it
    DataError
        when the sample is of other parameters than the fit estimates
    """
    for item in inputs:
        if item.ranged or item.key not in gaussian.names:
            raise UsageError(f"--posterior: '{item.key}' has a range or no prior, so it has no posterior; leave it out")
    refusal = _find_refusal(gaussian, inputs, possible, sample)
    if sample is None or refusal is not None:
        return ChosenPosterior(approximate_posterior(gaussian, inputs, possible), refusal or Refusal(Obstacle.NO_SAMPLE))
    result, draws = sample
    found = sample_posterior(gaussian, inputs, possible, draws, seed)
    return ChosenPosterior(found, _use(inputs, result, draws), frozenset(draws.names))


def _find_refusal(
    gaussian: LaplaceApproximation,
    inputs: Sequence[SensitivityInput],
    possible: Sequence[str],
    sample: PosteriorSample | None,
) -> Refusal | None:
    """Return why no draws can be used; None when they can."""
    if sample is None:
        return Refusal(Obstacle.NO_SAMPLE)
    result, draws = sample
    estimated = gaussian.names[: gaussian.n_estimated]
    if set(draws.names) != set(estimated):
        raise DataError("the sample of this run is of other parameters than its fit estimates; sample again with --force")
    if not result.converged:
        return Refusal(Obstacle.NOT_CONVERGED, result.faults[0] if result.faults else "")
    varied = {item.key for item in inputs}
    fixed = [key for key in estimated if key in possible and key not in varied]
    return Refusal(Obstacle.PARAMETER_FIXED, fixed[0]) if fixed else None


def _use(inputs: Sequence[SensitivityInput], result: SampleResult, draws: Draws) -> SampleUse:
    keys = {item.key for item in inputs}
    sizes = [row.bulk_ess for row in result.parameters if row.name in keys and row.bulk_ess is not None]
    return SampleUse(len(draws.values), min(sizes, default=None), not keys <= set(draws.names))


def approximate_posterior(
    gaussian: LaplaceApproximation, inputs: Sequence[SensitivityInput], possible: Sequence[str]
) -> JointDistribution:
    """Return the Gaussian posterior of some parameters.

    Estimates and constants are drawn together, with covariance (J'J + 1)^-1 of their z-scores (`LaplaceApproximation.covariance`)
    about the estimates and the values of the tables.  A parameter the output depends on but that is not varied is fixed: the
    covariance is the conditional one.  One the output does not depend on is left out: the covariance is the marginal one.

    Parameters
    ----------
    gaussian
        the fit about its optimum
    inputs
        what varies, parameters with a prior
    possible
        keys of all parameters the output can depend on
    """
    kept = _list_kept(gaussian, inputs, possible)
    conditional = np.linalg.inv(posterior_precision(gaussian.data_jacobian)[np.ix_(kept, kept)])
    rows = _find_rows(gaussian, inputs, kept)
    sd = np.array([item.sd for item in inputs])
    root = np.linalg.cholesky(conditional[np.ix_(rows, rows)] * np.outer(sd, sd))
    return JointDistribution((tuple(item.centre for item in inputs),), _rows(root))


def sample_posterior(
    gaussian: LaplaceApproximation, inputs: Sequence[SensitivityInput], possible: Sequence[str], draws: Draws, seed: int
) -> JointDistribution:
    """Return the posterior of some parameters by draws of all estimated ones that the output depends on.

    The draws were made with the constants c at their values c0.  So constants that vary too are drawn first, from their Gaussian
    marginal posterior by the curvature, and the draw of the estimates is moved by the slope of the optimum, -(J_e'J_e + 1)^-1
    J_e'J_c (c - c0) in z-scores.  For a Gaussian posterior that is the joint posterior exactly, the one of
    `approximate_posterior`; for another one it keeps the shape of the draws and is of first order in c.  Priors in place of the
    marginal would leave out that constants and estimates are told apart by the same data; constants from their conditional
    distribution given the estimates would make both too narrow, as the draws have the constants fixed.

    Draws come in a random order and each is used once before one is used again, so that rows are exchangeable.

    Parameters
    ----------
    gaussian
        the fit about its optimum
    inputs
        what varies, among it all estimated parameters the output depends on
    possible
        keys of all parameters the output can depend on
    draws
        values in the units of the tables, shape (n, n_estimated)
    seed
        seed of their order
    """
    kept = _list_kept(gaussian, inputs, possible)
    estimated = [index for index in kept if index < gaussian.n_estimated]
    constants = [index for index in kept if index >= gaussian.n_estimated]
    precision = posterior_precision(gaussian.data_jacobian)
    along = -np.linalg.solve(precision[np.ix_(estimated, estimated)], precision[np.ix_(estimated, constants)])
    marginal = np.linalg.inv(precision[np.ix_(kept, kept)])[len(estimated) :, len(estimated) :]
    spread = np.linalg.cholesky(marginal)
    root = np.concatenate([along @ spread, spread])[_find_rows(gaussian, inputs, kept)]
    columns = [_coordinates(item, draws) for item in inputs]
    order = np.random.default_rng([seed, 5]).permutation(len(draws.values))
    return JointDistribution(_rows(np.stack(columns, axis=1)[order]), _rows(root * np.array([[item.sd] for item in inputs])))


def _coordinates(item: SensitivityInput, draws: Draws) -> Array:
    """Return an input at every draw, shape (n,); a constant is at its value."""
    if item.key not in draws.names:
        return np.full(len(draws.values), item.centre)
    return np.array([item.scale.transform(value) for value in draws.values[:, draws.names.index(item.key)].tolist()])


def _list_kept(gaussian: LaplaceApproximation, inputs: Sequence[SensitivityInput], possible: Sequence[str]) -> list[int]:
    """Return the indices of what is not fixed, estimated parameters first."""
    varied = [item.key for item in inputs]
    return [index for index, key in enumerate(gaussian.names) if key in varied or key not in possible]


def _find_rows(gaussian: LaplaceApproximation, inputs: Sequence[SensitivityInput], kept: Sequence[int]) -> list[int]:
    """Return the indices of the inputs among what is not fixed."""
    names = [gaussian.names[index] for index in kept]
    return [names.index(item.key) for item in inputs]


def _rows(matrix: Array) -> tuple[tuple[float, ...], ...]:
    return tuple(map(tuple, matrix.tolist()))
