"""Whether the intervals of `kinimmune predict` hold what a new trial reports, and how often its trials succeed.

A truth is drawn from the priors, both trials of a toy are drawn at it patient by patient (`target_coverage`), published and
fitted; from the normal approximation at the optimum the same trials are predicted; then they are drawn once more at the same
truth, as new trials, and compared with the 95 % intervals for one trial.  The assurance is compared with the share of new trials
that have a two-sided log-rank p below .05 and a ratio below 1.

`--generator frailty`, `shift` and `lesions` draw patients by models that are not the one fitted.  Results go to the file of `-o`,
a line a trial; what is there is not done again.

`python benchmarks/cover_predictions.py --trials 0:200 -o predictions.jsonl`
"""

import argparse
import json
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from cover_targets import Asked, draw, pool, read_rows
from lifelines.statistics import logrank_test
from target_coverage.fitting import DrawnFit, fit_drawn, predict_ratios
from target_coverage.generators import GENERATORS, simulate_trials
from target_coverage.publishing import PUBLISH, Drawn

from kinimmune.fitting.prediction.plan import Virtual, plan_prediction
from kinimmune.fitting.prediction.predict import predict_plan
from kinimmune.fitting.prediction.request import PredictionRequest
from kinimmune.fitting.prediction.results import NumberRow, PredictionResult
from kinimmune.fitting.prediction.source import ParameterSource
from kinimmune.fitting.problem.posterior_draws import GAUSSIAN
from kinimmune.fitting.problem.problem import FitProblem, build_problem
from kinimmune.fitting.problem.targets import Statistic
from kinimmune.fitting.sampling.posterior import draw_normal
from kinimmune.fitting.sampling.surrogate import NormalApproximation
from kinimmune.fitting.settings import ProblemOptions
from kinimmune.models.errors import KinimmuneError
from kinimmune.models.model_file import open_model
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.observed import cox_ratio

TOY, MODEL = Path(__file__).parent / "two_trials", Path(__file__).parent / "four_arms" / "saturable.py"
NEW = 43
"""What sets the seed of the new trials apart."""
MONTHS = {(None, None), ("os", None), ("ttp", None), ("os", 6.0), ("os", 12.0), ("ttp", 6.0)}
"""Endpoints and months of the numbers that are compared; later almost nobody is at risk."""
Row = dict[str, Any]


def predict_fit(fit: DrawnFit, tables: Tables, draws: int, seed: int) -> PredictionResult:
    """Return the prediction of the trials that were fitted, from the normal approximation at the optimum."""
    problem, covariance = fit.problem, predict_ratios(fit)[2]
    normal = NormalApproximation(np.array(fit.found.z), covariance)
    source = ParameterSource(
        model=problem.simulator.model,
        tables=tables,
        basis=GAUSSIAN,
        note="",
        parameters=problem.parameters,
        names=tuple(item.key for item in problem.estimated),
        draws=draw_normal(normal, problem.estimated, draws, seed),
        effective=None,
        studies=frozenset(trial.study for trial in problem.trials),
        covariance=None,
    )
    virtual = Virtual(ProblemOptions(patients=problem.population.patients), 1, problem.jobs)
    return predict_plan(plan_prediction(source, PredictionRequest(draws=draws), virtual, None, seed), seed, _ignore)


def compare(result: PredictionResult, drawn: Drawn) -> tuple[dict[str, bool], dict[str, list[float]]]:
    """Return which numbers of new trials lie in the intervals for one trial, and of each ratio the assurance and the success."""
    inside: dict[str, bool] = {}
    for row in result.numbers:
        if (row.endpoint, row.month) not in MONTHS or (row.trial_lower is None and row.trial_upper is None):
            continue
        value = _print(drawn, row)
        high = math.inf if row.trial_upper is None else row.trial_upper
        name = ":".join(str(item) for item in (row.statistic, row.study, row.arm, row.endpoint, row.month) if item is not None)
        inside[name] = (row.trial_lower or 0.0) <= value <= high
    won: dict[str, list[float]] = {}
    for ratio in result.ratios:
        if ratio.endpoint == "pfs" or ratio.assurance is None or ratio.trial_lower is None or ratio.trial_upper is None:
            continue
        name = f"{ratio.study}:{ratio.endpoint}"
        arms = [drawn[ratio.study][arm].observe(Endpoint(ratio.endpoint)) for arm in (ratio.arm, ratio.reference_arm)]
        value = math.exp(cox_ratio(*arms).log_ratio)
        inside[f"hazard_ratio:{name}"] = ratio.trial_lower <= value <= ratio.trial_upper
        test = logrank_test(arms[0][0], arms[1][0], arms[0][1], arms[1][1])
        won[name] = [ratio.assurance, float(test.p_value < result.alpha and value < 1.0)]
    return inside, won


def _print(drawn: Drawn, row: NumberRow) -> float:
    """Return what a new trial reports; infinite for a median that it does not reach."""
    arm = drawn[row.study][row.arm]
    if row.statistic == Statistic.RESPONSE_RATE:
        return float(arm.responded.mean())
    if row.endpoint is None:
        return float((np.minimum(arm.death, arm.progression) > arm.trial.scan_interval).mean())
    endpoint = Endpoint(row.endpoint)
    if row.statistic == Statistic.MEDIAN:
        return arm.estimate(endpoint).median() / DAYS_PER_MONTH
    if row.month is not None:
        return float(arm.estimate(endpoint).at(np.array([row.month * DAYS_PER_MONTH]))[0])
    return float(arm.observe(endpoint)[1].sum())


def cover(problem: FitProblem, tables: Tables, asked: Asked, index: int, draws: int) -> Row:
    """Draw, fit and predict one pair of trials, and compare a new pair."""
    began = time.monotonic()
    truth, published, redraws = draw(problem, asked, index)
    fit = fit_drawn(problem, published or (), index, correlated=asked.correlated)
    result = predict_fit(fit, tables, draws, index)
    again = simulate_trials(problem, truth, asked.generator, [NEW, index])
    inside, won = compare(result, again)
    return {"index": index, "redraws": redraws, "inside": inside, "won": won, "seconds": time.monotonic() - began}


def print_table(rows: Sequence[Row]) -> None:
    """Print coverage by number and pooled, and assurance beside the share of successes."""
    done = [row for row in rows if "inside" in row]
    names = list(dict.fromkeys(name for row in done for name in row["inside"]))
    print(f"{len(rows)} pairs of trials, {len(rows) - len(done)} failed\n{'number of a new trial':45s} inside 95 %")
    for name in names:
        found = [row["inside"][name] for row in done if name in row["inside"]]
        print(f"{name:45s} {sum(found):4d}/{len(found):<4d}")
    print(f"{'pooled':45s} {pool([list(row['inside'].values()) for row in done])}")
    print(f"\n{'':45s} mean assurance   share of successes")
    for name in dict.fromkeys(name for row in done for name in row["won"]):
        chance, success = np.array([row["won"][name] for row in done if name in row["won"]]).T
        error = math.sqrt(float((chance * (1.0 - chance)).sum())) / chance.size
        print(f"{name:45s} {chance.mean():14.3f} {success.mean():20.3f}   (standard error {error:.3f} were the assurance true)")


def _ignore(_: str) -> None:
    """Say nothing."""


def run(given: argparse.Namespace) -> None:
    """Do the trials that are missing."""
    asked = Asked(given.kind, given.generator, None, correlated=True, profiles=False)
    told = {name: str(getattr(given, name)) for name in ("model", "kind", "generator", "patients", "draws")}
    rows, before = read_rows([given.output])
    if before not in (None, told):
        raise SystemExit(f"{given.output} holds trials of {before}, not of {told}; take another file")
    known = {row["index"] for row in rows}
    name, tables = open_model(given.model, Tables(given.data))
    problem = replace(build_problem(name, tables, patients=given.patients, seed=1), jobs=given.jobs)
    first, _, last = given.trials.partition(":")
    for index in range(int(first), int(last or int(first) + 1)):
        if index in known:
            continue
        try:
            row = cover(problem, tables, asked, index, given.draws)
        except KinimmuneError as error:
            row = {"index": index, "failed": str(error)}
        with given.output.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**row, "asked": told}) + "\n")


def main() -> None:
    """Do the trials that are missing, and print what the file holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=str(MODEL), help="a name, or a Python file, which is run")
    parser.add_argument("--data", type=Path, default=TOY, help="tables that replace the package's")
    parser.add_argument("--kind", choices=sorted(PUBLISH), default="patients")
    parser.add_argument("--generator", choices=sorted(GENERATORS), default="model")
    parser.add_argument("--trials", default="0:5", help="FIRST:LAST, LAST not done")
    parser.add_argument("--patients", type=int, default=64)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    run(given)
    print_table(read_rows([given.output])[0])


if __name__ == "__main__":
    main()
