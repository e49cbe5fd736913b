"""Results in a run folder: JSON that reads back exactly, and CSV for every other program.

Start with `write_results` and `read_results`.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from kinimmune.fitting.claims.results import ClaimRecord, records_from_json, to_plain
from kinimmune.fitting.estimation.results import FIT_JSON, FitResult
from kinimmune.fitting.estimation.trial_results import TRIAL_JSON, TrialResult
from kinimmune.fitting.estimation.whitening import Whitening
from kinimmune.fitting.runs.checksums import CHECKSUMS
from kinimmune.fitting.runs.run import Run

FIT, TRIAL, CLAIMS = "results/fit.json", "results/trial.json", "results/claims.json"
_LONG = ("months", "survival")
"""Columns of a curve that hold a sequence; they become one row per element."""


def write_results(run: Run, fit: FitResult, trial: TrialResult) -> None:
    """Write `results/` of a run; `fit.json` comes last and tells that all is there."""
    run.write(TRIAL, TRIAL_JSON.dump(trial))
    kinds = [("target", fit.targets), ("unfitted", fit.unfitted), ("transport", fit.transport)]
    kinds += [] if fit.companion is None else [("companion", fit.companion.ratios)]
    comparisons = [{"kind": kind, **asdict(row)} for kind, rows in kinds for row in rows]
    run.write("results/comparisons.csv", _table(comparisons))
    run.write("results/parameters.csv", _table([asdict(row) for row in fit.parameters]))
    run.write("results/curves.csv", _table([row for curve in fit.curves for row in _lengthen(asdict(curve))]))
    if fit.whitening is not None:
        run.write("results/correlations.csv", _table(_list_correlations(fit.whitening)))
    run.write(FIT, FIT_JSON.dump(fit))


def remove_results(run: Run) -> None:
    """Remove the results of a run, of the fit and of what was built on it; finished tasks stay, for where they still hold."""
    folder = run.path / "results"
    for path in (*folder.glob("[!.]*"), folder / CHECKSUMS):
        if path.is_file():
            path.unlink()


def read_results(run: Run) -> tuple[FitResult, TrialResult]:
    """Return what a fit found and its virtual trial.

    Raises
    ------
    DataError
        when a file is missing or cannot be read; the message names it
    """
    fit = FIT_JSON.load(run.read(FIT), run.path / FIT)
    return fit, TRIAL_JSON.load(run.read(TRIAL), run.path / TRIAL)


def write_claims(run: Run, claims: Iterable[ClaimRecord]) -> None:
    """Write what became of the claims about a run's model."""
    run.write(CLAIMS, json.dumps(to_plain(claims), indent=1, allow_nan=False))


def read_tested_claims(run: Run) -> tuple[ClaimRecord, ...]:
    """Return the claims last tested in a run, none when they never were.

    Raises
    ------
    DataError
        when the file cannot be read
    """
    return records_from_json(run.read(CLAIMS), run.path / CLAIMS) if (run.path / CLAIMS).is_file() else ()


def _list_correlations(whitening: Whitening) -> list[dict[str, object]]:
    """Return one row a pair of residuals of a study; intervals of curves and patients count from 1."""
    return [
        {
            "study": item.block.study,
            "target": one[0],
            "interval": one[1] + 1,
            "other": other[0],
            "other_interval": other[1] + 1,
            "correlation": float(item.block.matrix[row, column]),
        }
        for item in whitening.blocks
        for row, one in enumerate(item.block.rows)
        for column, other in enumerate(item.block.rows[:row])
    ]


def _lengthen(row: dict[str, object]) -> Iterable[dict[str, object]]:
    sequences = [value for name in _LONG if isinstance(value := row[name], Sequence)]
    fixed = {name: value for name, value in row.items() if name not in _LONG}
    for values in zip(*sequences, strict=True):
        yield {**fixed, **dict(zip(_LONG, values, strict=True))}


def _table(rows: Sequence[dict[str, object]]) -> str:
    """Return rows as CSV; a value that does not exist is an empty cell."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
