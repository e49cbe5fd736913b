"""The posterior of a fit sampled by a surrogate: planned, drawn, predicted from, and put as any sample is.

Start with `sample_by_surrogate`.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kinimmune.fitting.estimation.fitted import Fitted
from kinimmune.fitting.estimation.results import StartRow
from kinimmune.fitting.problem.problem import FitProblem
from kinimmune.fitting.problem.residuals import count_data_residuals
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem
from kinimmune.fitting.sampling.chains import EnsembleSettings
from kinimmune.fitting.sampling.density import FitPosterior
from kinimmune.fitting.sampling.description import SPARE_WALKERS, normal_approximation, trace_ensembles
from kinimmune.fitting.sampling.diagnostics import Diagnosis, diagnose
from kinimmune.fitting.sampling.emulator import MEASURED, RowForm, SurrogateTarget, measure_points
from kinimmune.fitting.sampling.importance import resample, weighted_quantiles
from kinimmune.fitting.sampling.predictions import BLOCK_DRAWS, SAMPLE_PREDICT, Predicted, predict_over
from kinimmune.fitting.sampling.results import Draws, SampledParameter, SampleResult
from kinimmune.fitting.sampling.search import search_optimum
from kinimmune.fitting.sampling.surrogate_checks import MATTERS
from kinimmune.fitting.sampling.surrogate_posterior import LEVELS, SurrogateDraws, draw_by_surrogate
from kinimmune.fitting.sampling.surrogate_stages import PROBES, SEARCHES, SECOND, SurrogateSettings
from kinimmune.fitting.settings import SampleOptions
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.task import Json, TaskFunction
from kinimmune.models.arrays import Array
from kinimmune.models.symbolic.parameters import Parameter

STEPS = 1000
"""Steps of each ensemble on the surrogate when none are given; they cost next to nothing."""
OTHER = 0.1
"""Sum of squares above the best from which on a start of the fit ended in another optimum."""
PREDICTIONS = 400
"""Draws over which the virtual trial is run."""


def settle_surrogate(options: SampleOptions, fitted: Fitted) -> SurrogateSettings:
    """Return the settings with nothing left open; refused where they are too few for the estimated parameters."""
    walkers = options.walkers or 2 * fitted.z.size + SPARE_WALKERS
    seed = fitted.settings.seed if options.seed is None else options.seed
    steps = STEPS if options.steps is None else options.steps
    size = EnsembleSettings(options.ensembles, walkers, steps, seed, steps)
    done = sum(row.converged for row in fitted.result.starts)  # searches for optima too
    return SurrogateSettings(size, options.points, options.draws, max(SEARCHES - done, 0)).require(fitted.z.size)


def count_surrogate_tasks(options: SampleOptions, fitted: Fitted) -> int:
    """Return how many tasks a sample by a surrogate takes that passes the first time."""
    size, numbers = settle_surrogate(options, fitted), fitted.z.size
    problem = open_problem(fitted.settings, fitted.folder)
    measured = (size.points + 3 * numbers, int(SECOND * size.points), size.draws + 2 * numbers + PROBES)
    learned = count_data_residuals(problem)
    walked = 1 + size.ensembles.ensembles
    parts = sum(math.ceil(count / MEASURED) for count in measured)
    return parts + size.searches + 2 * (learned + walked) + math.ceil(PREDICTIONS / BLOCK_DRAWS)


def sample_by_surrogate(fitted: Fitted, options: SampleOptions, runtime: Runtime) -> tuple[SampleResult, Draws]:
    """Sample the posterior of a fit by a surrogate and predict from it.

    Parameters
    ----------
    fitted
        whose estimates and curvature tell where points begin
    options
        how much to sample
    runtime
        where tasks are kept and computed
    """
    settings = fitted.settings.with_patients(options.patients)
    inputs, context = {"problem": settings.plain}, {"folder": fitted.folder, "jobs": 1}
    problem = open_problem(settings, fitted.folder)
    posterior = FitPosterior(problem)
    form = RowForm(posterior.mixing, *posterior.bounds, prior=True)
    target = SurrogateTarget(SAMPLE_MEASURE, SAMPLE_SEARCH, inputs, context, form)
    size, names = settle_surrogate(options, fitted), [item.key for item in problem.estimated]
    drawn = draw_by_surrogate(target, normal_approximation(fitted), names, size, runtime)
    count = min(PREDICTIONS, size.draws) // size.ensembles.ensembles
    chosen = resample(drawn.weights.values, count * size.ensembles.ensembles)
    points = drawn.points[chosen].reshape(size.ensembles.ensembles, count, -1)
    predicted = predict_over(points, SAMPLE_PREDICT, inputs, context, runtime)
    result = _describe(problem, size, drawn, predicted, chosen.size)
    faults = (*find_other_optima(fitted.result.starts), *result.faults)
    return replace(result, faults=faults, converged=not faults), _list_draws(problem, drawn)


def find_other_optima(starts: Sequence[StartRow]) -> tuple[str, ...]:
    """Return whether starts of a fit ended in another optimum than the best that matters too, in words."""
    costs = [row.cost for row in starts if row.converged]
    above = [cost - min(costs) for cost in costs if OTHER < cost - min(costs) < 2.0 * MATTERS]
    where = "the sum of squares of another optimum, in which a start of the fit ended, is only {:.1f} above the best"
    return (where.format(min(above)),) if above else ()


def measure_posterior(inputs: Json) -> Json:
    """Compute the numbers of a posterior at some points: the function of a task."""
    problem = open_problem(ProblemSettings(**inputs["problem"]), inputs["folder"], inputs["jobs"])
    return measure_points(FitPosterior(problem), inputs)


SAMPLE_MEASURE = TaskFunction("sample.measure", measure_posterior)


def search_posterior(inputs: Json) -> Json:
    """Look for an optimum of a posterior from a point: the function of a task."""
    problem = open_problem(ProblemSettings(**inputs["problem"]), inputs["folder"], inputs["jobs"])
    return search_optimum(FitPosterior(problem), inputs)


SAMPLE_SEARCH = TaskFunction("sample.search", search_posterior)


def _describe(
    problem: FitProblem, size: SurrogateSettings, drawn: SurrogateDraws, predicted: Predicted, draws: int
) -> SampleResult:
    kept = drawn.chains.positions[:, drawn.burn_in :]
    weights = drawn.weights.values
    rows = tuple(
        _parameter(parameter, drawn.points[:, place], drawn, diagnose(kept[..., place]))
        for place, parameter in enumerate(problem.estimated)
    )
    covariance = np.atleast_2d(np.cov(drawn.points, rowvar=False, aweights=weights))
    sd = np.sqrt(np.diag(covariance))
    return SampleResult(
        model=problem.simulator.model.name,
        seed=size.ensembles.seed,
        patients=problem.population.patients,
        ensembles=size.ensembles.ensembles,
        walkers=size.ensembles.walkers,
        steps=drawn.chains.positions.shape[1],
        burn_in=drawn.burn_in,
        converged=not drawn.faults,
        faults=drawn.faults,
        acceptance=drawn.chains.acceptance,
        evaluations=drawn.chains.evaluations,
        failed=drawn.chains.failed,
        draws=draws,
        failed_draws=predicted.failed,
        parameters=rows,
        predictions=predicted.predictions,
        probabilities=predicted.probabilities,
        bands=predicted.bands,
        ratios=predicted.ratios,
        traces=trace_ensembles(drawn.chains.log_probability),
        correlation=tuple(tuple(map(float, row)) for row in covariance / np.outer(sd, sd)),
        method="surrogate",
        surrogate=drawn.report,
    )


def _parameter(parameter: Parameter, z: Array, drawn: SurrogateDraws, diagnosis: Diagnosis) -> SampledParameter:
    """Return the posterior of a parameter; effective draws are those of the walk, thinned and weighted."""
    weights = drawn.weights.values
    lower, median, upper = (parameter.prior.from_z(float(score)) for score in weighted_quantiles(z, weights, LEVELS))
    share = drawn.weights.effective / z.size
    mean = float(np.average(z, weights=weights))

    def weigh(walked: float | None) -> float | None:
        return None if walked is None else share * min(walked, float(z.size))

    return SampledParameter(
        name=parameter.key,
        symbol=parameter.symbol,
        unit=parameter.unit,
        median=median,
        lower=lower,
        upper=upper,
        contraction=float(np.sqrt(np.average((z - mean) ** 2, weights=weights))),
        r_hat=diagnosis.r_hat,
        bulk_ess=weigh(diagnosis.bulk_ess),
        tail_ess=weigh(diagnosis.tail_ess),
        autocorrelation_time=diagnosis.autocorrelation_time,
    )


def _list_draws(problem: FitProblem, drawn: SurrogateDraws) -> Draws:
    """Return as many draws of equal weight as were made; those of great weight come more than once."""
    chosen = resample(drawn.weights.values, len(drawn.points))
    points = drawn.points[chosen]
    values = [[item.prior.from_z(float(score)) for item, score in zip(problem.estimated, row, strict=True)] for row in points]
    ensemble, step, walker = (place.ravel()[chosen] for place in drawn.places.indices)
    log_probability = drawn.log_probability[chosen]
    origin = zip((ensemble + 1).tolist(), step.tolist(), walker.tolist(), log_probability.tolist(), strict=True)
    return Draws(tuple(item.key for item in problem.estimated), np.array(values), tuple(origin))
