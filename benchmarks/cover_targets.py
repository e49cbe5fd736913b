"""Whether 90 % intervals hold the truth, whatever kind of numbers a trial publishes and whether or not the model is right.

Truths are drawn from the priors of `hcc_trial`, or with `--model` and `--data` of another, such as `four_arms/saturable.py` with
the toy of two trials in `benchmarks/two_trials`; the two trials are drawn at each patient by patient, published and fitted:

- `--kind statistics`: medians of OS and TTP, hazard ratios, survival at 6 and 12 months, response and control rates, deaths;
- `--kind curves`: curves of OS and TTP read with an error of .005 at three-monthly risk tables;
- `--kind patients`: patients one by one.

`--generator frailty`, `shift` and `lesions` draw them by models that are not the one fitted (`target_coverage/generators.py`).

Counted are: of each parameter, whether its truth lies within 1.645 standard errors by the curvature, and with `--profiles`
whether the sum of squares rises by at most 2.71 where it is held at its truth; of hazard ratios, and of the smaller study's
treated arm predicted without having been seen, whether the truth lies within 1.645 standard errors.  A wrong generator has no
true parameters.
Shares are pooled, with an interval that takes trials as the units.

`--trials 5:10` does some; results go to the file of `-o`, a line a trial, and what is there is not done again.  Several files
together: `--table A B`.  `--table A --against C` also tells how the standard errors of A compare with those of C, trials of one
truth side by side.

`python benchmarks/cover_targets.py --kind curves --trials 0:5 --patients 64 -o curves.jsonl`
"""

import argparse
import json
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from target_coverage.fitting import find_truth, fit_drawn, measure_deviances, predict_left_out, predict_ratios
from target_coverage.generators import GENERATORS, draw_truth, simulate_trials
from target_coverage.publishing import PUBLISH, Published

from kinimmune.fitting.problem.problem import FitProblem, build_problem
from kinimmune.models.arrays import NORMAL_95, Array
from kinimmune.models.errors import DataError, KinimmuneError
from kinimmune.models.model_file import open_model
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import ErrorRule

NORMAL_90 = 1.6448536269514722
THRESHOLD = 2.71
"""90 % quantile of chi-square with one degree of freedom."""
STREAM = 41
ATTEMPTS = 100
"""Truths tried for one trial: of some a median is not reached."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """What is to be tried."""

    kind: str
    generator: str
    errors: ErrorRule | None
    correlated: bool
    profiles: bool


def draw(problem: FitProblem, asked: Asked, index: int) -> tuple[Array, Published, int]:
    """Return a truth, what its trial published, and how many truths had a trial that lacked some number."""
    for attempt in range(ATTEMPTS):
        seed = [STREAM, index, attempt]
        truth = draw_truth(problem, np.random.default_rng(seed))
        drawn = simulate_trials(problem, truth, asked.generator, seed)
        published = PUBLISH[asked.kind](problem, drawn, asked.errors, np.random.default_rng([*seed, 5]))
        if published is not None:
            return truth, published, attempt
    raise SystemExit(f"trial {index}: in {ATTEMPTS} truths some number was none")


def cover(problem: FitProblem, asked: Asked, index: int) -> Row:
    """Draw, publish and fit one trial, and tell how far the truth lies from what was found."""
    began = time.monotonic()
    truth, published, redraws = draw(problem, asked, index)
    row: Row = {"index": index, "redraws": redraws, "truth": truth.tolist()}
    row["names"] = [item.key for item in problem.estimated]
    try:
        fit = fit_drawn(problem, published or (), index, correlated=asked.correlated)
    except DataError as error:
        return {**row, "refused": str(error), "seconds": {"all": time.monotonic() - began}}
    true = find_truth(problem, truth, asked.generator, [STREAM, index])
    values, errors, covariance = predict_ratios(fit)
    left, left_errors = predict_left_out(fit)
    right = asked.generator == "model"
    deviances = measure_deviances(fit, truth, covariance) if right and asked.profiles else None
    return {
        **row,
        "estimate": list(fit.found.z),
        "error": np.sqrt(np.diag(covariance)).tolist(),
        "deviance": deviances,
        "cost": fit.found.chi_square,
        "converged": fit.found.converged,
        "condition": fit.condition,
        "ratios": {name: [true[name], values[name], errors[name]] for name in values},
        "left_out": {name: [true[name], left[name], left_errors[name]] for name in left},
        "seconds": {**fit.seconds, "all": time.monotonic() - began},
    }


def pool(inside: Sequence[Sequence[bool]]) -> str:
    """Return a share pooled over trials, with a 95 % interval that takes trials as the units."""
    by_trial = np.array([np.mean(row) for row in inside if len(row)])
    hits, n = sum(sum(row) for row in inside), sum(len(row) for row in inside)
    half = NORMAL_95 * float(by_trial.std(ddof=1)) / math.sqrt(by_trial.size) if by_trial.size > 1 else math.nan
    return f"{hits}/{n} = {100.0 * hits / max(n, 1):.1f} % ({100.0 * half:.1f} either way, by trial)"


def print_table(rows: Sequence[Row], *, right: bool) -> None:
    """Print coverage of parameters, hazard ratios and the arm left out, pooled and one by one."""
    done = [row for row in rows if "refused" not in row]
    converged = sum(row["converged"] for row in done)
    redraws = sum(row["redraws"] for row in rows)
    print(f"{len(rows)} trials: {len(rows) - len(done)} refused, {converged} converged, {redraws} truths drawn again")
    if not done:
        return
    if right:
        print_parameters(done)
    for title in ("ratios", "left_out"):
        print_predictions(title.replace("_", " "), [row[title] for row in done])
    seconds = np.array([row["seconds"]["all"] for row in done])
    condition = np.array([row["condition"] for row in done])
    print(f"condition numbers {np.quantile(condition, 0.5):.1f} (median), {condition.max():.1f} (largest)")
    print(f"{seconds.mean():.0f} s a trial; {describe_seconds(done)}")


def describe_seconds(rows: Sequence[Row]) -> str:
    """Return the mean time of each stage."""
    stages = dict.fromkeys(name for row in rows for name in row["seconds"] if name != "all")
    return ", ".join(f"{name} {np.mean([row['seconds'].get(name, 0.0) for row in rows]):.0f} s" for name in stages)


def print_parameters(rows: Sequence[Row]) -> None:
    """Print coverage of each parameter by the curvature and by profiles, and mean and sd of (estimate - truth)/se."""
    away = np.array([np.subtract(row["estimate"], row["truth"]) / row["error"] for row in rows])
    inside = np.abs(away) <= NORMAL_90
    profiled = [row for row in rows if row["deviance"] is not None]
    held = np.array([row["deviance"] for row in profiled]).reshape(len(profiled), away.shape[1]) <= THRESHOLD
    errors = np.array([row["error"] for row in rows])
    print(f"\n{'parameter':30s} curvature  profile   mean z   sd z   posterior sd / prior sd")
    for i, name in enumerate(rows[0]["names"]):
        spread = float(away[:, i].std(ddof=1)) if len(rows) > 1 else math.nan
        counts = f"{inside[:, i].sum():3d}/{len(rows):<3d}   {held[:, i].sum():3d}/{len(profiled):<3d}"
        print(f"{name:30s} {counts} {away[:, i].mean():7.2f} {spread:6.2f} {errors[:, i].mean():10.2f}")
    print(f"{'pooled, curvature':30s} {pool(inside.tolist())}; mean z {away.mean():.2f}, sd z {away.std():.2f}")
    if profiled:
        print(f"{'pooled, profile':30s} {pool(held.tolist())}")


def print_predictions(title: str, rows: Sequence[dict[str, list[float]]]) -> None:
    """Print coverage of predictions, each [true, predicted, standard error]; what is none in a trial is left out."""
    known = [{name: item for name, item in row.items() if np.all(np.isfinite(item))} for row in rows]
    print(f"\n{title:40s} covered   mean z   sd z   mean se")
    for name in rows[0]:
        items = np.array([row[name] for row in known if name in row])
        if len(items) < 2:
            continue
        away = (items[:, 1] - items[:, 0]) / items[:, 2]
        hits = int((np.abs(away) <= NORMAL_90).sum())
        print(f"{name:40s} {hits:3d}/{len(items):<3d} {away.mean():8.2f} {away.std(ddof=1):6.2f} {items[:, 2].mean():8.3f}")
    inside = [[abs(item[1] - item[0]) <= NORMAL_90 * item[2] for item in row.values()] for row in known]
    print(f"{'pooled':40s} {pool(inside)}")


def read_rows(paths: Iterable[Path]) -> tuple[list[Row], dict[str, Any] | None]:
    """Return the trials of some files, each once, and what was asked for; lines that were cut off are left out."""
    rows: dict[int, Row] = {}
    asked = None
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue
            if asked is not None and row["asked"] != asked:
                raise SystemExit(f"{path} holds trials of {row['asked']}, not of {asked}; take another file")
            asked = row["asked"]
            rows[row["index"]] = row
    return [rows[index] for index in sorted(rows)], asked


def print_ratios(rows: Sequence[Row], others: Sequence[Row]) -> None:
    """Print standard errors of parameters over those of the same trials published otherwise: mean of the logarithm, and range."""
    known = {json.dumps(row["truth"]): row for row in others if "error" in row}
    pairs = [(row, known[json.dumps(row["truth"])]) for row in rows if "error" in row and json.dumps(row["truth"]) in known]
    if not pairs:
        print("no trial is in both")
        return
    ratios = np.array([np.divide(row["error"], other["error"]) for row, other in pairs])
    print(f"\n{'standard error over the other':30s} mean   smallest  largest, of {len(pairs)} trials")
    for i, name in enumerate(pairs[0][0]["names"]):
        column = ratios[:, i]
        print(f"{name:30s} {math.exp(np.log(column).mean()):5.2f} {column.min():9.2f} {column.max():9.2f}")


def run(given: argparse.Namespace) -> None:
    """Do the trials that are missing."""
    errors = None if given.errors == "as printed" else ErrorRule(given.errors)
    asked = Asked(given.kind, given.generator, errors, not given.no_correlations, given.profiles)
    told = {name: str(value) for name, value in vars(asked).items()} | {
        "model": str(given.model),
        "patients": str(given.patients),
    }
    rows, before = read_rows([given.output])
    if before not in (None, told):
        raise SystemExit(f"{given.output} holds trials of {before}, not of {told}; take another file")
    known = {row["index"] for row in rows}
    first, _, last = given.trials.partition(":")
    name, tables = open_model(given.model, Tables(given.data))
    problem = replace(build_problem(name, tables, patients=given.patients, seed=1), jobs=given.jobs)
    for index in range(int(first), int(last or int(first) + 1)):
        if index in known:
            continue
        try:
            row = cover(problem, asked, index)
        except KinimmuneError as error:
            row = {"index": index, "redraws": 0, "refused": f"failed: {error}", "seconds": {"all": 0.0}}
        with given.output.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**row, "asked": told}) + "\n")
        print(f"trial {index}: {row.get('refused') or describe_seconds([row])}", flush=True)


def main() -> None:
    """Do some trials, and print what the file holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="hcc_trial", help="a name, or a Python file, which is run")
    parser.add_argument("--data", type=Path, help="tables that replace the package's")
    parser.add_argument("--kind", choices=sorted(PUBLISH), default="statistics")
    parser.add_argument("--generator", choices=sorted(GENERATORS), default="model")
    parser.add_argument("--errors", choices=["as printed", *map(str, ErrorRule)], default="as printed")
    parser.add_argument("--no-correlations", action="store_true", help="fit numbers that share patients as independent")
    parser.add_argument("--profiles", action="store_true", help="likelihood-ratio intervals of parameters too")
    parser.add_argument("--trials", default="0:5", help="FIRST:LAST, LAST not done")
    parser.add_argument("--patients", type=int, default=64)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--table", type=Path, nargs="+", help="print what some files hold together, and do nothing")
    parser.add_argument("--against", type=Path, nargs="+", help="compare standard errors with those of these files")
    given = parser.parse_args()
    if given.table is None:
        if given.output is None:
            parser.error("give a file with -o")
        run(given)
    rows, asked = read_rows(given.table or [given.output])
    print(asked)
    print_table(rows, right=asked is not None and asked["generator"] == "model")
    if given.against is not None:
        print_ratios(rows, read_rows(given.against)[0])


if __name__ == "__main__":
    main()
