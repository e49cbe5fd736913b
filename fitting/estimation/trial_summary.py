"""The virtual trial at the estimates, in the numbers a report draws.

Start with `describe_trial`.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kinimmune.fitting.estimation.outcome_rows import ContrastResult, Numbers, QuadratureRow
from kinimmune.fitting.estimation.progression_summary import add_pfs
from kinimmune.fitting.estimation.trial_results import ArmResult, TrialResult
from kinimmune.fitting.problem.outputs import HazardRatioOutput, list_ratios
from kinimmune.fitting.problem.predictions import contrast_curves, predict_ratio, predictions
from kinimmune.fitting.problem.problem import FitProblem, Outcomes, arm_cohort, curve, predict
from kinimmune.models.arrays import Array
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.design import Arm, Endpoint, Trial
from kinimmune.models.trial.microsimulation import SimulatedPatients, simulate_patients
from kinimmune.models.trial.population import draw_individuals, draw_population
from kinimmune.models.trial.progression_free import progression_free_survival
from kinimmune.models.trial.survival import TrialCurves, median_time, progression_free, restricted_mean, survival_at
from kinimmune.models.trial.virtual_trial import ArmOutcome, mean_courses

QUADRATURE_SETS = 4
"""Sets of virtual patients, besides the one fitted with, over which predictions are compared."""
SPIDERS = 40
GROWTH_DAYS = 168.0
"""24 weeks [d], over which growth of the sum of diameters is told."""
RISK_STEP = 3.0
"""[month] between the columns of an at-risk table"""


def describe_trial(problem: FitProblem, z: Array, outcomes: Outcomes, seed: int) -> TrialResult:
    """Return everything a report shows of the virtual trial at a point.

    Parameters
    ----------
    problem
        with the horizon of the report
    z
        z-scores of the estimated parameters, shape (n_estimated,)
    outcomes
        the virtual trial at the point
    seed
        of the patients drawn for plots of single patients and of the other sets of virtual patients
    """
    return TrialResult(
        model=problem.simulator.model.name,
        seed=seed,
        patients=problem.population.patients,
        arms=tuple(_arm(problem, z, outcomes, trial, arm, seed) for trial in problem.trials for arm in trial.arms),
        contrasts=tuple(
            _contrast(problem, outcomes, ratio)
            for trial in problem.trials
            for endpoint in problem.endpoints
            for ratio in list_ratios(trial, endpoint)
        ),
        quadrature=quadrature(problem, z, outcomes, seed),
    )


def quadrature(problem: FitProblem, z: Array, outcomes: Outcomes, seed: int) -> tuple[QuadratureRow, ...]:
    """Return how far every prediction moves over other sets of as many virtual patients."""
    found = [predictions(problem, outcomes)]
    for offset in range(1, QUADRATURE_SETS + 1):
        population = draw_population(problem.parameters, problem.population.patients, seed + 1000 * offset)
        found.append(predictions(problem, predict(replace(problem, population=population), [z])[0]))
    rows = []
    for name, value in found[0].items():
        values = [item[name] for item in found]
        known = [item for item in values if item is not None]
        if value is not None and len(known) == len(values):
            rows.append(QuadratureRow(name, value, float(np.std(known, ddof=1))))
    return tuple(rows)


def _arm(problem: FitProblem, z: Array, outcomes: Outcomes, trial: Trial, arm: Arm, seed: int) -> ArmResult:
    outcome = outcomes[trial.study, arm.name]
    months = outcome.grid / DAYS_PER_MONTH
    drawn = draw_patients(problem, z, trial, arm, seed)
    courses = mean_courses(
        problem.simulator, arm_cohort(problem, z, trial.study, arm.name), problem.simulator.model.reported_courses
    )
    risk = np.arange(0.0, months[-1], RISK_STEP)
    free = progression_free(outcome)
    seen = np.cumsum(outcome.detected)
    dead = 1.0 - survival_at(outcome.grid, outcome.survival, outcome.scans)
    alive_unseen = outcome.at_risk - outcome.detected
    total_deaths = 1.0 - outcome.survival[-1]
    described = ArmResult(
        study=trial.study,
        arm=arm.name,
        n=arm.n,
        months=_numbers(months),
        survival=_numbers(outcome.survival),
        on_treatment=_numbers(outcome.on_treatment),
        follow_up_os=_span(trial, Endpoint.OS),
        follow_up_ttp=_span(trial, Endpoint.TTP),
        risk_months=_numbers(risk),
        at_risk_os=_at_risk_os(trial, arm, outcome, risk),
        at_risk_ttp=_at_risk_ttp(problem, outcomes, trial, arm, risk),
        scan_months=_numbers(outcome.scans / DAYS_PER_MONTH),
        ttp_survival=_numbers(free),
        progression_incidence=_numbers(seen),
        death_incidence=_numbers(np.clip(1.0 - seen - alive_unseen, 0.0, np.maximum(dead, 0.0))),
        new_lesion_share=float(outcome.by_lesion.sum() / seen[-1]) if seen[-1] > 0.0 else 0.0,
        last_cause_share=float(list(outcome.deaths_by_cause.values())[-1][-1] / total_deaths),
        response_fraction=outcome.responded,
        treatment_median=_median_on_treatment(outcome),
        survival_6=_rate(outcome, 6.0),
        survival_12=_rate(outcome, 12.0),
        ttp_6=float(np.append(1.0, free)[np.searchsorted(outcome.scans / DAYS_PER_MONTH, 6.0)]),
        best_change=find_best_changes(drawn, outcome.scans),
        spiders=list_spiders(drawn, outcome.scans),
        courses={name: _numbers(row) for name, row in courses.items()},
        diameter_growth=_find_growth(drawn),
    )
    return add_pfs(described, outcome, trial.follow_up[Endpoint.PFS]) if Endpoint.PFS in problem.endpoints else described


def _numbers(values: Array) -> Numbers:
    return tuple(float(value) for value in values)


def _span(trial: Trial, endpoint: Endpoint) -> tuple[float, float]:
    span = trial.follow_up[endpoint]
    return span.shortest / DAYS_PER_MONTH, span.longest / DAYS_PER_MONTH


def draw_patients(problem: FitProblem, z: Array, trial: Trial, arm: Arm, seed: int) -> SimulatedPatients:
    """Return random patients of an arm, as many as were randomised, each with what happened to it."""
    drawn = replace(problem, population=draw_individuals(problem.parameters, arm.n, seed))
    cohort = arm_cohort(drawn, z, trial.study, arm.name)
    return simulate_patients(problem.simulator, cohort, [seed, trial.arms.index(arm)])


def _rate(outcome: ArmOutcome, months: float) -> float:
    return float(survival_at(outcome.grid, outcome.survival, np.array([months * DAYS_PER_MONTH]))[0])


def _median_on_treatment(outcome: ArmOutcome) -> float | None:
    taking = np.minimum.accumulate(outcome.on_treatment)
    if taking[-1] > 0.5:
        return None
    return median_time(outcome.grid, np.maximum(taking, 1e-12)) / DAYS_PER_MONTH


def _at_risk_os(trial: Trial, arm: Arm, outcome: ArmOutcome, months: Array) -> Numbers:
    followed = trial.follow_up[Endpoint.OS].uncensored(months * DAYS_PER_MONTH)
    alive = survival_at(outcome.grid, outcome.survival, months * DAYS_PER_MONTH)
    return _numbers(arm.n * followed * alive)


def _at_risk_ttp(problem: FitProblem, outcomes: Outcomes, trial: Trial, arm: Arm, months: Array) -> Numbers:
    """Return the expected number at risk of a progression at the next scan."""
    observed = curve(problem, outcomes, trial.study, arm.name, Endpoint.TTP)
    place = np.searchsorted(observed.time, months * DAYS_PER_MONTH)
    at_risk = np.append(observed.at_risk, 0.0)[place]
    return _numbers(np.where(months == 0.0, float(arm.n), at_risk))


def _observed_scans(drawn: SimulatedPatients, scans: Array) -> list[tuple[Array, Array]]:
    """Return (months, change of the diameters' sum [%]) at the scans each patient had, the first at 0; none without diameters."""
    if drawn.log_diameter is None:
        return []
    step = drawn.grid[1] - drawn.grid[0]
    place = np.rint(np.concatenate([[0.0], scans]) / step).astype(int)
    ends = np.minimum(np.minimum(drawn.death, drawn.progression), drawn.followed[Endpoint.TTP])
    dates = np.concatenate([[0.0], scans])
    seen = []
    for patient, end in enumerate(ends):
        had = dates <= end
        change = 100.0 * np.expm1(drawn.log_diameter[place[had], patient])
        seen.append((dates[had] / DAYS_PER_MONTH, change))
    return seen


def _find_growth(drawn: SimulatedPatients) -> float | None:
    """Return the median rate [1/d] at which ln of the patients' sums of diameters grows at first, None where there are none."""
    if drawn.log_diameter is None:
        return None
    last = int(np.searchsorted(drawn.grid, GROWTH_DAYS, side="right")) - 1
    return float(np.nanmedian(drawn.log_diameter[last] - drawn.log_diameter[0])) / float(drawn.grid[last])


def find_best_changes(drawn: SimulatedPatients, scans: Array) -> Numbers:
    """Return the best change of the sum of diameters [%] of each patient who had a scan, falling; none without diameters."""
    best = [float(change[1:].min()) for _, change in _observed_scans(drawn, scans) if change.size > 1]
    return tuple(sorted((value for value in best if math.isfinite(value)), reverse=True))


def list_spiders(drawn: SimulatedPatients, scans: Array) -> tuple[tuple[Numbers, Numbers], ...]:
    """Return (months, change of the sum of diameters [%]) at the scans of the first patients who had any."""
    several = [item for item in _observed_scans(drawn, scans) if item[0].size > 1 and np.all(np.isfinite(item[1]))]
    return tuple((_numbers(months), _numbers(change)) for months, change in several[:SPIDERS])


def _contrast(problem: FitProblem, outcomes: Outcomes, ratio: HazardRatioOutput) -> ContrastResult:
    treated, control = contrast_curves(problem, outcomes, ratio)
    found = predict_ratio(problem, outcomes, ratio)
    horizon = problem.trial(ratio.study).follow_up[ratio.endpoint].longest
    # hazards of PFS from scan to scan: the steps would hide the deaths between them
    kept = np.asarray(treated.tied) if ratio.endpoint is Endpoint.PFS else np.ones(treated.time.size, dtype=bool)
    months, course = hazard_course(treated.survival[kept], control.survival[kept], treated.time[kept], horizon)
    means = [_restricted_mean(outcomes, item, horizon) for item in (treated, control)]
    return ContrastResult(
        study=ratio.study,
        arm=ratio.arm,
        endpoint=ratio.endpoint,
        hazard_ratio=found.value,
        reason=found.reason,
        months=months,
        hazard_ratio_course=course,
        rmst_difference=(means[0] - means[1]) / DAYS_PER_MONTH,
        rmst_horizon=horizon / DAYS_PER_MONTH,
    )


def _restricted_mean(outcomes: Outcomes, arm: TrialCurves, horizon: float) -> float:
    if arm.endpoint is Endpoint.PFS:
        return progression_free_survival(outcomes[arm.study, arm.arm]).restricted_mean(horizon)
    start = np.concatenate([[0.0], arm.time])
    return restricted_mean(start, np.concatenate([[1.0], arm.survival]), horizon)


def hazard_course(treated: Array, control: Array, time: Array, horizon: float) -> tuple[Numbers, Numbers]:
    """Return the ratio of the arms' hazards in the interval before each time, within the follow-up while both have survivors."""
    left = (treated > 0.0) & (control > 0.0)
    treated, control, time = treated[left], control[left], time[left]
    hazards: Sequence[Array] = [np.diff(-np.log(np.concatenate([[1.0], arm]))) for arm in (treated, control)]
    kept = (time <= horizon) & (hazards[1] > 0.0)
    return _numbers(time[kept] / DAYS_PER_MONTH), _numbers(hazards[0][kept] / hazards[1][kept])
