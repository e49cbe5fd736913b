"""Printed survival curves read from their pixels and rebuilt, against the drawn trials behind them.

How far off are the hazard ratio (lifelines' Cox model), the median, survival at the times of the risk table and the number of
events, with every column of pixels read or a few points along the curve?
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import lifelines
import numpy as np
import pandas as pd

from kinimmune.fitting.curves.figure import FigureReading, FigureRequest, read_figure
from kinimmune.fitting.curves.rebuild import rebuild

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from printed_curves import Arm, draw_arm, print_curve, read_pixels, write_points, write_risk

MONTHS = np.arange(0.0, 24.0, 3.0)
SHAPES = (1.0, 1.5, 0.8)
"""Of Weibull hazards, in turn; 1 is exponential."""
SCALES = (14.0, 10.0)
"""Of the treated and the control [month]."""
SIZE = 300
EVERY = (1, 20, 40, 60)
"""Of about 1200 points, each so manieth is read."""


def read_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def read_arm(folder: Path, arm: Arm, every: int) -> FigureReading:
    """Return what is read of the picture of an arm."""
    times, values = read_pixels(*print_curve(arm, 24.0))
    chosen = np.argsort(times, kind="stable")[::every]
    points = write_points(folder / "curve.csv", times[chosen], values[chosen])
    risk = write_risk(folder / "risk.csv", arm, MONTHS)
    return read_figure(FigureRequest(points, risk, events=int(arm.event.sum())))


def log_ratio(treated: Arm, control: Arm) -> float:
    """Return ln HR."""
    data = pd.DataFrame(
        {
            "time": np.concatenate([treated.time, control.time]),
            "event": np.concatenate([treated.event, control.event]).astype(int),
            "treated": np.repeat([1, 0], [treated.time.size, control.time.size]),
        }
    )
    return float(lifelines.CoxPHFitter().fit(data, "time", "event").params_.iloc[0])


def describe(trials: list[tuple[Arm, Arm]], readings: list[list[FigureReading]]) -> dict[str, float]:
    """Return root mean squares and largest values of what is off."""
    ratios, medians, scores, events, distances = [], [], [], [], []
    for arms, read in zip(trials, readings, strict=True):
        rebuilt = [rebuild(item.curve, item.risk, item.events) for item in read]
        ratios.append(log_ratio(*rebuilt) - log_ratio(*arms))
        for arm, item, patients in zip(arms, read, rebuilt, strict=True):
            medians.append(item.curve.first_time_at(0.5) / arm.median() - 1.0)
            errors = item.curve.errors_at(MONTHS[1:], item.risk.at_risk[1:])
            scores += ((item.curve.at(MONTHS[1:]) - arm.survival(MONTHS[1:])) / errors).tolist()
            events.append(patients.events - arm.event.sum())
            distances.append(patients.farthest_from(item.curve))
    named = {"ln_hr": ratios, "median": medians, "survival_over_error": scores, "events": events, "from_curve": distances}
    measures = {"rms": lambda values: np.sqrt(np.mean(np.square(values))), "largest": lambda values: np.max(np.abs(values))}
    return {f"{name}_{word}": float(take(values)) for name, values in named.items() for word, take in measures.items()}


def print_row(name: str, found: dict[str, float]) -> None:
    """Print a row of the table."""
    print(f"{name:12}" + "".join(f" {value:27.4f}" for value in found.values()), flush=True)


def main() -> None:
    """Draw, print, read, rebuild and compare."""
    options = read_options()
    trials = []
    for seed in range(options.trials):
        rng = np.random.default_rng(seed)
        trials.append(tuple(draw_arm(rng, SIZE, scale, SHAPES[seed % len(SHAPES)]) for scale in SCALES))
    table: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        readings = [[[read_arm(Path(folder), arm, every) for arm in trial] for trial in trials] for every in EVERY]
    for read in readings:
        table[f"{read[0][0].clicks.time.size} points"] = describe(trials, read)
    print(f"{'':12}" + "".join(f" {name:>27}" for name in next(iter(table.values()))))
    for name, found in table.items():
        print_row(name, found)
    if options.json:
        options.json.write_text(json.dumps(table, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
