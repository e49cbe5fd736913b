"""The finished fit of a run, read back: what profiles, samples and sensitivity studies begin with.

Start with `read_fitted`.
"""

from dataclasses import dataclass, replace

import numpy as np

from kinimmune.fitting.configuration import read_run_settings
from kinimmune.fitting.estimation.results import FIT_JSON, FitResult
from kinimmune.fitting.estimation.run_files import FIT
from kinimmune.fitting.problem.correlation import find_correlated_studies
from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.first_format import recognise
from kinimmune.fitting.problem.fittable import choose_changes
from kinimmune.fitting.problem.problem import FitProblem
from kinimmune.fitting.problem.settings import ProblemSettings, describe_problem, open_problem
from kinimmune.fitting.runs.provenance import changed_tables
from kinimmune.fitting.runs.run import Run
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError
from kinimmune.models.tables.rows import Tables


@dataclass(frozen=True)
class Fitted:
    """A fit that is done."""

    run: Run
    """The run, with what is known of its tables."""
    settings: ProblemSettings
    folder: str | None
    """Tables that replaced the package's."""
    result: FitResult
    z: Array
    """z-scores of the estimates in the order of `FitProblem.estimated`, shape (n_estimated,)."""

    def with_patients(self, patients: int | None) -> "Fitted":
        """Return the fit with another number of virtual patients for what follows; None leaves it as it is."""
        return replace(self, settings=self.settings.with_patients(patients))


def read_fitted(run: Run) -> Fitted:
    """Return the fit a run holds.

    Whether the fit is done is told by its results, which are written last: the status of a run also speaks of work begun later.

    Raises
    ------
    UsageError
        when the model of the run cannot be fitted
    DataError
        when the run holds no finished fit, when its files cannot be read or do not belong together, or when tables have changed
    """
    if not (run.path / FIT).is_file():
        _require_fittable(run)
        raise DataError(
            f"run '{run.path}' holds no finished fit (it is '{run.record.status}'); "
            f"go on with it first: kinimmune fit {run.record.model} -o {run.path} --resume"
        )
    result = FIT_JSON.load(run.read(FIT), run.path / FIT)
    settings = read_run_settings(run)
    if "fit" not in settings.model_fields_set:
        raise DataError(f"{run.settings_file} has no table [fit]; fit again with --force")
    tables = Tables(settings.data)
    run = _require_same_tables(run, tables)
    changes = choose_changes(run.record.model, tables, settings.fit)
    problem = describe_problem(run.record.model, tables, settings.seed, settings.fit, changes)
    if result.whitening is not None:
        problem = problem.with_correlations(result.whitening.correlations)
    opened = open_problem(problem, settings.folder)
    if not _is_fit_of(result, problem, opened) or not _has_its_correlations(result, opened, wanted=settings.fit.correlations):
        raise DataError(f"{run.settings_file} and {run.path / FIT} are not of one fit; fit again with --resume")
    return Fitted(run, problem, settings.folder, result, _estimated_z(run, result, opened))


def _is_fit_of(result: FitResult, settings: ProblemSettings, problem: FitProblem) -> bool:
    """Return whether a result is of what the settings describe and the problem they open, stop rules included."""
    rules = {study: str(rule) for study, rule in problem.rules.items()}
    told = [(change.key, str(change), change.value, change.start) for change in problem.changes]
    said = [(row.name, row.changed, row.value, row.start) for row in result.changes]
    found = (settings.model, settings.patients, settings.seed, rules, told)
    return found == (result.model, result.patients, result.seed, result.stop_rules, said)


def _has_its_correlations(result: FitResult, problem: FitProblem, *, wanted: bool) -> bool:
    """Return whether a result holds the correlations that its targets and settings call for, as they were found."""
    if not wanted or not find_correlated_studies(problem.targets, problem.trials):
        return result.whitening is None
    return result.whitening is not None and result.whitening.is_whole


def _require_fittable(run: Run) -> None:
    """Raise a `UsageError` where the run, such as one of studies alone, is of a model that cannot be fitted."""
    if run.settings_file.is_file():
        settings = read_run_settings(run)
        choose_changes(run.record.model, Tables(settings.data), settings.fit)


def _require_same_tables(run: Run, tables: Tables) -> Run:
    """Return the run with what is known of its tables, or raise when they are not those of the fit any more."""
    folder = tables.folder
    if folder is not None and not folder.is_dir():
        raise DataError(f"the tables of run '{run.path}' lay in {folder}, which is gone; restore them, or fit again with --force")
    known = recognise(run)
    if known.record.digest != digest_inputs(run.record.model, tables):
        changed = ", ".join(changed_tables(run.record.inputs, folder)) or "the model's equations or how they are computed"
        raise DataError(f"changed since run '{run.path}' was fitted: {changed}; restore them, or fit again with --resume")
    return known


def _estimated_z(run: Run, result: FitResult, problem: FitProblem) -> Array:
    values = {row.name: row.value for row in result.parameters}
    if set(values) != {item.key for item in problem.estimated}:
        raise DataError(f"{run.path / FIT} estimates other parameters than the tables name; fit again with --resume")
    return np.array([item.prior.to_z(values[item.key]) for item in problem.estimated])
