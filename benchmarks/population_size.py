"""How far predictions scatter over sets of virtual patients of several sizes: integration alone, at one fitted point."""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from kinimmune.fitting.estimation.optimise import optimise
from kinimmune.fitting.problem.predictions import predictions
from kinimmune.fitting.problem.problem import build_problem, predict, widen
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.population import draw_population


def read_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, nargs="+", default=[256, 512, 1024, 2048, 4096])
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--fit-patients", type=int, default=256, help="of the fit that gives the point")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def main() -> None:
    """Print the standard deviation of each prediction over seeds."""
    given = read_options()
    fitted = build_problem("hcc_trial", Tables(), patients=given.fit_patients, seed=1, jobs=given.jobs)
    point = np.array(optimise(fitted, np.zeros(len(fitted.estimated)), lambda _: None).z)
    problem = widen(fitted)
    smooth = [name for name in predictions(problem, predict(problem, [point])[0]) if not name.endswith("ttp") or "ratio" in name]
    rows = []
    print(f"standard deviation over {given.seeds} seeds (hazard ratios; medians of OS in months)")
    print(
        "patients  "
        + "  ".join(f"{name.removeprefix('hazard_').removeprefix('median:'):>26s}" for name in smooth)
        + "   s per trial"
    )
    for patients in given.patients:
        began = time.perf_counter()
        found = []
        for seed in range(100, 100 + given.seeds):
            people = replace(problem, population=draw_population(problem.parameters, patients, seed))
            named = predictions(people, predict(people, [point])[0])
            found.append([named[name] for name in smooth])
        seconds = (time.perf_counter() - began) / given.seeds
        scatter = np.std(np.array(found, dtype=float), axis=0, ddof=1)
        rows.append({"patients": patients, "sd": dict(zip(smooth, map(float, scatter), strict=True)), "seconds": seconds})
        print(f"{patients:8d}  " + "  ".join(f"{value:26.4f}" for value in scatter) + f"   {seconds:8.2f}", flush=True)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
