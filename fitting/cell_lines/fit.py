"""The kinase shift as cell lines see it: the model of the lines against published IC50s, with and without them.

Start with `fit_cells`; `compare_shifts` sets its shift beside that of a fit of trials.  An IC50 is what a reader of the
experiment would measure: the concentration that halves the number of cells within the time of the experiment.  Least squares find
the optimum; the posterior is that of weighted draws from the priors, because near a plateau of the response no curvature
describes it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kinimmune.fitting.cell_lines.objective import NANOMOL_PER_MICROMOL, CellLineObjective, Range, misfit
from kinimmune.fitting.cell_lines.response import Response, find_response, value_at
from kinimmune.fitting.estimation.optimise import minimise
from kinimmune.fitting.estimation.results import EstimateRow
from kinimmune.models.arrays import NORMAL_95, Array
from kinimmune.models.errors import DataError, NumericalError
from kinimmune.models.library.hcc_cells import LINES, SHIFT
from kinimmune.models.tables.readers import read_cell_lines
from kinimmune.models.tables.rows import Tables

BATCHES, BATCH = 20, 20_000
"""Draws from the priors, batch by batch; about one in a thousand counts fully."""
NEGLIGIBLE = 1e-9
"""Weight over the largest below which a draw is dropped."""
LEVELS = (0.5, 0.025, 0.975)
"""Quantiles of a posterior that are told: the median and the ends of the 95 % interval."""


class Normal(NamedTuple):
    """A normal distribution of ln shift."""

    mean: float
    sd: float


@dataclass(frozen=True)
class ShiftEstimate:
    """What some lines say of the kinase shift."""

    lines: tuple[str, ...]
    """Lines whose IC50 was fitted; none for the prior."""
    optimum: float
    """Shift at the largest posterior density."""
    log_mean: float
    """Posterior mean of ln shift."""
    log_sd: float
    """Its posterior standard deviation."""
    interval: Range
    """95 % interval of the shift."""
    effective_draws: float
    """Number of equally weighted draws that would say as much."""


@dataclass(frozen=True)
class PredictedLine:
    """A line's IC50 [umol/L]: published where there is one, and over the posterior of all lines."""

    line: str
    published: Range | None
    median: float
    interval: Range
    """95 % interval; infinite where no concentration halves the cells."""


@dataclass(frozen=True)
class CellsFit:
    """Everything the fit found."""

    estimates: tuple[ShiftEstimate, ...]
    """The prior, each line alone, and last all lines together."""
    lines: tuple[PredictedLine, ...]


@dataclass(frozen=True)
class Comparison:
    """The shift by cell lines and by trials, as normal distributions of its logarithm without the prior both have used."""

    cells: Normal
    """What the cell lines say."""
    trials: Normal
    """What the trials say."""
    posterior_score: float
    """Difference over its standard deviation with the prior left in both: a shared prior draws them together."""

    @property
    def score(self) -> float:
        """Difference over its standard deviation."""
        return _score(self.cells, self.trials)


def fit_cells(tables: Tables, seed: int = 1) -> CellsFit:
    """Fit the shift and what differs between lines to the published IC50s, for each line and for all.

    A published range is taken as uniform over ln IC50: its standard deviation is the width over the root of 12.

    Raises
    ------
    DataError
        when no line has an IC50
    NumericalError
        when the fit does not converge, or no draw agrees with the published ranges
    """
    response, published = find_response(tables), _published(tables)
    if not published:
        raise DataError("cell_lines.csv has no line with an IC50; nothing can be fitted")
    groups: list[dict[str, Range]] = [{}, *({name: ends} for name, ends in published.items())]
    groups += [published] if len(published) > 1 else []
    draws, misfits = _draw(response, published, seed)
    estimates = tuple(_estimate(response, group, draws, misfits) for group in groups)
    weights = _weigh(misfits, tuple(published))
    relevant = weights > NEGLIGIBLE * weights.max()
    lines = tuple(_predict(response, name, published.get(name), draws[:, relevant], weights[relevant]) for name in LINES)
    return CellsFit(estimates, lines)


def compare_shifts(fit: CellsFit, trial: EstimateRow) -> Comparison:
    """Return the shift of all lines beside that of a fit of trials, each without its prior.

    1/v = 1/v_posterior - 1/v_prior, and the mean in proportion, of ln shift.

    Raises
    ------
    DataError
        when an estimate is no narrower than its prior: then it says nothing by itself
    """
    prior, last = (Normal(item.log_mean, item.log_sd) for item in (fit.estimates[0], fit.estimates[-1]))
    trials = Normal(math.log(trial.value), trial.standard_error)
    trial_prior = Normal(math.log(trial.prior_median), math.log(trial.prior_upper / trial.prior_lower) / (2.0 * NORMAL_95))
    return Comparison(_without_prior(last, prior), _without_prior(trials, trial_prior), _score(last, trials))


def _score(first: Normal, second: Normal) -> float:
    """Return the difference of two means over its standard deviation."""
    return (first.mean - second.mean) / math.hypot(first.sd, second.sd)


def _without_prior(posterior: Normal, prior: Normal) -> Normal:
    """Return the normal distribution whose product with the prior is the posterior."""
    precision = posterior.sd**-2 - prior.sd**-2
    if precision <= 0.0:
        raise DataError(
            f"a posterior with sd {posterior.sd:.3g} of ln shift is no narrower than its prior; give that a larger sd"
        )
    return Normal((posterior.mean * posterior.sd**-2 - prior.mean * prior.sd**-2) / precision, precision**-0.5)


def _published(tables: Tables) -> dict[str, Range]:
    """Return short name -> published range [umol/L] of the lines that have one."""
    printed = {text: name for name, text in LINES.items()}
    return {
        printed[line.name]: Range(line.ic50_lower, line.ic50_upper)
        for line in read_cell_lines(tables)
        if line.name in printed and line.ic50_lower is not None and line.ic50_upper is not None
    }


def _draw(response: Response, published: Mapping[str, Range], seed: int) -> tuple[Array, dict[str, Array]]:
    """Return prior draws as z-scores, shape (n_estimated, n), and each published line's misfit, shape (n,)."""
    generator = np.random.default_rng(seed)
    batches = [generator.standard_normal((len(response.estimated), BATCH)) for _ in range(BATCHES)]
    misfits = {
        line: np.concatenate([misfit(response, line, ends, batch) for batch in batches]) for line, ends in published.items()
    }
    return np.concatenate(batches, axis=1), misfits


def _optimise(response: Response, published: Mapping[str, Range]) -> Array:
    """Return the optimum of misfits and priors as z-scores, shape (n_estimated,)."""
    objective = CellLineObjective(response, published)
    outcome = minimise(objective, np.zeros(len(response.estimated)), lambda _: None, tolerance=objective.tolerance)
    if not outcome.converged:
        raise NumericalError(f"the fit to {', '.join(published)} did not converge: {outcome.message}; look at cell_lines.csv")
    return np.array(outcome.z)


def _weigh(misfits: Mapping[str, Array], lines: tuple[str, ...]) -> Array:
    """Return the weight of each prior draw in the posterior of some lines, sum 1, shape (n,)."""
    cost = np.sum([misfits[line] ** 2 for line in lines], axis=0)
    weights: Array = np.exp(-(cost - cost.min()) / 2.0)
    weights /= weights.sum()
    return weights


def _estimate(response: Response, published: Mapping[str, Range], draws: Array, misfits: Mapping[str, Array]) -> ShiftEstimate:
    """Return what some lines say of the shift; the prior where none are given."""
    row = [item.name for item in response.estimated].index(SHIFT)
    shift = response.estimated[row]
    if not published:
        ends = Range(shift.prior.from_z(-NORMAL_95), shift.prior.from_z(NORMAL_95))
        return ShiftEstimate((), shift.prior.median, math.log(shift.prior.median), shift.prior.sd, ends, float(draws.shape[1]))
    weights, logs = _weigh(misfits, tuple(published)), np.log(value_at(shift, draws[row]))
    mean = float(weights @ logs)
    return ShiftEstimate(
        lines=tuple(LINES[name] for name in published),
        optimum=shift.prior.from_z(float(_optimise(response, published)[row])),
        log_mean=mean,
        log_sd=math.sqrt(float(weights @ (logs - mean) ** 2)),
        interval=Range(*_quantiles(np.exp(logs), weights)[1:]),
        effective_draws=1.0 / float(weights @ weights),
    )


def _predict(response: Response, name: str, published: Range | None, draws: Array, weights: Array) -> PredictedLine:
    """Return the IC50 of a line over weighted draws; infinite where no concentration halves it."""
    logs = response.log_ic50(name, draws)
    ic50s = np.where(logs < response.log_ceiling(draws), np.exp(logs), math.inf) / NANOMOL_PER_MICROMOL
    median, lower, upper = _quantiles(ic50s, weights)
    return PredictedLine(LINES[name], published, median, Range(lower, upper))


def _quantiles(values: Array, weights: Array) -> list[float]:
    """Return the weighted quantiles at `LEVELS`: the smallest value with at least that share of the weight at or below it."""
    return [float(value) for value in np.quantile(values, LEVELS, weights=weights, method="inverted_cdf")]
