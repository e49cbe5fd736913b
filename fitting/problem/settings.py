"""What a problem is built from, as plain values: a step of long work carries them, and builds the problem where it runs.

Start with `ProblemSettings` and `open_problem`.
"""

from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.problem import FitProblem, build_problem
from kinimmune.models.errors import DataError
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import StopRule


@dataclass(frozen=True)
class ProblemSettings:
    """Model, tables and virtual patients."""

    model: str
    tables: str
    """Digest of the rows and columns it reads and of its equations, as `digest_inputs` gives it."""
    patients: int
    seed: int
    stop_rule: str | None = None
    """One rule for all studies; None takes each study's own."""
    integrator: str = "kernel"

    @property
    def plain(self) -> dict[str, Any]:
        """The settings as an input of a step; `ProblemSettings(**plain)` is the way back."""
        return asdict(self)


def open_problem(settings: ProblemSettings, folder: str | None, jobs: int = 1) -> FitProblem:
    """Return the problem of some settings; built once in a process, whatever its threads.

    Parameters
    ----------
    settings
        what it is built from
    folder
        tables that replace the package's, None for none; they must be there where a step runs
    jobs
        threads

    Raises
    ------
    DataError
        when the tables found here are not those of the settings
    """
    return replace(_build(settings, folder), jobs=jobs)


def open_tables(folder: str | None) -> Tables:
    """Return the tables of a folder as tasks name it, None for the package's."""
    return Tables(None if folder is None else Path(folder))


@lru_cache(maxsize=4)
def _build(settings: ProblemSettings, folder: str | None) -> FitProblem:
    tables = open_tables(folder)
    if digest_inputs(settings.model, tables) != settings.tables:
        where = "of the installed package" if folder is None else f"in {folder}"
        raise DataError(f"the tables {where} are not those this work began with; restore them, or begin anew with --force")
    return build_problem(
        settings.model,
        tables,
        patients=settings.patients,
        seed=settings.seed,
        stop_rule=None if settings.stop_rule is None else StopRule(settings.stop_rule),
        integrator=settings.integrator,
    )
