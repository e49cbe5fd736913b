"""Whether likelihood-ratio intervals hold the truth as often as they say.

Each trial is simulated patient by patient at a truth drawn from the prior, published as a paper would, and fitted (see
`recovery.py`).  Then each estimated parameter is held at its truth and the others are fitted again: the deviance is how much the
sum of squares of data and priors rises, and the 90 % interval holds the truth where it is at most 2.71.  Pooled over parameters
and trials the share should lie in 86-94 %.  The rank of a truth is the normal probability of the signed root of its deviance;
ranks should be uniform.  Mean and standard deviation of (estimate - truth) / standard error by the curvature should be near 0
and 1.

The trials are those of `hcc_trial`, or with `--model` and `--data` those of another.  `benchmarks/four_arms` is a toy of four
arms on different regimens without a control:
`python benchmarks/interval_coverage.py --model benchmarks/four_arms/saturable.py --data benchmarks/four_arms --patients 64 ...`

Trials are kept in the folder of `--output` as they finish; run the same command again to go on.
"""

import argparse
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from recovery import draw_replicate, wilson
from scipy.special import ndtr

from kinimmune.fitting.estimation.optimise import minimise, optimise_coarsely_first
from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.horizon import HORIZON_FACTOR
from kinimmune.fitting.problem.objective import Tolerance, TrialObjective
from kinimmune.fitting.problem.problem import FitProblem, to_horizon
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem
from kinimmune.fitting.runs.kept_model import gather_model
from kinimmune.fitting.workflow.executors import open_executor
from kinimmune.fitting.workflow.store import TaskStore
from kinimmune.fitting.workflow.task import Json, Task, TaskChain, TaskFunction, run_chains
from kinimmune.models.arrays import NORMAL_95, Array
from kinimmune.models.tables.rows import Tables

THRESHOLD = 2.71
"""90 % quantile of chi-square with one degree of freedom."""
ENOUGH = Tolerance(1e-3)
"""Deviances are then known to about .01, against the threshold of 2.71."""
BINS = 10


def simulate_and_fit(inputs: Json) -> Json:
    """Return the truth, the estimate and the deviance of each parameter in one simulated trial: a step of long work."""
    problem = open_problem(ProblemSettings(**inputs["problem"]), inputs["folder"], 1)
    truth, targets, redraws = draw_replicate(problem, [inputs["seed"], inputs["index"]])
    fitted = to_horizon(replace(problem, targets=targets), HORIZON_FACTOR * max(target.value for target in targets))
    found = optimise_coarsely_first(fitted, np.zeros(truth.size), lambda _: None)
    point = np.array(found.z)
    slopes = TrialObjective(fitted).jacobian(point)
    covariance = np.linalg.inv(slopes.T @ slopes)
    costs = [hold(fitted, place, truth, point, covariance) for place in range(truth.size)]
    return {
        "names": [item.key for item in problem.estimated],
        "truth": truth.tolist(),
        "estimate": point.tolist(),
        "error": np.sqrt(np.diag(covariance)).tolist(),
        "cost": found.chi_square,
        "converged": found.converged,
        "redraws": redraws,
        "deviance": [cost - found.chi_square for cost in costs],
    }


COVERAGE = TaskFunction("coverage.trial", simulate_and_fit)


def hold(problem: FitProblem, place: int, truth: Array, point: Array, covariance: Array) -> float:
    """Return the smallest sum of squares with one parameter held at its truth; its own prior counts."""
    item = problem.estimated[place]
    value = item.prior.from_z(float(truth[place]))
    held = replace(
        problem,
        estimated=tuple(other for other in problem.estimated if other is not item),
        parameters=tuple(other.at(value) if other.key == item.key else other for other in problem.parameters),
    )
    start = point + covariance[:, place] / covariance[place, place] * (truth[place] - point[place])
    lowest, highest = (
        np.array([other.prior.to_z(getattr(other, end)) for other in held.estimated]) for end in ("lower", "upper")
    )
    inside = np.clip(np.delete(start, place), lowest + 1e-6, highest - 1e-6)
    return minimise(TrialObjective(held), inside, lambda _: None, tolerance=ENOUGH).chi_square + float(truth[place]) ** 2


def print_table(trials: Sequence[Json]) -> None:
    """Print coverage per parameter and pooled, and the histogram of ranks."""
    deviance = np.array([trial["deviance"] for trial in trials])
    above = np.sign(np.array([np.subtract(trial["truth"], trial["estimate"]) for trial in trials]))
    ranks = ndtr(above * np.sqrt(np.maximum(deviance, 0.0)))
    inside = deviance <= THRESHOLD
    print(f"\n{'parameter':30s} covered   mean deviance   ranks in tenths")
    for i, name in enumerate(trials[0]["names"]):
        tenths = " ".join(f"{count:2d}" for count in np.histogram(ranks[:, i], BINS, (0.0, 1.0))[0])
        print(f"{name:30s} {inside[:, i].sum():3d}/{len(trials):<3d} {deviance[:, i].mean():12.2f}     {tenths}")
    hits, n = int(inside.sum()), inside.size
    lower, upper = wilson(hits, n)
    counts = np.histogram(ranks, BINS, (0.0, 1.0))[0]
    print(f"{'pooled':30s} {hits}/{n} = {hits / n:.1%} (95 % Wilson {lower:.1%} to {upper:.1%}, as if independent)")
    print(f"{'pooled ranks':30s} {' '.join(str(count) for count in counts)}; uniform: {n / BINS:.0f} each")
    by_trial = inside.mean(axis=1)
    spread = float(np.std(by_trial, ddof=1) / math.sqrt(len(trials))) if len(trials) > 1 else math.nan
    converged, redraws = (sum(trial[key] for trial in trials) for key in ("converged", "redraws"))
    print(f"{len(trials)} trials, {converged} converged, {redraws} truths redrawn")
    share = hits / n
    ends = f"{share - NORMAL_95 * spread:.1%} to {share + NORMAL_95 * spread:.1%}"
    print(f"standard error of the share over trials {spread:.1%} (95 % {ends}); smallest deviance {deviance.min():.3f}")
    if all("error" in trial for trial in trials):  # trials kept from before have none
        print_scores(trials)


def print_scores(trials: Sequence[Json]) -> None:
    """Print mean and standard deviation of (estimate - truth) / standard error, per parameter and pooled."""
    scores = np.array([np.subtract(trial["estimate"], trial["truth"]) / trial["error"] for trial in trials])
    errors = np.array([trial["error"] for trial in trials])
    print(f"\n{'(estimate - truth) / se':30s}    mean      sd   mean posterior sd / prior sd")
    rows = [*zip(trials[0]["names"], scores.T, errors.T, strict=True), ("pooled", scores.ravel(), errors.ravel())]
    for name, own, error in rows:
        print(f"{name:30s} {own.mean():7.2f} {np.std(own, ddof=1):7.2f} {error.mean():8.2f}")


def main() -> None:
    """Go on with the trials and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="hcc_trial", help="a name, or a Python file, which is run")
    parser.add_argument("--data", type=Path, help="tables that replace the package's")
    parser.add_argument("--patients", type=int, default=256)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seed", type=int, default=30)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path("build/coverage"), metavar="FOLDER")
    given = parser.parse_args()
    with gather_model(given.model, given.data) as (model, folder):
        print_table(run_trials(given, model, folder))


def run_trials(given: argparse.Namespace, model: str, folder: Path | None) -> list[Json]:
    """Go on with the trials of a model and return their outcomes."""
    settings = ProblemSettings(model=model, tables=digest_inputs(model, Tables(folder)), patients=given.patients, seed=1)
    chains = [
        TaskChain(
            Task(
                COVERAGE,
                f"coverage-{index:03d}",
                {"problem": settings.plain, "seed": given.seed, "index": index},
                {"folder": None if folder is None else str(folder)},
            )
        )
        for index in range(given.trials)
    ]
    finished: list[Json] = []

    def watch(step: Task, outcome: Json, kept: bool) -> None:
        finished.append(outcome)
        hits = sum(value <= THRESHOLD for trial in finished for value in trial["deviance"])
        n = sum(len(trial["deviance"]) for trial in finished)
        print(
            f"{step.name}{' (kept)' if kept else ''}: cost {outcome['cost']:.2f}; so far {hits}/{n} = {hits / n:.1%}", flush=True
        )

    with open_executor(given.jobs, None) as pool:
        run_chains(chains, TaskStore(given.output), pool, watch)
    return finished


if __name__ == "__main__":
    main()
