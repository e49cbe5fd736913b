"""Outputs of a virtual trial as functions of parameter values.

Start with `open_trial`.  Only the arms an output needs are run, and only as far as it looks.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.interpolate import PchipInterpolator

from kinimmune.fitting.problem.outputs import HazardRatioOutput, MedianOutput, Nameable, Output, StateOutput, SurvivalOutput
from kinimmune.fitting.problem.predictions import contrast_curves
from kinimmune.fitting.problem.problem import FIT_TOLERANCES, FitProblem, Outcomes, arm_cohort, predict
from kinimmune.fitting.sensitivity.values import Response, collect, hold, list_times
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError, NumericalError
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.parameters import Prior, Scale
from kinimmune.models.trial.design import DAYS_PER_MONTH, Endpoint
from kinimmune.models.trial.survival import hazard_ratio, median_time, progression_free, survival_at
from kinimmune.models.trial.virtual_trial import mean_courses

SURVEY_TOLERANCES = Tolerances(1e-3, 1e-5)
"""For studies over whole distributions: moves a hazard ratio by 4e-5 at most, where another set of 128 patients moves it by 2e-2
and the priors by 2e-1; with ten times as much some hazards of extreme draws turn negative."""
FEWEST_SCANS = 2
"""A virtual trial looks for confirmed responses, for which it needs two scans."""
SLIP = 1e-3
"""How far above 1 a survival curve may rise by the error of the integration."""
MOST_LOST = 0.05
"""Share of an arm's patients without whom an output still stands."""


def open_trial(
    problem: FitProblem, known: Nameable, output: Output, free: tuple[str, ...], fixed: Mapping[str, float], *, fine: bool
) -> Response:
    """Return an output of a virtual trial as a function of parameter values.

    Parameters
    ----------
    problem
        the virtual trial, its patients and its stop rules
    known, output
        which output
    free
        keys of the parameters whose values will be given
    fixed
        key -> value of others, where it is another than in the tables
    fine
        whether derivatives are wanted
    """
    by_key = {item.key: item for item in hold(problem.parameters, fixed)}
    narrow = replace(
        problem,
        simulator=replace(
            problem.simulator,
            tolerances=FIT_TOLERANCES if fine else SURVEY_TOLERANCES,
            horizon=_horizon(problem, output, known),
        ),
        parameters=tuple(by_key.values()),
        free=tuple(replace(by_key[key], prior=_IDENTITY) for key in free),
        arms=_arms(output, known),
        targets=(),
    )
    times = np.array(list_times(known, output)[1])
    width = max(1, times.size)
    if isinstance(output, StateOutput):
        return lambda values: collect([_mean_state(narrow, output, row, times) for row in values], width)
    return lambda values: collect([_read(narrow, output, item, times) for item in _outcomes(narrow, values)], width)


_IDENTITY = Prior(Scale.NORMAL, 0.0, 1.0)
"""Under it the standard score of a value is the value itself."""


def _arms(output: Output, known: Nameable) -> tuple[tuple[str, str], ...]:
    if isinstance(output, HazardRatioOutput):
        trial = known.trial(output.study, output.name)
        treated = next(arm.name for arm in trial.arms if not arm.control)
        return (trial.study, treated), (trial.study, trial.control.name)
    return ((str(output.study), str(output.arm)),)


def _horizon(problem: FitProblem, output: Output, known: Nameable) -> float:
    """Return how far [d] courses must reach: no further than the output looks, but far enough for a response to be confirmed."""
    if isinstance(output, MedianOutput):
        return problem.simulator.horizon
    trial = known.trial(str(output.study), output.name)
    if isinstance(output, HazardRatioOutput):
        return trial.follow_up[output.endpoint].longest
    looked = output.month * DAYS_PER_MONTH if isinstance(output, SurvivalOutput) else output.day
    return max(looked, FEWEST_SCANS * trial.scan_interval)


def _outcomes(problem: FitProblem, points: Array) -> list[Outcomes | str]:
    """Return a virtual trial per point, or why there is none; all side by side, in halves when one of them fails."""
    try:
        return list(predict(problem, list(points)))
    except (NumericalError, DataError) as error:
        half = len(points) // 2
        return [*_outcomes(problem, points[:half]), *_outcomes(problem, points[half:])] if half else [str(error)]


def _read(problem: FitProblem, output: Output, outcomes: Outcomes | str, times: Array) -> Array | str:
    """Return an output with its course at `times`, shape (t,), or why there is none."""
    if isinstance(outcomes, str):
        return outcomes
    for (study, arm), outcome in outcomes.items():
        if outcome.failed > MOST_LOST * (outcome.patients + outcome.failed):
            return f"{outcome.failed} of {outcome.patients + outcome.failed} patients of {study}:{arm} could not be integrated"
    if any(not (outcome.survival.min() >= 0.0 and outcome.survival.max() <= 1.0 + SLIP) for outcome in outcomes.values()):
        return "a survival curve leaves [0, 1]: the integration lost its accuracy"
    if isinstance(output, HazardRatioOutput):
        return _hazard_ratio(problem, output, outcomes)
    outcome = outcomes[str(output.study), str(output.arm)]
    if isinstance(output, MedianOutput):
        return np.array([median_time(outcome.grid, outcome.survival) / DAYS_PER_MONTH])
    if isinstance(output, SurvivalOutput) and output.endpoint is Endpoint.TTP:
        return progression_free(outcome)[: times.size]
    return survival_at(outcome.grid, outcome.survival, times * DAYS_PER_MONTH)


def _hazard_ratio(problem: FitProblem, output: HazardRatioOutput, outcomes: Outcomes) -> Array | str:
    trial = problem.trial(output.study)
    try:
        return np.array([hazard_ratio(*contrast_curves(problem, outcomes, trial, output.endpoint))])
    except DataError as error:
        return str(error)
    except ValueError:  # scipy's word for a root beyond the bracket
        return f"the hazard ratio of {output.study}:{output.endpoint} is too far from 1 to be found"


def _mean_state(problem: FitProblem, output: StateOutput, point: Array, days: Array) -> Array | str:
    """Return the mean over patients alive on some days, shape (t,)."""
    cohort = arm_cohort(problem, point, str(output.study), str(output.arm))
    with np.errstate(invalid="ignore", divide="ignore"):  # nobody alive is said below
        course = mean_courses(problem.simulator, cohort, [output.quantity])[output.quantity]
    if not np.all(np.isfinite(course)):
        return f"no patient of {output.study}:{output.arm} alive or integrated to day {output.day:g}"
    return np.asarray(PchipInterpolator(problem.simulator.grid(cohort.trial), course)(days), dtype=float)
