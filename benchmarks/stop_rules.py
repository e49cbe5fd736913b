"""The fit under each rule by which treatment may have stopped: fit, hazard ratios and transport, each refitted."""

import argparse
import json
from pathlib import Path

import numpy as np

from kinimmune.fitting.estimation.optimise import optimise
from kinimmune.fitting.estimation.stop_rules import COMPARED
from kinimmune.fitting.estimation.summary import transport
from kinimmune.fitting.problem.predictions import predictions
from kinimmune.fitting.problem.problem import build_problem, predict, widen
from kinimmune.fitting.problem.read_targets import read_targets
from kinimmune.fitting.problem.residuals import residuals
from kinimmune.models.tables.rows import Tables


def read_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=512)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def main() -> None:
    """Refit under each rule and print the table."""
    given = read_options()
    rows = []
    for rule in COMPARED:
        problem = build_problem("hcc_trial", Tables(), patients=given.patients, seed=given.seed, jobs=given.jobs, stop_rule=rule)
        found = optimise(problem, np.zeros(len(problem.estimated)), lambda _: None)
        point = np.array(found.z)
        wide = widen(problem)
        outcomes = predict(wide, [point])[0]
        data = residuals(wide, outcomes, point)[: 2 * len(problem.targets)]
        carried = {row.endpoint: (row.predicted, row.residual) for row in transport(problem, point, read_targets(), optimise)[0]}
        row = {"rule": str(rule), "converged": found.converged, "cost": found.chi_square, "chi_square_data": float(data @ data)}
        rows.append(row | {"predictions": predictions(wide, outcomes), "transport": carried, "values": problem.values(point)})
        print(f"{rule}: cost {found.chi_square:.2f}, converged {found.converged}", flush=True)
    print(f"\n{given.patients} patients, seed {given.seed}; medians in months")
    print(f"{'':40s}" + "".join(f"{row['rule']:>30s}" for row in rows))
    print(f"{'data chi-square':40s}" + "".join(f"{row['chi_square_data']:30.2f}" for row in rows))
    for name in rows[0]["predictions"]:
        print(f"{name:40s}" + "".join(f"{row['predictions'][name] or float('nan'):30.3f}" for row in rows))
    for endpoint in rows[0]["transport"]:
        cells = [
            f"{row['transport'][endpoint][0] or float('nan'):.2f} (residual {row['transport'][endpoint][1]:.2f})" for row in rows
        ]
        print(f"{'transport ' + endpoint:40s}" + "".join(f"{cell:>30s}" for cell in cells))
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
