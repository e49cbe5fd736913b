"""Finished fits of runs, read to be compared; nothing is computed and no code of a user is run.

Start with `read_runs`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from kinimmune.fitting.configuration import read_run_settings
from kinimmune.fitting.estimation.results import ComparisonRow, FitResult
from kinimmune.fitting.estimation.run_files import FIT, read_results
from kinimmune.fitting.estimation.trial_results import TrialResult
from kinimmune.fitting.problem.digest import digest_equations, digest_inputs
from kinimmune.fitting.runs.run import RunRecord, open_run
from kinimmune.fitting.settings import Settings
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import KinimmuneError, UsageError
from kinimmune.models.tables.rows import Tables

_DIGITS = 12
"""Of a digest that is told."""


@dataclass(frozen=True)
class FittedRun:
    """What is compared of a run."""

    label: str
    path: Path
    record: RunRecord
    settings: Settings
    fit: FitResult
    trial: TrialResult
    whitening: str | None
    """Digest of the factor that the residuals of the fit were multiplied by; None where they stand as they are."""
    equations: str | None = None
    """Digest of the equations; None where it was not asked for, or where tables or equations have changed since the fit."""


def shorten(digest: str) -> str:
    """Return the first digits of a digest, without its version.

    >>> shorten("1.1:644f9feb4875b8a01c21"), shorten("")
    ('644f9feb4875', '-')
    """
    return digest.rpartition(":")[2][:_DIGITS] or "-"


def read_runs(paths: Sequence[Path]) -> tuple[FittedRun, ...]:
    """Return the fits of runs; their equations are looked at where the runs do not depend on the same.

    Parameters
    ----------
    paths
        folders of runs, at least two; one may be given twice

    Raises
    ------
    UsageError
        for fewer than two, for what is no run, and for a run without a finished fit
    DataError
        when a file of a run cannot be read
    """
    if len(paths) < 2:
        raise UsageError("compare takes at least two runs; write kinimmune compare RUN RUN")
    runs = name_arms([_read(path, label) for path, label in zip(paths, label_runs(paths), strict=True)])
    if len({run.record.digest for run in runs}) == 1:
        return runs
    return tuple(replace(run, equations=find_equations(run)) for run in runs)


def label_runs(paths: Sequence[Path]) -> tuple[str, ...]:
    """Return what runs are called: by the names of their folders where those tell them apart, by their paths where not.

    >>> label_runs([Path("a/run"), Path("b/run"), Path("c")]), label_runs([Path("a"), Path("a"), Path("a (2)")])
    (('a/run', 'b/run', 'c'), ('a', 'a (3)', 'a (2)'))
    """
    names = Counter(path.resolve().name for path in paths)
    labels = [path.resolve().name if names[path.resolve().name] == 1 else str(path) for path in paths]
    for place, label in enumerate(labels):
        if label in labels[:place]:
            labels[place] = next(name for name in (f"{label} ({number})" for number in count(2)) if name not in labels)
    return tuple(labels)


def name_arms(runs: Sequence[FittedRun]) -> tuple[FittedRun, ...]:
    """Return runs whose ratios name their treated arm: in results of schema 1, which name none, where the other runs know one."""
    known: dict[tuple[str, str | None], set[str]] = {}
    for row in (row for run in runs for row in (*run.fit.targets, *run.fit.unfitted) if row.statistic == "hazard_ratio"):
        known.setdefault((row.study, row.endpoint), set()).update(() if row.arm is None else (row.arm,))

    def name(row: ComparisonRow) -> ComparisonRow:
        arms = known.get((row.study, row.endpoint), set()) if row.statistic == "hazard_ratio" and row.arm is None else ()
        return replace(row, arm=next(iter(arms))) if len(arms) == 1 else row

    return tuple(
        replace(run, fit=replace(run.fit, targets=tuple(map(name, run.fit.targets)), unfitted=tuple(map(name, run.fit.unfitted))))
        for run in runs
    )


def find_equations(run: FittedRun) -> str | None:
    """Return the digest of the equations a run was fitted with; None where its tables or the equations have changed since."""
    tables = Tables(run.settings.data)
    try:
        if digest_inputs(run.record.model, tables) == run.record.digest:
            return digest_equations(load_model(run.record.model, tables))
    except KinimmuneError:  # a folder that is gone, a model that is not there any more: what they were is not known
        return None
    return None


def _read(path: Path, label: str) -> FittedRun:
    run = open_run(path)
    if not (path / FIT).is_file():
        raise UsageError(
            f"run '{path}' holds no finished fit (it is '{run.record.status}'); "
            f"go on with it first: kinimmune fit {run.record.model} -o {path} --resume"
        )
    fit, trial = read_results(run)
    return FittedRun(
        label, path, run.record, read_run_settings(run), fit, trial, None if fit.whitening is None else fit.whitening.digest
    )
