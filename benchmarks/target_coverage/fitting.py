"""One drawn trial fitted: estimates, how far the truth lies from them, and predictions that were not fitted.

Start with `fit_drawn`.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from interval_coverage import hold

from kinimmune.fitting.estimation.correlations import find_correlations
from kinimmune.fitting.estimation.laplace import approximate
from kinimmune.fitting.estimation.optimise import StartOutcome, optimise_coarsely_first
from kinimmune.fitting.estimation.summary import choose_transported
from kinimmune.fitting.problem.horizon import find_horizon
from kinimmune.fitting.problem.outputs import HazardRatioOutput, MedianOutput, SurvivalOutput
from kinimmune.fitting.problem.predictions import predictions
from kinimmune.fitting.problem.problem import FitProblem, predict, widen
from kinimmune.fitting.problem.statistics import predict_number, to_scale
from kinimmune.fitting.problem.targets import Role, Statistic, Target
from kinimmune.models.arrays import Array
from kinimmune.models.symbolic.parameters import Parameter, Prior, Scale, Source, Status
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.observed import cox_ratio
from kinimmune.models.trial.population import draw_population
from target_coverage.generators import simulate_many

MONTH = 12.0
"""Of the survival that is predicted."""
TRUTH_PATIENTS = 1024
"""Virtual patients of the truth."""
MANY = 8192
"""Individuals of an arm of a truth that no fit knows."""

Numbers = Mapping[str, float]
"""Name of a prediction -> its value on the scale on which it is nearly normal."""


@dataclass(frozen=True)
class DrawnFit:
    """What became of one drawn trial."""

    problem: FitProblem
    """What was fitted, with correlations where there are any."""
    found: StartOutcome
    condition: float
    """Largest condition number of its correlations; 1 where numbers were independent."""
    seconds: Mapping[str, float]
    """Stage -> time it took."""


def aim(problem: FitProblem, targets: Sequence[Target]) -> FitProblem:
    """Return the fit of a model to what a drawn trial published."""
    longest = max(find_horizon(target, problem.trials) for target in targets)
    return replace(problem, targets=tuple(targets), simulator=replace(problem.simulator, horizon=longest))


def fit_drawn(problem: FitProblem, targets: Sequence[Target], seed: int, *, correlated: bool = True) -> DrawnFit:
    """Fit from the prior medians as `kinimmune fit` does from its first start."""
    began, fitted = time.monotonic(), aim(problem, targets)
    found = optimise_coarsely_first(fitted, np.zeros(len(problem.estimated)), _ignore)
    seconds, condition = {"fit": time.monotonic() - began}, 1.0
    blocks = find_correlations(fitted, np.array(found.z), seed) if correlated else ()
    seconds["correlations"] = time.monotonic() - began - seconds["fit"]
    if blocks:
        fitted = replace(fitted, correlations=tuple(item.block for item in blocks))
        condition = max(item.condition_number for item in blocks)
        found = optimise_coarsely_first(fitted, np.array(found.z), _ignore)
        seconds["again"] = time.monotonic() - began - sum(seconds.values())
    return DrawnFit(fitted, found, condition, seconds)


def measure_deviances(fit: DrawnFit, truth: Array, covariance: Array) -> list[float]:
    """Return by how much the sum of squares rises with each parameter held at its truth."""
    point = np.array(fit.found.z)
    costs = [hold(fit.problem, place, truth, point, covariance) for place in range(truth.size)]
    return [cost - fit.found.chi_square for cost in costs]


def predict_ratios(fit: DrawnFit) -> tuple[Numbers, Numbers, Array]:
    """Return hazard ratios (ln) with their standard errors, and the covariance of the estimates."""
    return _predict(widen(fit.problem), np.array(fit.found.z), None, name_ratios(fit.problem))


def predict_left_out(fit: DrawnFit) -> tuple[Numbers, Numbers]:
    """Return what a fit that has not seen the treated arm of the smaller study says of it, with standard errors."""
    problem = fit.problem
    trial = choose_transported(problem.trials)
    assert trial is not None
    held = {(trial.study, arm.name) for arm in trial.compared}
    kept = [item for item in problem.targets if not {(item.study, arm) for arm in item.arms(problem.trial(item.study))} & held]
    smaller = replace(problem, targets=tuple(kept), arms=tuple(arm for arm in problem.arms if arm not in held))
    found = optimise_coarsely_first(smaller, np.array(fit.found.z), _ignore)
    wide = widen(problem)
    seen = replace(smaller, simulator=wide.simulator)
    values, errors, _ = _predict(wide, np.array(found.z), seen, name_left_out(problem))
    return values, errors


def name_ratios(problem: FitProblem) -> tuple[str, ...]:
    """Return the names of the hazard ratios of OS and TTP."""
    return tuple(
        HazardRatioOutput(trial.study, endpoint).name for trial in problem.trials for endpoint in (Endpoint.OS, Endpoint.TTP)
    )


def name_left_out(problem: FitProblem) -> tuple[str, ...]:
    """Return the names of what is predicted of the arm left out: median and survival of OS, and the hazard ratio."""
    trial = choose_transported(problem.trials)
    assert trial is not None
    (arm,) = trial.compared
    names = (MedianOutput(trial.study, arm.name), SurvivalOutput(trial.study, arm.name, Endpoint.OS, MONTH))
    return (*(item.name for item in names), HazardRatioOutput(trial.study, Endpoint.OS).name)


def find_truth(problem: FitProblem, truth: Array, generator: str, seed: list[int]) -> Numbers:
    """Return the true values of all that is predicted, on their scales."""
    survival = _survival_targets(problem)
    if generator == "model":
        wide = widen(replace(problem, population=draw_population(problem.parameters, TRUTH_PATIENTS, 99)))
        outcomes = predict(wide, [truth])[0]
        named = {name: math.log(value) for name, value in predictions(wide, outcomes).items() if value is not None}
        return {**named, **{item.label: to_scale(item, predict_number(wide, outcomes, item)) for item in survival}}
    many = simulate_many(problem, truth, generator, MANY, seed)
    named = {}
    for trial in problem.trials:
        for endpoint in (Endpoint.OS, Endpoint.TTP):
            treated, control = (many[trial.study, arm.name].observe(endpoint) for arm in trial.contrast(None))
            named[HazardRatioOutput(trial.study, endpoint).name] = cox_ratio(treated, control).log_ratio
    for (study, arm), patients in many.items():
        median = float(np.median(patients.death)) / DAYS_PER_MONTH
        named[MedianOutput(study, arm).name] = math.log(median) if math.isfinite(median) else math.nan
    shares = {item.label: float((many[item.study, item.arm or ""].death > MONTH * DAYS_PER_MONTH).mean()) for item in survival}
    return {**named, **{item.label: to_scale(item, shares[item.label]) for item in survival}}


def _survival_targets(problem: FitProblem) -> list[Target]:
    origin = Source("drawn", "", Status.REPORTED)
    return [
        Target(study, arm, Endpoint.OS, Statistic.SURVIVAL, 0.5, None, None, 1, "1", Role.UNFITTED, origin, None, month=MONTH)
        for study, arm in problem.arms
    ]


def _predict(wide: FitProblem, z: Array, seen: FitProblem | None, names: Sequence[str]) -> tuple[Numbers, Numbers, Array]:
    survival = _survival_targets(wide)
    # derivatives by constants are not used: leaving them fixed saves most of the time
    certain = replace(wide, parameters=tuple(_fix(item) if not item.estimated else item for item in wide.parameters))
    found = approximate(certain, z, survival, None if seen is None else replace(seen, parameters=certain.parameters))
    outcomes = predict(wide, [z])[0]
    centres = {name: math.log(value) for name, value in predictions(wide, outcomes).items() if value is not None}
    centres |= {item.label: to_scale(item, predict_number(wide, outcomes, item)) for item in survival}
    errors = {name: float(found.standard_error(name, constants_drawn=False)[0]) for name in names}
    return {name: centres.get(name, math.nan) for name in names}, errors, found.covariance(constants_drawn=False)


def _fix(item: Parameter) -> Parameter:
    return replace(item, prior=Prior(Scale.FIXED, item.value, 0.0))


def _ignore(_chi_square: float) -> None:
    """Do nothing with a sum of squares that was met on the way."""
