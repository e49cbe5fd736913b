"""Readers of the tables: the package's in `data/`, or a user's folder that replaces them one by one.

Start with `read_trials` or `read_parameters`.  With `folder` None every table is the package's; otherwise a table the folder
holds is used in place of the package's, and one it lacks is the package's.  Each reader raises the first thing wrong with the
tables it needs; `kinimmune.fitting.lint` collects all of them.
"""

from pathlib import Path

from kinimmune.models.errors import DataError
from kinimmune.models.experiments.design import Experiment
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.tables.evidence import (
    CellLine,
    Kinase,
    Observation,
    Reference,
    examine_cell_lines,
    examine_kinases,
    examine_sources,
)
from kinimmune.models.tables.experiments import examine_days, examine_experiments
from kinimmune.models.tables.observations import examine_observations
from kinimmune.models.tables.parameters import examine_parameters
from kinimmune.models.tables.trials import examine_trials
from kinimmune.models.trial.design import Trial


def read_parameters(model: str, folder: Path | None = None) -> tuple[Parameter, ...]:
    """Return the parameters of one model, in the order of `parameters.csv`.

    Raises
    ------
    DataError
        when the table is wrong anywhere, or has no rows for the model
    UsageError
        when the folder does not exist
    """
    entries = examine_parameters(folder).require()
    found = tuple(parameter for row, parameter in entries if model in row.models)
    if not found:
        models = ", ".join(sorted({name for row, _ in entries for name in row.models}))
        raise DataError(f"parameters.csv has no rows for model '{model}'; it has: {models}")
    return found


def read_trials(folder: Path | None = None) -> tuple[Trial, ...]:
    """Return the trials of `trials.csv` with their arms, follow-up [d] and rates [1/d].

    An arm's rate of discontinuation is the published fraction of patients who stopped for adverse events times ln 2 over the
    median time on treatment, or over the median time to symptomatic progression where the former is not known.

    Raises
    ------
    DataError
        when trials.csv, arms.csv, design.csv, follow_up.csv or sources.csv is wrong
    UsageError
        when the folder does not exist
    """
    return examine_trials(folder).require()


def read_kinases(folder: Path | None = None) -> tuple[Kinase, ...]:
    """Return the kinases of `kinases.csv`; raises as `read_trials` does."""
    return examine_kinases(folder).require()


def read_cell_lines(folder: Path | None = None) -> tuple[CellLine, ...]:
    """Return the cell lines of `cell_lines.csv`; raises as `read_trials` does."""
    return examine_cell_lines(folder).require()


def read_sources(folder: Path | None = None) -> tuple[Reference, ...]:
    """Return the sources of `sources.csv`; raises as `read_trials` does."""
    return examine_sources(folder).require()


def read_observations(folder: Path | None = None) -> tuple[Observation, ...]:
    """Return the numbers of `observations.csv`, then the outcomes among those of `design.csv`; raises as `read_trials` does."""
    return examine_observations(folder).require()


def read_experiments(folder: Path | None = None) -> tuple[Experiment, ...]:
    """Return the experiments of `experiments.csv`; raises as `read_trials` does."""
    return examine_experiments(folder).require()


def read_days(folder: Path | None = None) -> tuple[tuple[str, str, float], ...]:
    """Return (model, name, day [d]) of the read-out days of `experiments.csv`; raises as `read_trials` does."""
    return examine_days(folder).require()
