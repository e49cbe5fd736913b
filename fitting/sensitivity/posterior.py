"""The posterior of a fit as a joint distribution of the inputs of a study: draws of a sample, or Gaussian by the curvature.

Start with `choose_posterior`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from kinimmune.fitting.estimation.laplace import LaplaceApproximation, posterior_precision
from kinimmune.fitting.sampling.results import Draws, SampleResult
from kinimmune.fitting.sensitivity.inputs import Input, Posterior
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError, UsageError

Sampled = tuple[SampleResult, Draws]
"""What `kinimmune.fitting.sampling.results.read_sample` finds in a run."""


class Source(StrEnum):
    """What a posterior is taken from."""

    SAMPLE = "sample"
    """Draws of the estimated parameters by ensembles of walkers."""
    GAUSSIAN = "gaussian"
    """The curvature at the fit."""


@dataclass(frozen=True)
class ChosenPosterior:
    """The posterior a study goes over."""

    posterior: Posterior
    source: Source
    note: str
    """What it is made of, or why it is not taken from a sample; one clause."""

    def spell(self, key: str, sampled: Sampled | None) -> str:
        """Return in words what an input is drawn from."""
        drawn = self.source is Source.SAMPLE and sampled is not None and key in sampled[1].names
        return "posterior, sampled" if drawn else "posterior, Gaussian"


def choose_posterior(
    gaussian: LaplaceApproximation, inputs: Sequence[Input], possible: Sequence[str], sampled: Sampled | None, seed: int
) -> ChosenPosterior:
    """Return draws where the run holds a sample that has converged, else the Gaussian posterior and why.

    A sample that has not converged is not used: its draws depend on where walkers began, and nobody can tell how much; the
    Gaussian posterior is what a run without a sample would have.  The same holds where an estimated parameter the output depends
    on is held: no draws have it at its estimate, whereas the Gaussian posterior of the others is the curvature there.

    Parameters
    ----------
    gaussian
        the fit about its optimum
    inputs
        what varies
    possible
        keys of all parameters the output can depend on
    sampled
        the sample of the run, None when there is none
    seed
        of the order in which draws are used

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
    why = _find_obstacle(gaussian, inputs, possible, sampled)
    if sampled is None or why:
        return ChosenPosterior(
            approximate_posterior(gaussian, inputs, possible), Source.GAUSSIAN, f"Gaussian by the curvature: {why}"
        )
    found = sample_posterior(gaussian, inputs, possible, sampled[1], seed)
    return ChosenPosterior(found, Source.SAMPLE, _describe(inputs, sampled))


def _find_obstacle(
    gaussian: LaplaceApproximation, inputs: Sequence[Input], possible: Sequence[str], sampled: Sampled | None
) -> str:
    """Return why no draws can be used; empty when they can."""
    if sampled is None:
        return "the run holds no sample"
    result, draws = sampled
    free = gaussian.names[: gaussian.n_estimated]
    if set(draws.names) != set(free):
        raise DataError("the sample of this run is of other parameters than its fit estimates; sample again with --force")
    if not result.converged:
        told = f" ({result.faults[0]})" if result.faults else ""
        return f"the sample of the run has not converged{told}"
    varied = {item.key for item in inputs}
    held = [key for key in free if key in possible and key not in varied]
    return f"no draws of the sample have '{held[0]}' at its estimate" if held else ""


def _describe(inputs: Sequence[Input], sampled: Sampled) -> str:
    result, draws = sampled
    keys = {item.key for item in inputs}
    sizes = [row.bulk_ess for row in result.parameters if row.name in keys and row.bulk_ess is not None]
    worth = f", worth {min(sizes):.0f} independent ones" if sizes else ""
    constants = "" if keys <= set(draws.names) else "; constants Gaussian by the curvature, estimates moving along"
    return f"{len(draws.values)} draws of the sample of the run{worth}{constants}"


def approximate_posterior(gaussian: LaplaceApproximation, inputs: Sequence[Input], possible: Sequence[str]) -> Posterior:
    """Return the Gaussian posterior of some parameters.

    Estimates and constants are drawn together, with covariance (J'J + 1)^-1 of their z-scores (`LaplaceApproximation.covariance`)
    about the estimates and the values of the tables.  A parameter the output depends on but that is not varied is held: the
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
    places = _place(gaussian, inputs, kept)
    sd = np.array([item.sd for item in inputs])
    root = np.linalg.cholesky(conditional[np.ix_(places, places)] * np.outer(sd, sd))
    return Posterior((tuple(item.centre for item in inputs),), _rows(root))


def sample_posterior(
    gaussian: LaplaceApproximation, inputs: Sequence[Input], possible: Sequence[str], draws: Draws, seed: int
) -> Posterior:
    """Return the posterior of some parameters by draws of all estimated ones that the output depends on.

    The draws were made with the constants c at their values c0.  So constants that vary too are drawn first, from their Gaussian
    marginal posterior by the curvature, and the draw of the estimates is moved by the slope of the optimum, -(J_f'J_f + 1)^-1
    J_f'J_c (c - c0) in standard scores.  For a Gaussian posterior that is the joint posterior exactly, the one of
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
        values in the units of the tables, shape (n, n_free)
    seed
        of their order
    """
    kept = _list_kept(gaussian, inputs, possible)
    free, constants = (
        [place for place in kept if place < gaussian.n_estimated],
        [place for place in kept if place >= gaussian.n_estimated],
    )
    precision = posterior_precision(gaussian.data_jacobian)
    along = -np.linalg.solve(precision[np.ix_(free, free)], precision[np.ix_(free, constants)])
    marginal = np.linalg.inv(precision[np.ix_(kept, kept)])[len(free) :, len(free) :]
    spread = np.linalg.cholesky(marginal)
    root = np.concatenate([along @ spread, spread])[_place(gaussian, inputs, kept)]
    columns = [_coordinates(item, draws) for item in inputs]
    order = np.random.default_rng([seed, 5]).permutation(len(draws.values))
    return Posterior(_rows(np.stack(columns, axis=1)[order]), _rows(root * np.array([[item.sd] for item in inputs])))


def _coordinates(item: Input, draws: Draws) -> Array:
    """Return an input at every draw, shape (n,); a constant is at its value."""
    if item.key not in draws.names:
        return np.full(len(draws.values), item.centre)
    return np.array([item.scale.to_line(value) for value in draws.values[:, draws.names.index(item.key)].tolist()])


def _list_kept(gaussian: LaplaceApproximation, inputs: Sequence[Input], possible: Sequence[str]) -> list[int]:
    """Return the places of what is not held, estimated parameters first."""
    varied = [item.key for item in inputs]
    return [place for place, key in enumerate(gaussian.names) if key in varied or key not in possible]


def _place(gaussian: LaplaceApproximation, inputs: Sequence[Input], kept: Sequence[int]) -> list[int]:
    """Return where the inputs stand among what is not held."""
    names = [gaussian.names[place] for place in kept]
    return [names.index(item.key) for item in inputs]


def _rows(matrix: Array) -> tuple[tuple[float, ...], ...]:
    return tuple(map(tuple, matrix.tolist()))
