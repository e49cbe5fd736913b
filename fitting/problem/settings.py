"""What a problem is built from, as plain values: a task of long work carries them, and builds the problem where it runs.

Start with `describe_problem`, `ProblemSettings` and `open_problem`.
"""

from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from kinimmune.fitting.problem.changes import ParameterChange
from kinimmune.fitting.problem.correlation import CorrelatedBlock
from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.problem import FitProblem, build_problem
from kinimmune.fitting.settings import ProblemOptions, Seed
from kinimmune.models.errors import DataError
from kinimmune.models.tables.rows import Tables


class ProblemSettings(ProblemOptions):
    """Model, tables and virtual patients of a problem."""

    model: str
    tables: str
    """Digest of the rows and columns it reads and of its equations, as `digest_inputs` gives it."""
    seed: Seed
    """Seed of the virtual patients."""
    changes: tuple[ParameterChange, ...] = ()
    """What is otherwise about parameters than the tables say."""
    correlations: tuple[CorrelatedBlock, ...] = ()
    """Of numbers that share patients, as a fit has found them at its first optimum."""

    @property
    def plain(self) -> dict[str, Any]:
        """The settings as an input of a task; `ProblemSettings(**plain)` is the way back.

        Without changes, correlations and paths from every scan it has no word of them, as in the inputs of tasks from before
        there were any.
        """
        usual = {"changes", "correlations"} if self.every_scan else {"changes", "correlations", "every_scan"}
        plain = self.model_dump(mode="json", exclude=usual)
        if self.correlations:
            plain["correlations"] = [asdict(block) for block in self.correlations]
        return {**plain, "changes": [change.plain for change in self.changes]} if self.changes else plain

    def with_correlations(self, blocks: tuple[CorrelatedBlock, ...]) -> "ProblemSettings":
        """Return the settings of a problem that takes correlations into account."""
        return self.model_copy(update={"correlations": blocks})

    def with_patients(self, patients: int | None) -> "ProblemSettings":
        """Return the settings with another number of virtual patients; None leaves them as they are."""
        return self if patients is None else self.model_copy(update={"patients": patients})


def describe_problem(
    model: str, tables: Tables, seed: int, options: ProblemOptions, changes: tuple[ParameterChange, ...] = ()
) -> ProblemSettings:
    """Return the settings of a problem with the tables as they are now.

    Parameters
    ----------
    model
        a name of the library
    tables
        what the problem is read from
    seed
        of the virtual patients
    options
        how virtual trials are run; those of an analysis, such as `FitOptions`, will do
    changes
        what is otherwise about parameters than the tables say, as `choose_changes` gives it
    """
    shared = {name: getattr(options, name) for name in ProblemOptions.model_fields}
    return ProblemSettings(model=model, tables=digest_inputs(model, tables), seed=seed, changes=changes, **shared)


def open_problem(settings: ProblemSettings, folder: str | None, jobs: int = 1) -> FitProblem:
    """Return the problem of some settings; built once in a process, whatever its threads.

    Parameters
    ----------
    settings
        what it is built from
    folder
        tables that replace the package's, None for none; they must be there where a task runs
    jobs
        threads

    Raises
    ------
    DataError
        when the tables found here are not those of the settings
    """
    return replace(_build(settings.with_correlations(()), folder), jobs=jobs, correlations=settings.correlations)


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
        stop_rule=settings.stop_rule,
        integrator=settings.integrator,
        every_scan=settings.every_scan,
        changes=settings.changes,
    )
