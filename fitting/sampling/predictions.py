"""What the posterior predicts: curves, medians and hazard ratios over draws from it.

Start with `predict_over`; `predict_draws` is the function of its tasks.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinimmune.fitting.problem.horizon import REPORT_MONTHS
from kinimmune.fitting.problem.many_trials import COMPUTATION_ERRORS, format_point, predict_each
from kinimmune.fitting.problem.outputs import HazardRatioOutput, read_published_output
from kinimmune.fitting.problem.predictions import predictions, sampling_error
from kinimmune.fitting.problem.problem import FitProblem, Outcomes, widen
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem
from kinimmune.fitting.problem.targets import Statistic
from kinimmune.fitting.sampling.diagnostics import effective_size
from kinimmune.fitting.sampling.results import Band, Probability, RatioDraws, SampledPrediction
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.task import Json, Task, TaskChain, TaskFunction
from kinimmune.models.arrays import Array
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.progression_free import progression_free_survival
from kinimmune.models.trial.survival import progression_free, survival_at

BLOCK_DRAWS = 20
"""Draws of a task."""
BOUNDS = (1.0, 0.8)
"""Values of a hazard ratio below which its probability is computed."""
POPULATION, TRIAL = "population", "trial"
"""Whose hazard ratio a probability is about: the population's, or that of one trial of the reported size."""


@dataclass(frozen=True)
class Predicted:
    """What the draws predict; draws that failed are left out."""

    failed: int
    """Number of draws that failed."""
    predictions: tuple[SampledPrediction, ...]
    probabilities: tuple[Probability, ...]
    bands: tuple[Band, ...]
    ratios: tuple[RatioDraws, ...]


def predict_over(points: Array, function: TaskFunction, inputs: Json, context: Json, runtime: Runtime) -> Predicted:
    """Return what draws predict, computed in tasks.

    Parameters
    ----------
    points
        draws in the order of the steps of each ensemble, shape (ensembles, k, n)
    function
        `SAMPLE_PREDICT`, or what stands for it
    inputs
        what the function needs besides the points and its outcome depends on
    context
        what it needs and its outcome does not depend on
    runtime
        where tasks are kept and computed
    """
    ensembles, count, size = points.shape
    flat = points.reshape(-1, size)
    parts = [flat[first : first + BLOCK_DRAWS] for first in range(0, len(flat), BLOCK_DRAWS)]
    tasks = [
        Task(function, f"sample-predict-{number:03d}", {**inputs, "points": part.tolist()}, context)
        for number, part in enumerate(parts)
    ]
    outcomes = runtime.run([TaskChain(task) for task in tasks])
    draws = [draw for (outcome,) in outcomes for draw in outcome["draws"]]
    kept = [[draw for draw in draws[first : first + count] if draw is not None] for first in range(0, ensembles * count, count)]
    return Predicted(
        failed=sum(draw is None for draw in draws),
        predictions=tuple(_summarise(kept)),
        probabilities=tuple(_compare(kept)),
        bands=tuple(_bands([draw for chain in kept for draw in chain])),
        ratios=tuple(_list_ratios([draw for chain in kept for draw in chain])),
    )


def predict_draws(inputs: Json) -> Json:
    """Run the virtual trial at some draws: the function of a task."""
    problem = widen(open_problem(ProblemSettings(**inputs["problem"]), inputs["folder"], inputs["jobs"]))
    points = np.array(inputs["points"])
    draws: list[Json | None] = []
    failures = []
    for point, outcomes in zip(points, predict_each(problem, list(points)), strict=True):
        try:
            draws.append(_describe(problem, outcomes))
        except COMPUTATION_ERRORS as error:
            draws.append(None)
            failures.append({"what": f"virtual trial at {format_point(point)}", "reason": str(error)})
    return {"draws": draws, "failures": failures}


SAMPLE_PREDICT = TaskFunction("sample.predict", predict_draws, "kinimmune.fitting.sample_predictions:predict_draws")


def _describe(problem: FitProblem, outcomes: Outcomes | Exception) -> Json:
    if isinstance(outcomes, Exception):
        raise outcomes
    named = {**predictions(problem, outcomes), **outcomes.measured}
    ratios = [name for name, value in named.items() if _is_ratio(name) and value is not None]
    return {
        "predictions": named,
        "errors": {name: float(sampling_error(problem, outcomes, name)[0]) for name in ratios},
        "curves": list(_curves(outcomes)),
    }


def _is_ratio(name: str) -> bool:
    return name.startswith(f"{Statistic.HAZARD_RATIO}:")


def _curves(outcomes: Outcomes) -> list[dict[str, Any]]:
    """Return OS monthly, TTP at the scans, and PFS before and after the scans and between them."""
    rows = []
    for (study, arm), outcome in outcomes.items():
        months = np.arange(REPORT_MONTHS + 1.0)
        scans, free = outcome.scans / DAYS_PER_MONTH, progression_free_survival(outcome)
        for endpoint, moments, survival in (
            (Endpoint.OS, months, survival_at(outcome.grid, outcome.survival, months * DAYS_PER_MONTH)),
            (Endpoint.TTP, np.append(0.0, scans), np.append(1.0, progression_free(outcome))),
            (Endpoint.PFS, np.append(0.0, free.time / DAYS_PER_MONTH), np.append(1.0, free.survival)),
        ):
            labels = {"study": study, "arm": arm, "endpoint": str(endpoint)}
            rows.append({**labels, "months": moments.tolist(), "survival": survival.tolist()})
    return rows


Kept = Sequence[Sequence[Mapping[str, Any]]]
"""The draws of each ensemble, in the order of its steps."""


def _summarise(kept: Kept) -> list[SampledPrediction]:
    first: Mapping[str, float | None] = next((draw["predictions"] for chain in kept for draw in chain), {})
    # draws finished by an earlier version may lack an endpoint
    names = [name for name in first if all(name in draw["predictions"] for chain in kept for draw in chain)]
    rows = []
    for name in names:
        series = [[_number(draw["predictions"][name]) for draw in chain] for chain in kept]
        if _is_ratio(name) and not all(math.isfinite(value) for chain in series for value in chain):
            rows.append(SampledPrediction(name, None, None, None, None, None))  # not every draw has one
            continue
        values = np.array([value for chain in series for value in chain])
        low, middle, high = (_finite(float(value)) for value in np.quantile(values, (0.025, 0.5, 0.975), method="inverted_cdf"))
        ess = _effective_size(series)
        rows.append(SampledPrediction(name, middle, low, high, ess, _median_error(values, series)))
    return rows


def _median_error(values: Array, series: Sequence[Sequence[float]]) -> float | None:
    """Return the Monte Carlo error of a median: half the distance of the quantiles one binomial error of 1/2 apart."""
    middle = float(np.quantile(values, 0.5, method="inverted_cdf"))
    size = _effective_size([[float(value <= middle) for value in chain] for chain in series])
    if size is None:
        return None
    error = 0.5 / math.sqrt(size)
    ends = np.quantile(values, (max(0.5 - error, 0.0), min(0.5 + error, 1.0)), method="inverted_cdf")
    return _finite(float(ends[1] - ends[0]) / 2.0) if np.all(np.isfinite(ends)) else None


def _list_ratios(draws: Sequence[Mapping[str, Any]]) -> list[RatioDraws]:
    rows = []
    for output in _find_ratios(draws):
        ratios, errors = (tuple(draw[kind][output.name] for draw in draws) for kind in ("predictions", "errors"))
        rows.append(RatioDraws(output.study, str(output.endpoint), ratios, errors, output.arm))
    return rows


def _find_ratios(draws: Sequence[Mapping[str, Any]]) -> list[HazardRatioOutput]:
    """Return the hazard ratios that every draw has."""
    names = [name for name in (draws[0]["errors"] if draws else ()) if all(name in draw["errors"] for draw in draws)]
    outputs = [read_published_output(name) for name in names]
    return [output for output in outputs if isinstance(output, HazardRatioOutput)]


def _compare(kept: Kept) -> list[Probability]:
    rows = []
    for output in _find_ratios([draw for chain in kept for draw in chain]):
        name = output.name
        pairs = [[(math.log(draw["predictions"][name]), draw["errors"][name]) for draw in chain] for chain in kept]
        for bound in BOUNDS:
            rows += [
                Probability(
                    output.study, str(output.endpoint), bound, of, chance.probability, chance.ess, chance.error, output.arm
                )
                for of, chance in probabilities_below(pairs, bound).items()
            ]
    return rows


@dataclass(frozen=True)
class Chance:
    """A probability estimated from draws."""

    probability: float
    ess: float | None
    """Effective sample size; None where it does not exist."""
    error: float | None
    """Monte Carlo error."""


def probabilities_below(pairs: Sequence[Sequence[tuple[float, float]]], bound: float) -> dict[str, Chance]:
    """Return how probable a ratio below a bound is, in the population and in a trial of the reported size.

    Population: the share of draws below.  Trial: the mean over draws of Phi((ln bound - ln ratio)/se), se the error by which one
    trial scatters about its population.  Monte Carlo errors: sqrt(p (1 - p)/n) with n the effective sample size and p moved
    towards one half by one draw on either side, so that it is not zero where all draws agree; and sd/sqrt(n).

    Parameters
    ----------
    pairs
        (ln ratio, se) of each draw of each ensemble
    bound
        value of the ratio

    Examples
    --------
    >>> probabilities_below([[(0.0, 1.0), (0.0, 1.0)]], 2.0)["population"].probability
    1.0
    """
    from scipy.special import ndtr

    limit = math.log(bound)
    below = [[float(ratio < limit) for ratio, _ in chain] for chain in pairs]
    chances = [[float(ndtr((limit - ratio) / error)) for ratio, error in chain] for chain in pairs]
    found = {}
    for of, series in ((POPULATION, below), (TRIAL, chances)):
        values = np.array([value for chain in series for value in chain])
        mean, size = float(values.mean()), _effective_size(series)
        moved = None if size is None else (mean * size + 1.0) / (size + 2.0)
        spread = moved * (1.0 - moved) if of == POPULATION and moved is not None else float(values.var())
        found[of] = Chance(mean, size, None if size is None else math.sqrt(spread / size))
    return found


def _effective_size(series: Sequence[Sequence[float]]) -> float | None:
    """Return the effective sample size of a number of each draw; all draws where it does not vary, None where it is infinite."""
    shortest, total = min(map(len, series)), sum(map(len, series))
    values = np.array([chain[:shortest] for chain in series])
    if shortest < 4 or not np.all(np.isfinite(values)):
        return None
    if np.ptp(values) == 0.0:
        return float(total)
    return effective_size(values[:, :, None]) * total / values.size


def _bands(draws: Sequence[Mapping[str, Any]]) -> list[Band]:
    if not draws:
        return []
    levels = (0.5, 0.25, 0.75, 0.05, 0.95)
    bands = []
    known = [{(row["study"], row["arm"], row["endpoint"]): row for row in draw["curves"]} for draw in draws]
    for place, curve in known[0].items():
        if not all(place in curves for curves in known):
            continue  # draws finished by an earlier version may lack an endpoint
        survival = np.array([curves[place]["survival"] for curves in known])
        quantiles = (tuple(map(float, row)) for row in np.quantile(survival, levels, axis=0))
        bands.append(Band(curve["study"], curve["arm"], curve["endpoint"], tuple(curve["months"]), *quantiles))
    return bands


def _number(value: float | None) -> float:
    """Return a prediction; one beyond the horizon is later than any other."""
    return math.inf if value is None else value


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
