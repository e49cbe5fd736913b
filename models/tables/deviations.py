"""The trials that differ in a parameter of a model, each with a deviation of its own.

Start with `add_deviations`; `list_deviating_studies` tells which trials they are.
"""

from dataclasses import replace
from functools import lru_cache

from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.deviations import make_deviation
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.tables.rows import Tables
from kinimmune.models.tables.studies import list_studies
from kinimmune.models.tables.treatments import ArmRow, list_regimens
from kinimmune.models.trial.design import supports_trials


def add_deviations(model: OdeModel, tables: Tables) -> OdeModel:
    """Return a model with a deviation in each of its trials from every parameter that has a spread between trials.

    Raises
    ------
    DataError
        for such a parameter where the model has no trial, or none that gives the drug the value is of
    """
    made: list[Parameter] = []
    for item in model.parameters:
        if item.trial_spread is not None:
            studies = list_deviating_studies(model.name, item.drug, tables) if supports_trials(model) else ()
            if not studies:
                raise DataError(_refuse(item, model))
            made += [make_deviation(item, study) for study in studies]
    return _extend(model, tuple(made)) if made else model


def list_deviating_studies(model: str, drug: str | None, tables: Tables) -> tuple[str, ...]:
    """Return the studies that differ in a parameter: all a model is tried in, of the value of one drug those that give it."""
    studies = list_studies(model, tables)
    if drug is None:
        return studies
    given = {row.study for row in tables.rows(ArmRow).entries if row.drug == drug}
    given |= {row.study for row in list_regimens(tables) if row.drug == drug}
    return tuple(study for study in studies if study in given)


def _refuse(item: Parameter, model: OdeModel) -> str:
    which = "no trial" if item.drug is None or not supports_trials(model) else f"no trial that gives {item.drug}"
    tried = f"trial_spread {item.trial_spread:g} ({item.origin}) and model '{model.name}' is tried in {which}"
    return f"parameter '{item.key}' has {tried}; leave it empty, or give this model a row of its own without it"


@lru_cache(maxsize=16)
def _extend(model: OdeModel, deviations: tuple[Parameter, ...]) -> OdeModel:
    """Return a model with more parameters; its units are checked again, once in a process."""
    return replace(model, parameters=(*model.parameters, *deviations))
