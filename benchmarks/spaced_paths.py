"""What it costs in accuracy that some paths after treatment stand for others, over draws from the priors, and what it saves.

Run `python benchmarks/spaced_paths.py [--patients 64] [--draws 50]`.  It prints the largest and the middle difference of every
hazard ratio [1] and median [month] of `hcc_trial` between virtual trials with paths from some scans and from every scan.  Medians
beyond the horizon, where curves end, are left out; medians of progression are dates of scans and move by whole intervals.
"""

import argparse
import math
import time
from dataclasses import replace

import numpy as np

from kinimmune.fitting.problem.predictions import predictions
from kinimmune.fitting.problem.problem import build_problem, predict
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.tables.rows import Tables


def main() -> None:
    """Parse the command line and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patients", type=int, default=64)
    parser.add_argument("--draws", type=int, default=50)
    options = parser.parse_args()
    problem = build_problem("hcc_trial", Tables(), patients=options.patients, seed=1)
    points = list(np.random.default_rng(5).standard_normal((options.draws, len(problem.estimated))))
    found, seconds = {}, {}
    for every in (True, False):
        posed = replace(problem, simulator=replace(problem.simulator, every_scan=every))
        predict(posed, points[:1])
        begin = time.process_time()
        found[every] = [predictions(posed, outcomes) for outcomes in predict(posed, points)]
        seconds[every] = time.process_time() - begin
    horizon = problem.simulator.horizon / DAYS_PER_MONTH
    for name in found[True][0]:
        pairs = [(one[name], other[name]) for one, other in zip(found[True], found[False], strict=True)]
        away = [abs(one - other) for one, other in pairs if (one or math.inf) < horizon and other is not None]
        print(f"{name:36s} {len(away):4d} draws   largest {max(away):8.5f}   middle {np.median(away):8.5f}")
    print(f"processor time: {seconds[False] / seconds[True]:.2f} of that with every scan")


if __name__ == "__main__":
    main()
