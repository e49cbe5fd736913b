"""Readers of the tables: the package's in `data/`, or a user's folder that replaces them one by one.

Start with `read_trials` or `read_parameters`.  Each reader takes a `Tables` and raises the first thing wrong with the tables it
needs; `kinimmune.fitting.lint` collects all of them.
"""

from kinimmune.models.errors import DataError
from kinimmune.models.experiments.design import Designs, Experiment
from kinimmune.models.experiments.panels import Panel
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter, Source
from kinimmune.models.tables.evidence import (
    CellLine,
    Kinase,
    Observation,
    Reference,
    examine_cell_lines,
    examine_kinases,
    examine_sources,
)
from kinimmune.models.tables.experiments import examine_days
from kinimmune.models.tables.limitations import Limitation, examine_limitations
from kinimmune.models.tables.model_experiments import examine_model_experiments
from kinimmune.models.tables.observations import examine_observations
from kinimmune.models.tables.panels import examine_panels
from kinimmune.models.tables.parameters import examine_parameters
from kinimmune.models.tables.rows import Tables
from kinimmune.models.tables.trials import TrialRow, examine_trials
from kinimmune.models.trial.design import Trial, supports_trials


def read_parameters(model: str, tables: Tables | None = None) -> tuple[Parameter, ...]:
    """Return the parameters of one model, in the order of `parameters.csv`.

    Raises
    ------
    DataError
        when the table is wrong anywhere, or has no rows for the model
    UsageError
        when the folder does not exist
    """
    entries = examine_parameters(tables or Tables()).require()
    found = tuple(parameter for row, parameter in entries if model in row.models)
    if not found:
        models = ", ".join(read_model_names(tables))
        raise DataError(f"parameters.csv has no rows for model '{model}'; it has: {models}")
    return found


def read_model_names(tables: Tables | None = None) -> tuple[str, ...]:
    """Return the models that have rows in `parameters.csv`, in alphabetical order; raises as `read_parameters` does."""
    entries = examine_parameters(tables or Tables()).require()
    return tuple(sorted({model for row, _ in entries for model in row.models}))


def read_trials(tables: Tables | None = None) -> tuple[Trial, ...]:
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
    return examine_trials(tables or Tables()).require()


def read_stop_rule_sources(tables: Tables | None = None) -> dict[str, Source]:
    """Return study -> where the rule by which its treatment stops comes from; raises as `read_trials` does."""
    return {row.study: row.origin for row in (tables or Tables()).rows(TrialRow).require()}


def read_kinases(tables: Tables | None = None) -> tuple[Kinase, ...]:
    """Return the kinases of `kinases.csv`; raises as `read_trials` does."""
    return examine_kinases(tables or Tables()).require()


def read_cell_lines(tables: Tables | None = None) -> tuple[CellLine, ...]:
    """Return the cell lines of `cell_lines.csv`; raises as `read_trials` does."""
    return examine_cell_lines(tables or Tables()).require()


def read_sources(tables: Tables | None = None) -> tuple[Reference, ...]:
    """Return the sources of `sources.csv`; raises as `read_trials` does."""
    return examine_sources(tables or Tables()).require()


def read_observations(tables: Tables | None = None) -> tuple[Observation, ...]:
    """Return the numbers of `observations.csv`, then the outcomes among those of `design.csv`; raises as `read_trials` does."""
    return examine_observations(tables or Tables()).require()


def read_experiments(model: OdeModel, tables: Tables | None = None) -> tuple[Experiment, ...]:
    """Return the experiments of a model in its own units.

    Raises
    ------
    DataError
        when experiments.csv is wrong, names what the model does not have, or gives it in units of something else
    UsageError
        when the folder does not exist
    """
    return examine_model_experiments(model, tables or Tables()).require()


def read_days(model: str, tables: Tables | None = None) -> dict[str, float]:
    """Return name -> [d] of the read-out days of a model; raises as `read_trials` does."""
    return {item.name: item.day for item in examine_days(tables or Tables()).require() if item.model == model}


def read_designs(model: OdeModel, tables: Tables) -> Designs:
    """Return the trials and experiments an individual of a model can be in; raises as `read_trials` does.

    Of a model that is not tried in a trial no trial is read.
    """
    return Designs(
        trials=read_trials(tables) if supports_trials(model) else (),
        experiments=read_experiments(model, tables),
        read_out_days=read_days(model.name, tables),
    )


def read_panels(model: str, tables: Tables | None = None) -> tuple[Panel, ...]:
    """Return the panels of a model's picture, in the order of `panels.csv`; raises as `read_trials` does."""
    return tuple(panel for row, panel in examine_panels(tables or Tables()).require() if row.model == model)


def read_limitations(tables: Tables | None = None) -> tuple[Limitation, ...]:
    """Return the limitations of `limitations.csv`, of all models; raises as `read_trials` does."""
    return examine_limitations(tables or Tables()).require()
