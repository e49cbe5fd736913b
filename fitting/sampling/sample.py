"""The posterior of a fit, sampled by ensembles of walkers: what the priors and the published numbers leave open.

Start with `sample_fit`.
"""

import math

import numpy as np

from kinimmune.fitting.estimation.fitted import Fitted
from kinimmune.fitting.problem.problem import FitProblem
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem
from kinimmune.fitting.sampling.block import run_block
from kinimmune.fitting.sampling.chains import Chains, EnsembleSettings, SamplingTarget, ThinnedDraws, run_ensembles, thin
from kinimmune.fitting.sampling.density import FitPosterior
from kinimmune.fitting.sampling.description import SPARE_WALKERS, normal_approximation, trace_ensembles
from kinimmune.fitting.sampling.diagnostics import Diagnosis, choose_burn_in, describe, diagnose, find_faults
from kinimmune.fitting.sampling.predictions import BLOCK_DRAWS, SAMPLE_PREDICT, Predicted, predict_over
from kinimmune.fitting.sampling.results import Draws, SampledParameter, SampleResult
from kinimmune.fitting.sampling.surrogate import fit_surrogate
from kinimmune.fitting.settings import SampleOptions
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.task import Json, TaskFunction
from kinimmune.models.arrays import Array
from kinimmune.models.symbolic.parameters import Parameter

STEPS = 600
"""Steps of each ensemble when none are given: that of `hcc_trial` is then 50 autocorrelation times long (docs/validation.md)."""
MAX_PREDICTIONS = 400
"""Draws over which the virtual trial is run, all ensembles together."""
DRAWS_PER_PREDICTION = 5
"""Draws written for other programs, per draw predicted."""


def count_tasks(options: SampleOptions, fitted: Fitted) -> int:
    """Return how many tasks a sample takes."""
    size = _settle(options, fitted)
    return 1 + size.ensembles * size.blocks + math.ceil(_count_predictions(size.ensembles) * size.ensembles / BLOCK_DRAWS)


def sample_fit(fitted: Fitted, options: SampleOptions, runtime: Runtime) -> tuple[SampleResult, Draws]:
    """Sample the posterior of a fit and predict from it.

    Parameters
    ----------
    fitted
        whose estimates and curvature tell where walkers begin
    options
        how much to sample
    runtime
        where tasks are kept and computed
    """
    problem_settings = fitted.settings.with_patients(options.patients)
    inputs, context = {"problem": problem_settings.plain}, {"folder": fitted.folder, "jobs": 1}
    size = _settle(options, fitted)
    target = SamplingTarget(SAMPLE_SURVEY, SAMPLE_BLOCK, inputs, context)
    chains = run_ensembles(target, normal_approximation(fitted), size, runtime)
    burn_in = choose_burn_in(chains.positions, chains.log_probability)
    predicted_at = thin(chains, burn_in, _count_predictions(size.ensembles))
    predicted = predict_over(chains.positions[predicted_at.indices], SAMPLE_PREDICT, inputs, context, runtime)
    problem = open_problem(problem_settings, fitted.folder)
    result = _describe(problem, size, chains, burn_in, predicted)
    written = thin(chains, burn_in, _count_predictions(size.ensembles) * DRAWS_PER_PREDICTION)
    return result, _list_draws(problem.estimated, chains, written)


def learn_surrogate(inputs: Json) -> Json:
    """Learn a surrogate of the posterior: the function of a task."""
    return fit_surrogate(_open(inputs), inputs)


SAMPLE_SURVEY = TaskFunction("sample.survey", learn_surrogate, "kinimmune.fitting.sample:survey_posterior")


def advance_ensemble(inputs: Json) -> Json:
    """Carry an ensemble on by a block of steps: the function of a task."""
    return run_block(_open(inputs), inputs)


SAMPLE_BLOCK = TaskFunction("sample.block", advance_ensemble, "kinimmune.fitting.sample:walk_posterior")


def _open(inputs: Json) -> FitPosterior:
    return FitPosterior(open_problem(ProblemSettings(**inputs["problem"]), inputs["folder"], inputs["jobs"]))


def _count_predictions(ensembles: int) -> int:
    return MAX_PREDICTIONS // ensembles


def _settle(options: SampleOptions, fitted: Fitted) -> EnsembleSettings:
    """Return the settings with nothing left open; refused where the walkers are too few for the estimated parameters."""
    walkers = options.walkers or 2 * fitted.z.size + SPARE_WALKERS
    seed = fitted.settings.seed if options.seed is None else options.seed
    return EnsembleSettings(options.ensembles, walkers, STEPS if options.steps is None else options.steps, seed).require(
        fitted.z.size
    )


def _describe(problem: FitProblem, size: EnsembleSettings, chains: Chains, burn_in: int, predicted: Predicted) -> SampleResult:
    kept = chains.positions[:, burn_in:]
    diagnoses = [diagnose(kept[..., index]) for index in range(kept.shape[-1])]
    faults = tuple(
        describe(fault)
        for parameter, diagnosis in zip(problem.estimated, diagnoses, strict=True)
        for fault in find_faults(diagnosis, parameter.key, kept.shape[1])
    )
    flat = kept.reshape(-1, kept.shape[-1])
    return SampleResult(
        model=problem.simulator.model.name,
        seed=size.seed,
        patients=problem.population.patients,
        ensembles=size.ensembles,
        walkers=size.walkers,
        steps=size.steps,
        burn_in=burn_in,
        converged=not faults,
        faults=faults,
        acceptance=chains.acceptance,
        evaluations=chains.evaluations,
        failed=chains.failed,
        draws=_count_predictions(size.ensembles) * size.ensembles,
        failed_draws=predicted.failed,
        parameters=tuple(map(_parameter, problem.estimated, flat.T, diagnoses)),
        predictions=predicted.predictions,
        probabilities=predicted.probabilities,
        bands=predicted.bands,
        ratios=predicted.ratios,
        traces=trace_ensembles(chains.log_probability),
        correlation=tuple(tuple(map(float, row)) for row in np.atleast_2d(np.corrcoef(flat, rowvar=False))),
    )


def _parameter(parameter: Parameter, z: Array, diagnosis: Diagnosis) -> SampledParameter:
    lower, median, upper = (parameter.prior.from_z(float(score)) for score in np.quantile(z, (0.025, 0.5, 0.975)))
    return SampledParameter(
        name=parameter.key,
        symbol=parameter.symbol,
        unit=parameter.unit,
        median=median,
        lower=lower,
        upper=upper,
        contraction=float(z.std()),
        r_hat=diagnosis.r_hat,
        bulk_ess=diagnosis.bulk_ess,
        tail_ess=diagnosis.tail_ess,
        autocorrelation_time=diagnosis.autocorrelation_time,
    )


def _list_draws(estimated: tuple[Parameter, ...], chains: Chains, at: ThinnedDraws) -> Draws:
    points = chains.positions[at.indices].reshape(-1, len(estimated))
    values = [[item.prior.from_z(float(score)) for item, score in zip(estimated, point, strict=True)] for point in points]
    origin = zip(
        (at.ensemble + 1).ravel().tolist(),
        at.step.ravel().tolist(),
        at.walker.ravel().tolist(),
        chains.log_probability[at.indices].ravel().tolist(),
        strict=True,
    )
    return Draws(tuple(item.key for item in estimated), np.array(values), tuple(origin))
