"""On which covariates of patients a prediction depends: as the run or the model has it, and what the tables of a trial add.

Start with `gather_effects`.
"""

from collections.abc import Mapping

from kinimmune.fitting.prediction.source import ParameterSource
from kinimmune.models.errors import UsageError
from kinimmune.models.symbolic.covariates import Covariate, CovariateEffect
from kinimmune.models.tables.covariate_effects import read_effects
from kinimmune.models.tables.covariates import examine_covariates
from kinimmune.models.tables.rows import Tables

Effects = Mapping[str, tuple[CovariateEffect, ...]]
"""Parameter -> how it depends on covariates."""


def gather_effects(source: ParameterSource, tables: Tables) -> Effects:
    """Return how parameters depend on covariates: as the source has it, and as tables of a trial do of others.

    Raises
    ------
    UsageError
        for a covariate of the source that the tables do not declare, or declare otherwise
    """
    own = {item.name: item.effects for item in source.parameters if item.effects}
    theirs = {item.name: item for item in examine_covariates(tables).require()}
    for item in examine_covariates(source.tables).require():
        if any(effect.covariate == item.name for effects in own.values() for effect in effects):
            _require_same(item, theirs.get(item.name))
    return {**read_effects(source.model.name, tables), **own}


def _require_same(covariate: Covariate, other: Covariate | None) -> None:
    """Refuse a covariate of which levels, or the unit, are others in the tables of a trial."""
    name = covariate.name
    if other is None:
        problem = f"parameters depend on covariate '{name}', which the tables of the trial do not declare"
        raise UsageError(f"{problem}; add a covariates.csv that does, and its case_mix.csv or the patients")
    if (other.kind, other.unit, set(other.levels)) != (covariate.kind, covariate.unit, set(covariate.levels)):
        told = [f"{item.kind} [{item.unit}] {' '.join(item.levels)}".strip() for item in (covariate, other)]
        raise UsageError(f"covariate '{name}' is {told[0]} in the fit and {told[1]} in the tables of the trial; declare it alike")


def list_coefficients(effects: Effects) -> frozenset[str]:
    """Return the names of the parameters that are coefficients."""
    return frozenset(effect.by for own in effects.values() for effect in own)
