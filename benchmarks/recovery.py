"""Recovery: trials simulated patient by patient at known truths, published as a paper would, and fitted again.

Each replicate draws the estimated parameters from their priors, enrols as many patients as the trials did, reads Kaplan-Meier
medians with their 95 % intervals (Brookmeyer and Crowley, of ln(-ln S)), and fits them from one start; a truth at which a median
is not reached is drawn again and counted.  The 95 % intervals of the estimates, pooled over parameters and replicates, should
hold the truth in at least 90 % of cases.

`--first 0 --replicates 5 --json a.json` runs a piece; `--pool a.json b.json` joins pieces.
"""

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from lifelines import KaplanMeierFitter
from lifelines.utils import median_survival_times

from kinimmune.fitting.estimation.laplace import STEP
from kinimmune.fitting.estimation.optimise import optimise
from kinimmune.fitting.problem.horizon import HORIZON_FACTOR
from kinimmune.fitting.problem.problem import FitProblem, arm_cohort, build_problem, predict, to_horizon
from kinimmune.fitting.problem.residuals import residuals
from kinimmune.fitting.problem.targets import Target
from kinimmune.models.arrays import NORMAL_95, Array
from kinimmune.models.symbolic.parameters import Status
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.microsimulation import SimulatedPatients, simulate_patients
from kinimmune.models.trial.population import draw_individuals

REPLICATES = 20
SHORTEST = 0.1
"""Shortest time [month] a paper prints."""


@dataclass(frozen=True)
class Replicate:
    """One truth and what the fit made of it; scores in prior standard deviations."""

    index: int
    redraws: int
    """Truths at which a median was not reached."""
    open_intervals: int
    """Medians whose upper end was not reached: their error is derived from n and the follow-up."""
    converged: bool
    cost: float
    names: tuple[str, ...]
    truth: tuple[float, ...]
    estimate: tuple[float, ...]
    error: tuple[float, ...]


def simulate(problem: FitProblem, point: Array, seed: Sequence[int]) -> dict[tuple[str, str], SimulatedPatients]:
    """Return the arms of every trial, patient by patient, with as many patients as were enrolled."""
    longest = max(span.longest for trial in problem.trials for span in trial.follow_up.values())
    wide = to_horizon(problem, longest / DAYS_PER_MONTH)
    drawn = {}
    for place, (study, arm) in enumerate(problem.arms):
        number = int(np.random.default_rng([*seed, place]).integers(2**31))
        people = draw_individuals(problem.parameters, problem.trial(study).arm(arm).n, number)
        cohort = arm_cohort(replace(wide, population=people), point, study, arm)
        drawn[study, arm] = simulate_patients(wide.simulator, cohort, [*seed, place, 1])
    return drawn


def publish(target: Target, drawn: SimulatedPatients) -> Target | None:
    """Return the target with the median and interval a paper would print [month, two decimals]; None when it is not reached."""
    fitted = KaplanMeierFitter().fit(*drawn.observed(target.endpoint))
    months = [fitted.median_survival_time_, *median_survival_times(fitted.confidence_interval_).to_numpy()[0]]
    value, lower, upper = (max(round(float(item) / DAYS_PER_MONTH, 2), SHORTEST) for item in months)
    if not math.isfinite(value):
        return None
    if not math.isfinite(upper) or lower == upper:
        return replace(target, value=value, lower=None, upper=None, interval_source=None)
    read = replace(target.value_source, status=Status.REPORTED)
    return replace(target, value=value, lower=lower, upper=upper, interval_source=read)


def draw_replicate(problem: FitProblem, seed: Sequence[int]) -> tuple[Array, tuple[Target, ...], int]:
    """Return a truth, the targets published at it, and how many truths were drawn in vain."""
    lowest = np.array([item.prior.to_z(item.lower) for item in problem.estimated])
    highest = np.array([item.prior.to_z(item.upper) for item in problem.estimated])
    for attempt in range(100):
        truth = np.random.default_rng([*seed, attempt]).standard_normal(len(problem.estimated))
        if np.any((truth < lowest) | (truth > highest)):
            continue
        drawn = simulate(problem, truth, [*seed, attempt])
        published = [publish(target, drawn[target.study, target.arm or ""]) for target in problem.targets]
        reached = tuple(target for target in published if target is not None)
        if len(reached) == len(published):
            return truth, reached, attempt
    raise RuntimeError(f"seed {seed}: a median was not reached in 100 truths")


def estimate_errors(problem: FitProblem, point: Array) -> Array:
    """Return posterior standard deviations by the curvature, as a fit reports them (constants fixed)."""
    shifts = STEP * np.eye(point.size)
    points = [*(point + shift for shift in shifts), *(point - shift for shift in shifts)]
    values = [residuals(problem, outcomes, at) for outcomes, at in zip(predict(problem, points), points, strict=True)]
    slopes = np.stack([(values[i] - values[i + point.size]) / (2.0 * STEP) for i in range(point.size)], axis=1)
    return np.sqrt(np.diag(np.linalg.inv(slopes.T @ slopes)))


def recover(problem: FitProblem, index: int) -> Replicate:
    """Simulate, publish and fit one replicate."""
    truth, targets, redraws = draw_replicate(problem, [20, index])
    longest = HORIZON_FACTOR * max(target.value for target in targets)
    fitted = to_horizon(replace(problem, targets=targets), longest)
    found = optimise(fitted, np.zeros(len(problem.estimated)), lambda _: None)
    errors = estimate_errors(fitted, np.array(found.z))
    return Replicate(
        index=index,
        redraws=redraws,
        open_intervals=sum(target.interval_source is None for target in targets),
        converged=found.converged,
        cost=found.chi_square,
        names=tuple(item.key for item in problem.estimated),
        truth=tuple(map(float, truth)),
        estimate=found.z,
        error=tuple(map(float, errors)),
    )


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share."""
    z2, share = NORMAL_95**2, hits / n
    half = NORMAL_95 * math.sqrt(share * (1.0 - share) / n + z2 / (4.0 * n * n))
    return (share + z2 / (2.0 * n) - half) / (1.0 + z2 / n), (share + z2 / (2.0 * n) + half) / (1.0 + z2 / n)


def print_table(rows: Sequence[Replicate]) -> None:
    """Print coverage per parameter and pooled."""
    away = np.array([(np.array(row.estimate) - row.truth) / row.error for row in rows])
    errors = np.array([row.error for row in rows])
    inside = np.abs(away) <= NORMAL_95
    print(f"\n{'parameter':30s} covered  mean z  sd z  mean posterior sd / prior sd")
    for i, name in enumerate(rows[0].names):
        spread = float(np.std(away[:, i], ddof=1)) if len(rows) > 1 else math.nan
        covered = f"{inside[:, i].sum():3d}/{len(rows):<3d}"
        print(f"{name:30s} {covered} {away[:, i].mean():7.2f} {spread:5.2f} {errors[:, i].mean():8.2f}")
    hits, n = int(inside.sum()), inside.size
    lower, upper = wilson(hits, n)
    print(f"pooled: {hits}/{n} = {hits / n:.1%} (95 % Wilson {lower:.1%} to {upper:.1%})")
    redraws, ends = sum(row.redraws for row in rows), sum(row.open_intervals for row in rows)
    done = sum(row.converged for row in rows)
    print(f"{len(rows)} replicates, {done} converged; {redraws} truths redrawn, {ends} intervals without an end")


def main() -> None:
    """Run a piece or pool pieces, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=256)
    parser.add_argument("--replicates", type=int, default=REPLICATES)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--pool", type=Path, nargs="+", help="print the table of pieces that were written before")
    given = parser.parse_args()
    if given.pool:
        print_table([Replicate(**row) for path in given.pool for row in json.loads(path.read_text())])
        return
    problem = build_problem("hcc_trial", Tables(), patients=given.patients, seed=1, jobs=given.jobs)
    rows: list[Replicate] = []
    for index in range(given.first, given.first + given.replicates):
        row = recover(problem, index)
        rows.append(row)
        missed = [
            name
            for name, truth, found, error in zip(row.names, row.truth, row.estimate, row.error, strict=True)
            if abs(truth - found) > NORMAL_95 * error
        ]
        print(f"replicate {index}: cost {row.cost:.2f}, redraws {row.redraws}, missed {', '.join(missed) or 'none'}", flush=True)
        if given.json:
            given.json.write_text(json.dumps([asdict(item) for item in rows], indent=1))
    print_table(rows)


if __name__ == "__main__":
    main()
