"""The posterior of a run as claims and predictions take it: draws of its sample, or of the normal approximation at its optimum.

Start with `read_posterior`.
"""

from collections.abc import Sequence

import numpy as np

from kinimmune.fitting.estimation.fitted import Fitted
from kinimmune.fitting.estimation.results import ComparisonRow
from kinimmune.fitting.problem.objective import INSIDE, table_bounds
from kinimmune.fitting.problem.posterior_draws import BASES, GAUSSIAN, SAMPLE, PosteriorDraws
from kinimmune.fitting.problem.settings import open_problem
from kinimmune.fitting.sampling.description import normal_approximation
from kinimmune.fitting.sampling.results import Draws, SampleResult, read_sample
from kinimmune.fitting.sampling.surrogate import NormalApproximation
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.parameters import Parameter

ORDER, NORMAL = 3, 4
"""What sets the seeds of the order of a sample's draws and of the normal draws apart from others."""


def read_posterior(fitted: Fitted, draws: int, seed: int) -> PosteriorDraws:
    """Return draws of the run's sample where it holds one that has converged, else of the normal approximation, and which.

    Parameters
    ----------
    fitted
        the fit of the run
    draws
        how many; of a sample no more than it kept, evenly thinned, in random order
    seed
        of the draws

    Raises
    ------
    DataError
        when a file of the run cannot be used, or its sample is of other parameters than its fit
    """
    names = tuple(row.name for row in fitted.result.parameters)
    found = read_sample(fitted.run)
    obstacle = _find_obstacle(found, names)
    if found is None or obstacle:
        estimated = open_problem(fitted.settings, fitted.folder).estimated
        drawn = draw_normal(normal_approximation(fitted), estimated, draws, seed)
        return _describe(fitted, GAUSSIAN, f"{BASES[GAUSSIAN]}, as {obstacle}", drawn, None)
    sample, kept = found
    chosen = _thin(kept, draws, seed)[:, [kept.names.index(name) for name in names]]
    sizes = [row.bulk_ess for row in sample.parameters if row.bulk_ess is not None]
    return _describe(fitted, SAMPLE, f"{BASES[SAMPLE]}, {len(chosen)} of {len(kept.values)}", chosen, min(sizes, default=None))


def _find_obstacle(found: tuple[SampleResult, Draws] | None, names: tuple[str, ...]) -> str:
    """Return why no draws of a sample can be used; empty where they can."""
    if found is None:
        return "the run holds no sample"
    sample, kept = found
    if set(kept.names) != set(names):
        raise DataError("the sample of this run is of other parameters than its fit estimates; sample again with --force")
    fault = f": {sample.faults[0]}" if sample.faults else ""
    return "" if sample.converged else f"the sample of the run has not converged{fault}"


def _thin(kept: Draws, draws: int, seed: int) -> Array:
    """Return so many draws spread evenly over those kept, in random order, so that the first ones are as good as any."""
    places = np.unique(np.linspace(0, len(kept.values) - 1, min(draws, len(kept.values))).round().astype(int))
    return np.asarray(kept.values[np.random.default_rng([seed, ORDER]).permutation(places)])


def draw_normal(normal: NormalApproximation, estimated: Sequence[Parameter], draws: int, seed: int) -> Array:
    """Return draws from a normal approximation of z-scores as values of the parameters, shape (draws, n_estimated).

    A value beyond its range is put on the end of the range.

    Parameters
    ----------
    normal
        of the fit, constants held
    estimated
        its parameters
    draws, seed
        number of draws and their seed
    """
    generator = np.random.default_rng([seed, NORMAL])
    scores = generator.multivariate_normal(normal.mean, normal.covariance, size=draws, check_valid="ignore", method="eigh")
    inside = np.clip(scores, *table_bounds(estimated, INSIDE))
    return np.array([[item.prior.from_z(score) for item, score in zip(estimated, row, strict=True)] for row in inside.tolist()])


def _describe(fitted: Fitted, basis: str, note: str, draws: Array, effective: float | None) -> PosteriorDraws:
    rows, targets = fitted.result.parameters, fitted.result.targets
    return PosteriorDraws(
        basis=basis,
        note=note,
        names=tuple(row.name for row in rows),
        estimates=np.array([row.value for row in rows]),
        draws=draws,
        effective=effective,
        places=frozenset(place for row in targets for place in _list_places(row)),
        comparisons=frozenset((row.read_out, row.arm or "", row.reference_arm or "") for row in targets if row.read_out),
    )


def _list_places(row: ComparisonRow) -> tuple[str, ...]:
    """Return the study of a fitted number, of a measurement its experiment and reference."""
    return (row.study,) if row.read_out is None else tuple(name for name in (row.arm, row.reference_arm) if name)
