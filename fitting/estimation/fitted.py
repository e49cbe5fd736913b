"""The finished fit of a run, read back: what profiles, samples and sensitivity studies begin with.

Start with `read_fitted`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kinimmune.fitting.estimation.results import FitResult, from_json
from kinimmune.fitting.estimation.run_files import FIT
from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.first_format import recognise
from kinimmune.fitting.problem.problem import FitProblem
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem, open_tables
from kinimmune.fitting.runs.provenance import changed_tables
from kinimmune.fitting.runs.run import Run
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError


@dataclass(frozen=True)
class Fitted:
    """A fit that is done."""

    run: Run
    """The run, with what is known of its tables."""
    settings: ProblemSettings
    folder: str | None
    """Tables that replaced the package's."""
    result: FitResult
    point: Array
    """Standard scores of the estimates in the order of `FitProblem.free`, shape (n_free,)."""


def read_fitted(run: Run) -> Fitted:
    """Return the fit a run holds.

    Whether the fit is done is told by its results, which are written last: the status of a run also speaks of work begun later.

    Raises
    ------
    DataError
        when the run holds no finished fit, when its files cannot be read or do not belong together, or when tables have changed
    """
    if not (run.path / FIT).is_file():
        raise DataError(
            f"run '{run.path}' holds no finished fit (it is '{run.record.status}'); "
            f"go on with it first: kinimmune fit {run.record.model} -o {run.path} --resume"
        )
    result = from_json(FitResult, run.read(FIT), run.path / FIT)
    top = _read_configuration(run)
    folder = _text(run, top, "data")
    run = _require_same_tables(run, folder)
    settings = _settings(run, top, run.record.digest)
    if (settings.model, settings.patients, settings.seed) != (result.model, result.patients, result.seed):
        raise DataError(f"{run.settings_file} and {run.path / FIT} are not of one fit; fit again with --resume")
    problem = open_problem(settings, folder)
    return Fitted(run, settings, folder, result, _point(run, result, problem))


def _read_configuration(run: Run) -> dict[str, Any]:
    try:
        return tomllib.loads(run.read(run.settings_file.name))
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{run.settings_file} is no TOML: {error}; fit again with --force") from error


def _require_same_tables(run: Run, folder: str | None) -> Run:
    if folder is not None and not Path(folder).is_dir():
        raise DataError(f"the tables of run '{run.path}' lay in {folder}, which is gone; restore them, or fit again with --force")
    tables = open_tables(folder)
    known = recognise(run, tables)
    if known.record.digest != digest_inputs(run.record.model, tables):
        changed = ", ".join(changed_tables(run.record.inputs, tables.folder)) or "the model's equations"
        raise DataError(f"changed since run '{run.path}' was fitted: {changed}; restore them, or fit again with --resume")
    return known


def _settings(run: Run, top: Mapping[str, Any], tables: str) -> ProblemSettings:
    fit = top.get("fit")
    if not isinstance(fit, Mapping):
        raise DataError(f"{run.settings_file} has no table [fit]; fit again with --force")
    return ProblemSettings(
        model=run.record.model,
        tables=tables,
        patients=_whole(run, fit, "patients"),
        seed=_whole(run, top, "seed"),
        stop_rule=_text(run, fit, "stop_rule"),
        integrator=_text(run, fit, "integrator") or "kernel",
    )


def _whole(run: Run, table: Mapping[str, Any], key: str) -> int:
    value = table.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise DataError(f"{run.settings_file}, key '{key}': '{value}' is no whole number; fit again with --force")
    return value


def _text(run: Run, table: Mapping[str, Any], key: str) -> str | None:
    value = table.get(key)
    if value is not None and not isinstance(value, str):
        raise DataError(f"{run.settings_file}, key '{key}': '{value}' is no text; fit again with --force")
    return value


def _point(run: Run, result: FitResult, problem: FitProblem) -> Array:
    values = {row.name: row.value for row in result.parameters}
    if set(values) != {item.key for item in problem.free}:
        raise DataError(f"{run.path / FIT} estimates other parameters than the tables name; fit again with --resume")
    return np.array([item.prior.standardise(values[item.key]) for item in problem.free])
