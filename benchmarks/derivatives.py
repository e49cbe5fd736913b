"""Which derivative a fit needs: the script that chose plain differences for `fitting.fit`.

A Jacobian of the residuals costs one virtual trial more than there are estimated parameters.  Perturbed parameter vectors that
share the nominal step sequence, and sensitivities propagated along it, would have less noise: at best none.  So the script
compares the plain forward differences of the fit with a Jacobian without noise (central differences of trials at rtol 1e-9, the
best any other way could reach): how far they lie apart, and where fits with the one and with the other end, after how many
iterations.  A way with less noise can only pay if the second fit is better.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.optimize import least_squares

from kinimmune.fitting.estimation.optimise import CHI_SQUARE_TOLERANCE, POINT_TOLERANCE
from kinimmune.fitting.problem.objective import DIFFERENCE_STEP, TrialObjective
from kinimmune.fitting.problem.problem import FitProblem, build_problem, predict
from kinimmune.fitting.problem.residuals import residuals
from kinimmune.fitting.problem.start_points import start_points
from kinimmune.models.arrays import Array
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.tables.rows import Tables

CENTRAL_STEP = 1e-2
NOISELESS = Tolerances(1e-9, 1e-11)


def differentiate_exactly(problem: FitProblem, point: Array) -> Array:
    """Return the Jacobian by central differences of trials integrated far beyond the fit's tolerance."""
    strict = replace(problem, simulator=replace(problem.simulator, tolerances=NOISELESS))
    shifts = CENTRAL_STEP * np.eye(point.size)
    points = [*(point + shift for shift in shifts), *(point - shift for shift in shifts)]
    values = [residuals(strict, outcomes, at) for outcomes, at in zip(predict(strict, points), points, strict=True)]
    n = point.size
    return np.stack([(values[i] - values[n + i]) / (2.0 * CENTRAL_STEP) for i in range(n)], axis=1)


def fit(problem: FitProblem, start: Array, derivative: Callable[[Array], Array]) -> tuple[float, int, float, Array]:
    """Return cost, iterations, seconds and the point where a fit with some derivative ends; settings as those of the package."""
    lower = [item.prior.to_z(item.lower) for item in problem.estimated]
    upper = [item.prior.to_z(item.upper) for item in problem.estimated]
    begin = time.perf_counter()
    found = least_squares(
        lambda point: residuals(problem, predict(problem, [point])[0], point),
        start,
        derivative,
        bounds=(lower, upper),
        ftol=CHI_SQUARE_TOLERANCE,
        xtol=POINT_TOLERANCE,
        gtol=CHI_SQUARE_TOLERANCE,
        max_nfev=60,
    )
    return 2.0 * float(found.cost), int(found.njev), time.perf_counter() - begin, found.x


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=64)
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    problem = build_problem("hcc_trial", Tables(), patients=options.patients, seed=1, jobs=options.jobs)
    ways: dict[str, Callable[[Array], Array]] = {
        "plain differences": TrialObjective(problem).jacobian,
        "without noise": lambda point: differentiate_exactly(problem, point),
    }
    print(f"{options.patients} patients; step {DIFFERENCE_STEP} prior sd at rtol {problem.simulator.tolerances.relative:.0e}")
    ends: dict[str, list[Array]] = {name: [] for name in ways}
    for number, start in enumerate(start_points(problem, options.starts, 1)):
        for name, way in ways.items():
            cost, iterations, seconds, point = fit(problem, start, way)
            ends[name].append(point)
            print(f"start {number}  {name:18s} cost {cost:.5f}  {iterations:3d} Jacobians  {seconds:6.1f} s", flush=True)
        first, second = (ends[name][-1] for name in ways)
        plain, exact = (way(second) for way in ways.values())
        gap = np.abs(plain - exact).max(axis=0) / np.abs(exact).max(axis=0)
        print(
            f"         ends lie {np.abs(first - second).max():.1e} prior sd apart; Jacobians there by {gap.max():.2%} of a column"
        )


if __name__ == "__main__":
    main()
