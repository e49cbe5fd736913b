"""Readers of the tables: the package's in `data/`, or a user's folder that replaces them one by one.

Start with `read_trials` or `read_parameters`.  Each reader takes a `Tables` and raises the first thing wrong with the tables it
needs; `kinimmune.fitting.lint` collects all of them.
"""

from collections.abc import Mapping
from functools import cache, partial

from kinimmune.models.errors import DataError
from kinimmune.models.experiments.design import Designs, Experiment
from kinimmune.models.experiments.panels import Panel
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter, Source
from kinimmune.models.tables.case_mix import enrol_case_mixes
from kinimmune.models.tables.criteria import CriterionRow, examine_criteria
from kinimmune.models.tables.drugs import KnownDrugs, examine_drugs, find_drug_values
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
from kinimmune.models.tables.studies import list_studies
from kinimmune.models.tables.trials import TrialRow, examine_trials
from kinimmune.models.trial.design import Trial, supports_trials


def read_parameters(model: str, tables: Tables | None = None) -> tuple[Parameter, ...]:
    """Return the parameters of one model, in the order of the package's `parameters.csv` whatever that of the rows of a folder.

    Virtual patients and prior draws are drawn parameter by parameter, so that an order of rows would be another set of them.
    Parameters the package does not have come last, by name and study.

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
    return (
        found if tables is None or tables.folder is None else tuple(sorted(found, key=partial(_find_place, _usual_places(model))))
    )


@cache
def _usual_places(model: str) -> dict[str, int]:
    """Return where in the package's table parameters, and parameters of a study, first stand."""
    rows = [parameter for row, parameter in examine_parameters(Tables()).require() if model in row.models]
    return {key: place for place, item in reversed(list(enumerate(rows))) for key in (item.key, item.name)}


def _find_place(places: Mapping[str, int], item: Parameter) -> tuple[int, str, bool, int, str]:
    """Return what parameters are sorted by."""
    last = len(places)
    place = places.get(item.key, last)
    where = f"{item.study or ''}:{item.arm or ''}:{item.drug or ''}"
    return (places.get(item.name, last), item.name, not item.everywhere, place, where)


def read_model_names(tables: Tables | None = None) -> tuple[str, ...]:
    """Return the models that have rows in `parameters.csv`, in alphabetical order; raises as `read_parameters` does."""
    entries = examine_parameters(tables or Tables()).require()
    return tuple(sorted({model for row, _ in entries for model in row.models}))


def read_trials(tables: Tables | None = None, model: str | None = None) -> tuple[Trial, ...]:
    """Return the trials of `trials.csv` with their arms, follow-up [d] and rates [1/d]; of one model those it is tried in.

    An arm's rate of discontinuation is the published fraction of patients who stopped for adverse events times ln 2 over the
    median time on treatment, or over the median time to symptomatic progression where the former is not known.  Arms know the
    covariates of their patients.

    Raises
    ------
    DataError
        when trials.csv, arms.csv, design.csv, follow_up.csv or sources.csv is wrong, or a table of covariates
    UsageError
        when the folder does not exist
    """
    given = tables or Tables()
    trials = enrol_case_mixes(examine_trials(given).require(), given)
    studies = None if model is None else list_studies(model, given)
    return trials if studies is None else tuple(trial for trial in trials if trial.study in studies)


def read_stop_rule_sources(tables: Tables | None = None, model: str | None = None) -> dict[str, Source]:
    """Return study -> where the rule by which its treatment stops comes from, of one model those it is tried in.

    Raises as `read_trials` does.
    """
    given = tables or Tables()
    rows = given.rows(TrialRow).require()
    studies = {row.study for row in rows} if model is None else list_studies(model, given)
    return {row.study: row.origin for row in rows if row.study in studies}


def read_kinases(tables: Tables | None = None) -> tuple[Kinase, ...]:
    """Return the kinases of `kinases.csv`; raises as `read_trials` does."""
    return examine_kinases(tables or Tables()).require()


def read_drugs(tables: Tables | None = None) -> KnownDrugs:
    """Return the drugs of `drugs.csv` and `kinases.csv`; raises as `read_trials` does."""
    (known,) = examine_drugs(tables or Tables()).require()
    return known


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
    trials = read_trials(tables, model.name) if supports_trials(model) else ()
    drugs = read_drugs(tables)
    arms = [arm for trial in trials for arm in trial.arms]
    return Designs(
        trials=trials,
        drug_values={f"{arm.study}:{arm.name}": find_drug_values(model, arm.administrations, drugs) for arm in arms},
        experiments=read_experiments(model, tables),
        read_out_days=read_days(model.name, tables),
    )


def read_panels(model: str, tables: Tables | None = None) -> tuple[Panel, ...]:
    """Return the panels of a model's picture, in the order of `panels.csv`; raises as `read_trials` does."""
    return tuple(panel for row, panel in examine_panels(tables or Tables()).require() if row.model == model)


def read_criteria(tables: Tables | None = None) -> tuple[CriterionRow, ...]:
    """Return the criteria of `criteria.csv`; raises as `read_trials` does."""
    return examine_criteria(tables or Tables()).require()


def read_limitations(tables: Tables | None = None) -> tuple[Limitation, ...]:
    """Return the limitations of `limitations.csv`, of all models; raises as `read_trials` does."""
    return examine_limitations(tables or Tables()).require()
