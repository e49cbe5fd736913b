"""What a sample of a posterior showed: plain values that go to JSON and back.

Start with `SampleResult` (schema `kinimmune.sample/1`); `SAMPLE_JSON` converts it.
"""

import csv
import io
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.estimation.outcome_rows import Numbers
from kinimmune.fitting.runs.codec import JsonFormat
from kinimmune.fitting.runs.run import Run
from kinimmune.fitting.sampling.surrogate_checks import SurrogateReport
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError

SAMPLE, DRAWS = "results/sample.json", "results/sample-draws.csv"
_ORIGIN = ("ensemble", "step", "walker", "log_probability")


@dataclass(frozen=True)
class SampledParameter:
    """The posterior of one parameter; a diagnostic that does not exist is None."""

    name: str
    symbol: str
    unit: str
    median: float
    lower: float
    """2.5 % quantile"""
    upper: float
    """97.5 % quantile"""
    contraction: float
    """Posterior over prior standard deviation, both on the scale of the prior."""
    r_hat: float | None
    bulk_ess: float | None
    tail_ess: float | None
    autocorrelation_time: float | None
    """[steps]"""


@dataclass(frozen=True)
class SampledPrediction:
    """A named prediction over the posterior; None beyond the horizon."""

    name: str
    median: float | None
    lower: float | None
    """2.5 % quantile"""
    upper: float | None
    """97.5 % quantile"""
    ess: float | None
    """Effective sample size of the draws it was computed for."""
    error: float | None
    """Monte Carlo error of `median`."""


@dataclass(frozen=True)
class Probability:
    """How probable it is that a hazard ratio lies below a bound."""

    study: str
    endpoint: str
    bound: float
    of: str
    """`population`: the ratio itself; `trial`: the one a trial of the reported size would report."""
    probability: float
    ess: float | None
    error: float | None
    """Monte Carlo error."""
    arm: str | None = None
    """The treated arm; None for the only one of the study."""


@dataclass(frozen=True)
class Band:
    """Where a survival curve lies, pointwise over the posterior."""

    study: str
    arm: str
    endpoint: str
    months: Numbers
    median: Numbers
    lower_50: Numbers
    upper_50: Numbers
    lower_90: Numbers
    upper_90: Numbers


@dataclass(frozen=True)
class RatioDraws:
    """A hazard ratio at each draw, in the order of ensembles and steps."""

    study: str
    endpoint: str
    ratios: Numbers
    errors: Numbers
    """Standard error of ln ratio by which a trial of the reported size scatters about it."""
    arm: str | None = None
    """The treated arm; None for the only one of the study."""


@dataclass(frozen=True)
class Trace:
    """The course of one ensemble: log probability over its walkers."""

    ensemble: int
    steps: tuple[int, ...]
    median: Numbers
    lower: Numbers
    """Log probability of the lowest walker."""
    upper: Numbers
    """Log probability of the highest walker."""


@dataclass(frozen=True)
class SampleResult:
    """Everything a sample showed."""

    model: str
    seed: int
    patients: int
    ensembles: int
    walkers: int
    """Number of walkers of each ensemble."""
    steps: int
    burn_in: int
    """Steps left out at the beginning of each ensemble."""
    converged: bool
    faults: tuple[str, ...]
    """What speaks against convergence, in words (`kinimmune.fitting.sampling.diagnostics.describe`)."""
    acceptance: tuple[float, ...]
    """Share of proposals that were taken, of each ensemble."""
    evaluations: int
    """Virtual trials that were run or asked for outside the bounds."""
    failed: int
    """Evaluations that could not be computed and counted as impossible."""
    draws: int
    """Draws over which predictions were computed."""
    failed_draws: int
    """Draws at which they could not be."""
    parameters: tuple[SampledParameter, ...]
    predictions: tuple[SampledPrediction, ...]
    probabilities: tuple[Probability, ...]
    bands: tuple[Band, ...]
    ratios: tuple[RatioDraws, ...]
    traces: tuple[Trace, ...]
    correlation: tuple[Numbers, ...]
    """Correlation of the parameters on the scales of their priors, in their order."""
    method: str = "emcee"
    """How it was drawn: `emcee` on the posterior, or `surrogate`; ensembles then walked on the surrogate."""
    surrogate: SurrogateReport | None = None
    """How well the surrogate stood for the posterior; None without one."""
    schema: str = "kinimmune.sample/1"


@dataclass(frozen=True)
class Draws:
    """Draws from the posterior of a fit, thinned."""

    names: tuple[str, ...]
    """Keys of the parameters."""
    values: Array
    """Values of the parameters in their units, shape (k, n)."""
    origin: tuple[tuple[int, int, int, float], ...]
    """Ensemble, step, walker (from 1, 0 and 0) and log probability of each draw."""

    @property
    def ensembles(self) -> Array:
        """Ensemble of each draw, shape (k,)."""
        return np.array([row[0] for row in self.origin])


SAMPLE_JSON = JsonFormat(SampleResult, "is no sample", "sample again with --resume")


def write_sample(run: Run, result: SampleResult, draws: Draws) -> None:
    """Write the result of a sample and its draws into a run."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*_ORIGIN, *draws.names))
    writer.writerows((*origin, *row) for origin, row in zip(draws.origin, draws.values.tolist(), strict=True))
    run.write(DRAWS, text.getvalue())
    run.write(SAMPLE, SAMPLE_JSON.dump(result))


def read_sample(run: Run) -> tuple[SampleResult, Draws] | None:
    """Return the sample of a run, None when there is none.

    Raises
    ------
    DataError
        when a file of it cannot be used
    """
    if not (run.path / SAMPLE).is_file():
        return None
    result = SAMPLE_JSON.load(run.read(SAMPLE), run.path / SAMPLE)
    head, *rows = csv.reader(io.StringIO(run.read(DRAWS)))
    try:
        origin = tuple((int(row[0]), int(row[1]), int(row[2]), float(row[3])) for row in rows)
        values = np.array([[float(cell) for cell in row[len(_ORIGIN) :]] for row in rows]).reshape(len(rows), -1)
    except (ValueError, IndexError) as error:
        raise DataError(f"{run.path / DRAWS} is no table of draws: {error}; sample again with --resume") from error
    return result, Draws(tuple(head[len(_ORIGIN) :]), values, origin)
