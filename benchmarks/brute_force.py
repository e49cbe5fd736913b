"""The trial in expectation against the trial drawn patient by patient: 100,000 patients an arm, analysed by lifelines.

Run `python benchmarks/brute_force.py`; every z should look standard normal.
"""

import argparse
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter, KaplanMeierFitter

from kinimmune.fitting.estimation.optimise import optimise
from kinimmune.fitting.problem.problem import FitProblem, arm_cohort, build_problem, to_horizon
from kinimmune.models.arrays import NORMAL_95, Array
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import Arm, Endpoint, StopRule, Trial
from kinimmune.models.trial.microsimulation import simulate_patients
from kinimmune.models.trial.population import draw_individuals, draw_population
from kinimmune.models.trial.progression_free import progression_free_survival
from kinimmune.models.trial.survival import expected_curve, expected_events, hazard_ratio, progression_free, survival_at
from kinimmune.models.trial.virtual_trial import ArmOutcome, run_arms

BATCH = 10_000
MONTHS = 24.0
Observed = dict[Endpoint, tuple[Array, Array]]
Row = tuple[str, float, float, float]
"""What, drawn, expected, standard error of the drawn."""


def draw(problem: FitProblem, point: Array, trial: Trial, arm: Arm, rule: StopRule, patients: int) -> tuple[Observed, Array]:
    """Return observed times and events of each endpoint, and when each patient stopped or died [d]."""
    place = trial.arms.index(arm)
    batches = []
    for batch in range(0, patients, BATCH):
        people = replace(problem, population=draw_individuals(problem.parameters, BATCH, 7000 + batch + place))
        cohort = replace(arm_cohort(people, point, trial.study, arm.name), rule=rule)
        batches.append(simulate_patients(problem.simulator, cohort, [17, place, batch]))
    observed = {}
    for endpoint in Endpoint:
        parts = [drawn.observed(endpoint) for drawn in batches]
        observed[endpoint] = (np.concatenate([time for time, _ in parts]), np.concatenate([event for _, event in parts]))
    return observed, np.concatenate([np.minimum(drawn.stop, drawn.death) for drawn in batches])


def expect(problem: FitProblem, point: Array, trial: Trial, arm: Arm, rule: StopRule, patients: int) -> ArmOutcome:
    """Return the arm in expectation, with as many patients enrolled as are drawn."""
    people = replace(problem, population=draw_population(problem.parameters, 16384, 1))
    cohort = replace(arm_cohort(people, point, trial.study, arm.name), rule=rule)
    return run_arms(problem.simulator, [replace(cohort, arm=replace(cohort.arm, n=patients))], problem.jobs)[0]


def compare_curves(trial: Trial, observed: Observed, outcome: ArmOutcome, label: str) -> list[Row]:
    """Return Kaplan-Meier estimates beside the expected curves, and numbers of events."""
    days = np.array([90.0, 180.0, 360.0, 540.0])
    scans = outcome.scans[[0, 1, 3, 5]]
    curves = {
        Endpoint.OS: (days, survival_at(outcome.grid, outcome.survival, days)),
        Endpoint.TTP: (scans, progression_free(outcome)[[0, 1, 3, 5]]),
        Endpoint.PFS: (days, progression_free_survival(outcome).at(days)),
    }
    rows: list[Row] = []
    for endpoint, (times, expected) in curves.items():
        time, event = observed[endpoint]
        fitted = KaplanMeierFitter().fit(time, event)
        found = fitted.survival_function_at_times(times).to_numpy()
        ends = fitted.confidence_interval_survival_function_.to_numpy()[np.searchsorted(fitted.timeline, times, side="right") - 1]
        error = np.diff(ends, axis=1)[:, 0] / (2.0 * NORMAL_95)
        rows += [
            (f"{label} {endpoint} S({moment:.0f} d)", *row) for moment, *row in zip(times, found, expected, error, strict=True)
        ]
        share = expected_events(expected_curve(outcome, endpoint, trial.follow_up[endpoint])) / time.size
        rows.append((f"{label} {endpoint} events", event.mean(), share, math.sqrt(share * (1.0 - share) / time.size)))
    return rows


def compare_ratios(trial: Trial, observed: dict[str, Observed], outcomes: dict[str, ArmOutcome], label: str) -> list[Row]:
    """Return Cox coefficients by lifelines beside the expected ln hazard ratios."""
    treated, control = (arm.name for arm in trial.contrast(trial.treated[0].name))
    rows: list[Row] = []
    for endpoint in Endpoint:
        parts = [
            np.stack([*observed[arm][endpoint], np.full(observed[arm][endpoint][0].size, float(arm == treated))])
            for arm in (treated, control)
        ]
        frame = pd.DataFrame(np.concatenate(parts, axis=1).T, columns=["time", "event", "treated"])
        fitted = CoxPHFitter().fit(frame, "time", "event")
        curves = [expected_curve(outcomes[arm], endpoint, trial.follow_up[endpoint]) for arm in (treated, control)]
        found, error = float(fitted.params_["treated"]), float(fitted.standard_errors_["treated"])
        rows.append((f"{label} {endpoint} ln HR", found, math.log(hazard_ratio(*curves)), error))
    return rows


def compare_trial(problem: FitProblem, point: Array, trial: Trial, rule: StopRule, patients: int) -> list[Row]:
    """Return every comparison of one trial under one rule."""
    rows: list[Row] = []
    observed, outcomes = {}, {}
    for arm in trial.arms:
        label = f"{trial.study} {arm.name}"
        observed[arm.name], taken = draw(problem, point, trial, arm, rule, patients)
        outcomes[arm.name] = expect(problem, point, trial, arm, rule, patients)
        rows += compare_curves(trial, observed[arm.name], outcomes[arm.name], label)
        for place in (9, 21, 45):
            share = float(outcomes[arm.name].on_treatment[place])
            moment = float(outcomes[arm.name].grid[place])
            error = math.sqrt(share * (1.0 - share) / patients)
            rows.append((f"{label} on treatment at {moment:.0f} d", float((taken > moment).mean()), share, error))
    return rows + compare_ratios(trial, observed, outcomes, trial.study)


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=100_000, help="drawn per arm, a multiple of 10,000")
    parser.add_argument("--rule", choices=list(StopRule), default=StopRule.RADIOLOGICAL_AND_SYMPTOMATIC)
    parser.add_argument("--study", action="append", help="all by default")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    problem = build_problem("hcc_trial", Tables(), patients=64, seed=1, jobs=given.jobs)
    point = np.array(optimise(problem, np.zeros(len(problem.estimated)), lambda _: None).z)
    wide = to_horizon(problem, MONTHS)
    studies = given.study or [trial.study for trial in wide.trials]
    rows = [
        row for study in studies for row in compare_trial(wide, point, wide.trial(study), StopRule(given.rule), given.patients)
    ]
    print(f"rule {given.rule}, {given.patients} patients an arm, expectation over 16384 points")
    print(f"{'':44s} {'drawn':>9s} {'expected':>9s} {'error':>8s} {'z':>6s}")
    scores = [(found - expected) / error for _, found, expected, error in rows]
    for (name, found, expected, error), z in zip(rows, scores, strict=True):
        print(f"{name:44s} {found:9.4f} {expected:9.4f} {error:8.5f} {z:6.2f}")
    root = np.sqrt(np.mean(np.square(scores)))
    print(f"{len(rows)} comparisons: largest |z| {np.abs(scores).max():.2f}, root mean square {root:.2f}")
    if given.json:
        given.json.write_text(
            json.dumps([dict(zip(("name", "drawn", "expected", "error"), row, strict=True)) for row in rows], indent=1)
        )


if __name__ == "__main__":
    main()
