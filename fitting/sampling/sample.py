"""The posterior of a fit, sampled by ensembles of walkers: what the priors and the published numbers leave open.

Start with `sample_fit`.
"""

import math

import numpy as np

from kinimmune.fitting.estimation.fitted import Fitted
from kinimmune.fitting.estimation.results import Numbers
from kinimmune.fitting.problem.problem import FitProblem
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem
from kinimmune.fitting.sampling.block import walk
from kinimmune.fitting.sampling.chains import Chains, Effort, Sampled, run_ensembles
from kinimmune.fitting.sampling.diagnostics import Diagnosis, choose_burn_in, diagnose
from kinimmune.fitting.sampling.posterior import Posterior
from kinimmune.fitting.sampling.predictions import SAMPLE_PREDICT, SHARE, Predicted, predict_over
from kinimmune.fitting.sampling.results import Draws, SampledParameter, SampleResult, Trace
from kinimmune.fitting.sampling.surrogate import Guide, survey
from kinimmune.fitting.settings import SampleOptions
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.task import Json, TaskFunction
from kinimmune.models.arrays import Array
from kinimmune.models.symbolic.parameters import Parameter

SPARE_WALKERS = 2
"""Above twice the number of parameters, when none are given: convergence needs many steps rather than many walkers."""
MOST_PREDICTIONS = 400
"""Draws over which the virtual trial is run, all ensembles together."""
DRAWS_PER_PREDICTION = 5
"""Draws written for other programs, per draw predicted."""
TRACE_POINTS = 200


def count_steps(settings: SampleOptions, fitted: Fitted) -> int:
    """Return how many steps of long work a sample takes, for a bar."""
    effort = _effort(settings, fitted)
    return 1 + effort.ensembles * effort.blocks + math.ceil(_count_predictions(effort.ensembles) * effort.ensembles / SHARE)


def sample_fit(fitted: Fitted, settings: SampleOptions, runtime: Runtime) -> tuple[SampleResult, Draws]:
    """Sample the posterior of a fit and predict from it.

    Parameters
    ----------
    fitted
        whose estimates and curvature tell where walkers begin
    settings
        how much to sample
    runtime
        where tasks are kept and computed
    """
    plan = fitted.settings.with_patients(settings.patients)
    inputs, beside = {"problem": plan.plain}, {"folder": fitted.folder, "jobs": 1}
    effort = _effort(settings, fitted)
    chains = run_ensembles(Sampled(SAMPLE_SURVEY, SAMPLE_BLOCK, inputs, beside), guide_of(fitted), effort, runtime)
    burn_in = choose_burn_in(chains.positions, chains.log_probability)
    places = thin(chains, burn_in, _count_predictions(effort.ensembles))
    predicted = predict_over(chains.positions[places], SAMPLE_PREDICT, (inputs, beside), runtime)
    problem = open_problem(plan, fitted.folder)
    result = _describe(problem, fitted, effort, (chains, burn_in), predicted)
    return result, _list_draws(problem.free, chains, thin(chains, burn_in, places[0].shape[1] * DRAWS_PER_PREDICTION))


def survey_posterior(inputs: Json) -> Json:
    """Learn a surrogate of the posterior: a step of long work."""
    return survey(_open(inputs), inputs)


SAMPLE_SURVEY = TaskFunction("sample.survey", survey_posterior, "kinimmune.fitting.sample:survey_posterior")


def walk_posterior(inputs: Json) -> Json:
    """Carry an ensemble on by a block of steps: a step of long work."""
    return walk(_open(inputs), inputs)


SAMPLE_BLOCK = TaskFunction("sample.block", walk_posterior, "kinimmune.fitting.sample:walk_posterior")


def _open(inputs: Json) -> Posterior:
    return Posterior(open_problem(ProblemSettings(**inputs["problem"]), inputs["folder"], inputs["jobs"]))


def guide_of(fitted: Fitted) -> Guide:
    """Return the normal approximation by the curvature at the estimates, on standard scores."""
    errors = np.array([row.contraction for row in fitted.result.parameters])
    correlation = np.array(fitted.result.correlation) if fitted.result.correlation else np.eye(errors.size)
    return Guide(fitted.point, correlation * np.outer(errors, errors))


def thin(chains: Chains, burn_in: int, count: int) -> tuple[Array, Array, Array]:
    """Return where so many draws of each ensemble lie, evenly over the steps after the burn-in and in turn over the walkers.

    Each of ensemble, step and walker has shape (ensembles, count).
    """
    ensembles, steps, walkers = chains.log_probability.shape
    chosen = burn_in + ((np.arange(count) + 0.5) * (steps - burn_in) / count).astype(int)
    shape = (ensembles, count)
    return (
        np.broadcast_to(np.arange(ensembles)[:, None], shape),
        np.broadcast_to(chosen, shape),
        np.broadcast_to(np.arange(count) % walkers, shape),
    )


def _count_predictions(ensembles: int) -> int:
    return MOST_PREDICTIONS // ensembles


def _effort(settings: SampleOptions, fitted: Fitted) -> Effort:
    walkers = settings.walkers or 2 * fitted.point.size + SPARE_WALKERS
    seed = fitted.settings.seed if settings.seed is None else settings.seed
    return Effort(settings.ensembles, walkers, settings.steps, seed).require(fitted.point.size)


def _describe(
    problem: FitProblem, fitted: Fitted, effort: Effort, sampled: tuple[Chains, int], predicted: Predicted
) -> SampleResult:
    chains, burn_in = sampled
    kept = chains.positions[:, burn_in:]
    diagnoses = [diagnose(kept[..., place]) for place in range(kept.shape[-1])]
    pairs = list(zip(problem.free, diagnoses, strict=True))
    faults = tuple(fault for item, found in pairs for fault in found.find_faults(item.key, kept.shape[1]))
    flat = kept.reshape(-1, kept.shape[-1])
    return SampleResult(
        model=fitted.settings.model,
        seed=effort.seed,
        patients=problem.population.patients,
        ensembles=effort.ensembles,
        walkers=effort.walkers,
        steps=effort.steps,
        burn_in=burn_in,
        converged=not faults,
        faults=faults,
        acceptance=chains.acceptance,
        evaluations=chains.evaluations,
        failed=chains.failed,
        draws=_count_predictions(effort.ensembles) * effort.ensembles,
        failed_draws=predicted.failed,
        parameters=tuple(_parameter(item, scores, found) for (item, found), scores in zip(pairs, flat.T, strict=True)),
        predictions=predicted.predictions,
        probabilities=predicted.probabilities,
        bands=predicted.bands,
        ratios=predicted.ratios,
        traces=tuple(_trace(ensemble, course) for ensemble, course in enumerate(chains.log_probability, start=1)),
        correlation=tuple(tuple(map(float, row)) for row in np.atleast_2d(np.corrcoef(flat, rowvar=False))),
    )


def _parameter(item: Parameter, scores: Array, found: Diagnosis) -> SampledParameter:
    lower, median, upper = (item.prior.value_at(float(score)) for score in np.quantile(scores, (0.025, 0.5, 0.975)))
    return SampledParameter(
        name=item.key,
        symbol=item.symbol,
        unit=item.unit,
        median=median,
        lower=lower,
        upper=upper,
        contraction=float(scores.std()),
        r_hat=found.r_hat,
        bulk_ess=found.bulk_ess,
        tail_ess=found.tail_ess,
        autocorrelation_time=found.autocorrelation_time,
    )


def _trace(ensemble: int, course: Array) -> Trace:
    steps = np.unique(np.linspace(0, len(course) - 1, TRACE_POINTS).astype(int))
    return Trace(
        ensemble,
        tuple(int(step) for step in steps),
        _numbers(np.median(course[steps], axis=1)),
        _numbers(course[steps].min(axis=1)),
        _numbers(course[steps].max(axis=1)),
    )


def _numbers(values: Array) -> Numbers:
    return tuple(float(value) for value in values)


def _list_draws(free: tuple[Parameter, ...], chains: Chains, places: tuple[Array, Array, Array]) -> Draws:
    points = chains.positions[places].reshape(-1, len(free))
    values = [[item.prior.value_at(float(score)) for item, score in zip(free, point, strict=True)] for point in points]
    which = zip(*(place.ravel().tolist() for place in places), chains.log_probability[places].ravel().tolist(), strict=True)
    origin = tuple((ensemble + 1, step, walker, value) for ensemble, step, walker, value in which)
    return Draws(tuple(item.key for item in free), np.array(values), origin)
