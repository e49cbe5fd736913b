"""The fit with the spread of growth between patients held at published values: hazard ratios and medians at each."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from kinimmune.fitting.estimation.optimise import optimise
from kinimmune.fitting.problem.predictions import predictions
from kinimmune.fitting.problem.problem import FitProblem, build_problem, predict, widen
from kinimmune.fitting.problem.residuals import residuals
from kinimmune.models.tables.rows import Tables

SPREADS = (1.06, 1.3, 1.57)
"""sd of ln growth: quartiles of tu2024, the prior median, classes of nathani2021."""


def hold(problem: FitProblem, spread: float) -> FitProblem:
    """Return the problem with the growth spread fixed."""
    return replace(
        problem,
        parameters=tuple(
            replace(item.at(spread), estimated=False) if item.key == "growth_spread" else item for item in problem.parameters
        ),
        estimated=tuple(item for item in problem.estimated if item.key != "growth_spread"),
    )


def read_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=512)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def main() -> None:
    """Refit at each spread and print the table."""
    given = read_options()
    problem = build_problem("hcc_trial", Tables(), patients=given.patients, seed=given.seed, jobs=given.jobs)
    rows = []
    for spread in (*SPREADS, None):
        held = problem if spread is None else hold(problem, spread)
        found = optimise(held, np.zeros(len(held.estimated)), lambda _: None)
        point = np.array(found.z)
        wide = widen(held)
        outcomes = predict(wide, [point])[0]
        data = residuals(wide, outcomes, point)[: 2 * len(held.targets)]
        value = held.values(point)["growth_spread"] if spread is None else spread
        row = {"spread": value, "estimated": spread is None, "converged": found.converged, "cost": found.chi_square}
        rows.append(row | {"chi_square_data": float(data @ data), "predictions": predictions(wide, outcomes)})
        print(f"sd of ln growth {value:.2f}{' (estimated)' if spread is None else ''}: cost {found.chi_square:.2f}", flush=True)
    print(f"\n{given.patients} patients, seed {given.seed}; medians in months")
    print(f"{'':36s}" + "".join(f"{row['spread']:9.2f}" for row in rows) + "  (last: estimated)")
    print(f"{'data chi-square':36s}" + "".join(f"{row['chi_square_data']:9.2f}" for row in rows))
    for name in rows[0]["predictions"]:
        print(f"{name:36s}" + "".join(f"{row['predictions'][name] or float('nan'):9.3f}" for row in rows))
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
