"""The kinase shift as cell lines see it: `hcc_cells` against the IC50s of Table 2, with and without them.

Start with `fit_cells`; `compare_shifts` sets its shift beside that of a fit of trials.  An IC50 is what a reader of the
experiment would measure: the concentration that halves the number of cells within 72 hours.  lmfit finds the optimum; the
posterior is that of weighted draws from the priors, because near a plateau of the response no curvature describes it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import lmfit
import numpy as np

from kinimmune.fitting.cell_lines.response import SHIFT, Response, find_response, value_at
from kinimmune.fitting.estimation.results import EstimateRow
from kinimmune.models.arrays import NORMAL_95, Array
from kinimmune.models.errors import DataError, NumericalError
from kinimmune.models.library.hcc_cells import LINES
from kinimmune.models.tables.readers import read_cell_lines
from kinimmune.models.tables.rows import Tables

NANOMOL_PER_MICROMOL = 1000.0
BATCHES, BATCH = 20, 20_000
"""Draws from the priors, batch by batch; about one in a thousand counts fully."""
NEGLIGIBLE = 1e-9
"""Weight over the largest below which a draw is dropped."""
Range = tuple[float, float]


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

    cells: Range
    """Mean and standard deviation."""
    trials: Range
    posterior_score: float
    """Difference over its standard deviation with the prior left in both: a shared prior draws them together."""

    @property
    def score(self) -> float:
        """Difference over its standard deviation."""
        return (self.cells[0] - self.trials[0]) / math.hypot(self.cells[1], self.trials[1])


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
    kept = weights > NEGLIGIBLE * weights.max()
    lines = tuple(_predict(response, name, published.get(name), draws[:, kept], weights[kept]) for name in LINES)
    return CellsFit(estimates, lines)


def compare_shifts(fit: CellsFit, trial: EstimateRow) -> Comparison:
    """Return the shift of all lines beside that of a fit of trials, each without its prior.

    1/v = 1/v_posterior - 1/v_prior, and the mean in proportion, of ln shift.

    Raises
    ------
    DataError
        when an estimate is no narrower than its prior: then it says nothing by itself
    """
    prior, last = fit.estimates[0], fit.estimates[-1]
    cells, trials = (last.log_mean, last.log_sd), (math.log(trial.value), trial.standard_error)
    trial_prior = (math.log(trial.prior_median), math.log(trial.prior_upper / trial.prior_lower) / (2.0 * NORMAL_95))
    return Comparison(
        _without_prior(cells, (prior.log_mean, prior.log_sd)),
        _without_prior(trials, trial_prior),
        (cells[0] - trials[0]) / math.hypot(cells[1], trials[1]),
    )


def _without_prior(posterior: Range, prior: Range) -> Range:
    precision = posterior[1] ** -2 - prior[1] ** -2
    if precision <= 0.0:
        raise DataError(f"a posterior with sd {posterior[1]:.3g} of ln shift is no narrower than its prior: nothing to compare")
    return (posterior[0] * posterior[1] ** -2 - prior[0] * prior[1] ** -2) / precision, precision**-0.5


def _published(tables: Tables) -> dict[str, Range]:
    """Return short name -> published range [umol/L] of the lines that have one."""
    printed = {text: name for name, text in LINES.items()}
    return {
        printed[line.name]: (line.ic50_lower, line.ic50_upper)
        for line in read_cell_lines(tables)
        if line.name in printed and line.ic50_lower is not None and line.ic50_upper is not None
    }


def _draw(response: Response, given: Mapping[str, Range], seed: int) -> tuple[Array, dict[str, Array]]:
    """Return prior draws in standard deviations, shape (n_free, n), and each given line's misfit, shape (n,)."""
    generator = np.random.default_rng(seed)
    batches = [generator.standard_normal((len(response.free), BATCH)) for _ in range(BATCHES)]
    misfits = {line: np.concatenate([_misfit(response, line, ends, batch) for batch in batches]) for line, ends in given.items()}
    return np.concatenate(batches, axis=1), misfits


def _misfit(response: Response, line: str, ends: Range, points: Array) -> Array:
    """Return (predicted - published) / sd of ln IC50, shape (n,)."""
    low, high = (math.log(end * NANOMOL_PER_MICROMOL) for end in ends)
    found: Array = (response.log_ic50(line, points) - (low + high) / 2.0) / ((high - low) / math.sqrt(12.0))
    return found


def _optimise(response: Response, given: Mapping[str, Range]) -> Array:
    """Return the optimum of misfits and priors in prior standard deviations, by lmfit's least squares."""
    parameters = lmfit.Parameters()
    for item in response.free:
        parameters.add(item.name, value=0.0)

    def point_of(values: lmfit.Parameters) -> Array:
        return np.array([values[item.name].value for item in response.free])

    def residual(values: lmfit.Parameters) -> Array:
        point = point_of(values)
        misfits = [_misfit(response, line, ends, point[:, None]) for line, ends in given.items()]
        return np.concatenate([*misfits, point])

    result = lmfit.Minimizer(residual, parameters, scale_covar=False).minimize(method="least_squares")
    if not result.success:
        raise NumericalError(f"the fit to {', '.join(given)} did not converge: {result.message}")
    return point_of(result.params)


def _weigh(misfits: Mapping[str, Array], lines: tuple[str, ...]) -> Array:
    """Return the weight of each prior draw in the posterior of some lines, sum 1, shape (n,)."""
    cost = np.sum([misfits[line] ** 2 for line in lines], axis=0)
    weights: Array = np.exp(-(cost - cost.min()) / 2.0)
    weights /= weights.sum()
    return weights


def _estimate(response: Response, given: Mapping[str, Range], draws: Array, misfits: Mapping[str, Array]) -> ShiftEstimate:
    place = [item.name for item in response.free].index(SHIFT)
    shift = response.free[place]
    if not given:
        ends = (shift.prior.value_at(-NORMAL_95), shift.prior.value_at(NORMAL_95))
        return ShiftEstimate((), shift.prior.median, math.log(shift.prior.median), shift.prior.sd, ends, float(draws.shape[1]))
    weights, logs = _weigh(misfits, tuple(given)), np.log(value_at(shift, draws[place]))
    mean = float(weights @ logs)
    return ShiftEstimate(
        lines=tuple(LINES[name] for name in given),
        optimum=shift.prior.value_at(float(_optimise(response, given)[place])),
        log_mean=mean,
        log_sd=math.sqrt(float(weights @ (logs - mean) ** 2)),
        interval=_interval(np.exp(logs), weights),
        effective_draws=1.0 / float(weights @ weights),
    )


def _predict(response: Response, name: str, published: Range | None, draws: Array, weights: Array) -> PredictedLine:
    logs = response.log_ic50(name, draws)
    ic50s = np.where(logs < response.log_ceiling(draws), np.exp(logs), math.inf) / NANOMOL_PER_MICROMOL
    return PredictedLine(LINES[name], published, _quantile(ic50s, weights, 0.5), _interval(ic50s, weights))


def _interval(values: Array, weights: Array) -> Range:
    return _quantile(values, weights, 0.025), _quantile(values, weights, 0.975)


def _quantile(values: Array, weights: Array, share: float) -> float:
    """Return the smallest value with at least a share of the weight at or below it; values may be infinite."""
    order = np.argsort(values)
    below = np.cumsum(weights[order])
    place = int(np.searchsorted(below, share * below[-1]))
    return float(values[order[min(place, values.size - 1)]])
