"""Outputs of a virtual trial as functions of parameter values.

Start with `open_trial`.  Only the arms an output needs are run, and only as far as it looks.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.interpolate import PchipInterpolator

from kinimmune.fitting.problem.many_trials import predict_each
from kinimmune.fitting.problem.outputs import (
    HazardRatioOutput,
    MedianOutput,
    Output,
    OutputCatalogue,
    StateOutput,
    SurvivalOutput,
)
from kinimmune.fitting.problem.predictions import contrast_curves
from kinimmune.fitting.problem.problem import FIT_TOLERANCES, FitProblem, Outcomes, arm_cohort
from kinimmune.fitting.sensitivity.trial_errors import HazardError, find_hazard_error
from kinimmune.fitting.sensitivity.values import OutputReading, Response, gather_responses, list_times, with_values
from kinimmune.models.arrays import Array, real
from kinimmune.models.errors import DataError
from kinimmune.models.solvers.ensemble import EnsembleTrajectories
from kinimmune.models.solvers.reading_error import read_error
from kinimmune.models.solvers.tolerances import Tolerances, sizes_of
from kinimmune.models.symbolic.parameters import Prior, Scale
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.progression_free import progression_free_survival
from kinimmune.models.trial.survival import hazard_ratio, median_time, progression_free, survival_at
from kinimmune.models.trial.virtual_trial import ArmOutcome, average_living

STUDY_TOLERANCES = Tolerances(1e-3, 1e-5)
"""Tolerances for studies over whole distributions: they move a hazard ratio by 4e-5 at most, where another set of 128 patients
moves it by 2e-2 and the priors by 2e-1; with ten times as much some hazards of extreme draws turn negative."""
MIN_SCANS = 2
"""A virtual trial looks for confirmed responses, for which it needs two scans."""
MAX_OVERSHOOT = 1e-3
"""How far above 1 a survival curve may rise by the error of the integration."""
MAX_LOST = 0.05
"""Share of an arm's patients without whom an output still stands."""


def open_trial(
    problem: FitProblem,
    catalogue: OutputCatalogue,
    output: Output,
    varied: tuple[str, ...],
    fixed: Mapping[str, float],
    *,
    fine: bool,
) -> Response:
    """Return an output of a virtual trial as a function of parameter values.

    Parameters
    ----------
    problem
        the virtual trial, its patients and its stop rules
    catalogue
        what outputs can name
    output
        the output
    varied
        keys of the parameters whose values will be given
    fixed
        key of another parameter -> its value, where it is not that of the tables
    fine
        whether derivatives are wanted
    """
    by_key = {item.key: item for item in with_values(problem.parameters, fixed)}
    narrow = replace(
        problem,
        simulator=replace(
            problem.simulator,
            tolerances=FIT_TOLERANCES if fine else STUDY_TOLERANCES,
            horizon=_horizon(problem, output, catalogue),
        ),
        parameters=tuple(by_key.values()),
        estimated=tuple(replace(by_key[key], prior=_IDENTITY) for key in varied),
        arms=_arms(output, catalogue),
        targets=(),
    )
    times = np.array(list_times(catalogue, output)[1])
    width = max(1, times.size)
    if isinstance(output, StateOutput):
        return lambda values: gather_responses([_mean_state(narrow, output, row, times) for row in values], width)
    return lambda values: gather_responses(
        [_read(narrow, output, item, times) for item in predict_each(narrow, list(values))], width
    )


_IDENTITY = Prior(Scale.NORMAL, 0.0, 1.0)
"""Prior under which the z-score of a value is the value itself."""


def _arms(output: Output, catalogue: OutputCatalogue) -> tuple[tuple[str, str], ...]:
    if isinstance(output, HazardRatioOutput):
        trial = catalogue.trial(output.study, output.name)
        return tuple((trial.study, arm.name) for arm in trial.contrast(output.arm))
    return ((str(output.study), str(output.arm)),)


def _horizon(problem: FitProblem, output: Output, catalogue: OutputCatalogue) -> float:
    """Return how far [d] courses must reach: no further than the output looks, but far enough for a response to be confirmed."""
    if isinstance(output, MedianOutput):
        return problem.simulator.horizon
    trial = catalogue.trial(str(output.study), output.name)
    if isinstance(output, HazardRatioOutput):
        return trial.follow_up[output.endpoint].longest
    looked = output.month * DAYS_PER_MONTH if isinstance(output, SurvivalOutput) else output.day
    return max(looked, float(trial.plan.first(MIN_SCANS)[-1]) * trial.scan_interval)


def _read(problem: FitProblem, output: Output, outcomes: Outcomes | Exception, times: Array) -> OutputReading | str:
    """Return an output with its course at `times`, or why there is none."""
    if isinstance(outcomes, Exception):
        return str(outcomes)
    for (study, arm), outcome in outcomes.items():
        if outcome.failed > MAX_LOST * (outcome.patients + outcome.failed):
            return f"{outcome.failed} of {outcome.patients + outcome.failed} patients of {study}:{arm} could not be integrated"
    if any(
        not (outcome.survival.min() >= 0.0 and outcome.survival.max() <= 1.0 + MAX_OVERSHOOT) for outcome in outcomes.values()
    ):
        return "a survival curve leaves [0, 1]: the integration lost its accuracy"
    error = find_hazard_error(problem.simulator)
    if isinstance(output, HazardRatioOutput):
        return _hazard_ratio(problem, output, outcomes, error)
    outcome = outcomes[str(output.study), str(output.arm)]
    if isinstance(output, MedianOutput):
        median = median_time(outcome.grid, outcome.survival)
        allowed = error.of_median(outcome.grid, outcome.survival, median)
        return OutputReading(np.array([median / DAYS_PER_MONTH]), np.array([allowed / DAYS_PER_MONTH]))
    endpoint = output.endpoint if isinstance(output, SurvivalOutput) else Endpoint.OS
    return _read_curve(outcome, endpoint, times, error)


def _read_curve(outcome: ArmOutcome, endpoint: Endpoint, months: Array, error: HazardError) -> OutputReading:
    """Return the curve of an endpoint at months, of TTP at as many scans."""
    if endpoint is Endpoint.TTP:
        free = progression_free(outcome)[: months.size]
        return OutputReading(free, error.of_progression_free(free))
    if endpoint is Endpoint.PFS:
        both = progression_free_survival(outcome).at(months * DAYS_PER_MONTH)
        return OutputReading(both, error.of_survival(both) + error.of_progression_free(both))
    survival = survival_at(outcome.grid, outcome.survival, months * DAYS_PER_MONTH)
    return OutputReading(survival, error.of_survival(survival))


def _hazard_ratio(problem: FitProblem, output: HazardRatioOutput, outcomes: Outcomes, error: HazardError) -> OutputReading | str:
    try:
        ratio = hazard_ratio(*contrast_curves(problem, outcomes, output))
    except DataError as refusal:
        return str(refusal)
    return OutputReading(np.array([ratio]), np.array([error.of_ratio(ratio)]))


def _mean_state(problem: FitProblem, output: StateOutput, point: Array, days: Array) -> OutputReading | str:
    """Return the mean over patients alive on some days.

    Its error is the mean of theirs.  What the error of survival adds by their weights is of the same size at most.
    """
    simulator, cohort = problem.simulator, arm_cohort(problem, point, str(output.study), str(output.arm))

    def read(courses: EnsembleTrajectories, inputs: Array) -> Array:
        sizes = sizes_of(simulator.model, np.nan_to_num(np.abs(courses.states)).max(axis=1, keepdims=True))
        allowed = simulator.tolerances.absolute * sizes + simulator.tolerances.relative * np.abs(courses.states)
        errors = read_error(simulator.compiled, output.quantity, courses.time[:, None], courses.states, inputs, allowed)
        return np.concatenate([simulator.read(courses, inputs, [output.quantity]), errors[None]])

    with np.errstate(invalid="ignore", divide="ignore"):  # nobody alive is said below
        course, errors = average_living(simulator, cohort, 2, read)
    if not np.all(np.isfinite(course)):
        return f"no patient of {output.study}:{output.arm} alive or integrated to day {output.day:g}"
    grid = simulator.grid(cohort.trial)
    return OutputReading(np.asarray(PchipInterpolator(grid, course)(days), dtype=float), real(np.interp(days, grid, errors)))
