"""Rows and checks of `covariate_effects.csv`: which parameters depend on what is known of patients before treatment.

Start with `add_effects`, which gives a model's parameters their effects.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import ClassVar, NamedTuple

from kinimmune.models.errors import DataError, nearest
from kinimmune.models.symbolic.covariates import Covariate, CovariateEffect, CovariateKind
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter, Scale
from kinimmune.models.tables.covariates import examine_covariates
from kinimmune.models.tables.findings import Examined, Finding
from kinimmune.models.tables.parameters import ParameterRow
from kinimmune.models.tables.rows import Name, TableRow, Tables, dangling


class EffectRow(TableRow):
    """A row of `covariate_effects.csv`."""

    table: ClassVar[str] = "covariate_effects.csv"
    key_columns: ClassVar[tuple[str, ...]] = ("model", "parameter", "covariate", "level")
    may_be_empty: ClassVar[bool] = True

    model: str
    parameter: Name
    covariate: Name
    level: str | None = None
    """Of a category."""
    effect: Name
    """The parameter that is the coefficient."""
    note: str = ""

    @property
    def models(self) -> tuple[str, ...]:
        """The models of which a parameter depends on it."""
        return tuple(self.model.split())


class SourcedEffect(NamedTuple):
    """A row and the effect it makes."""

    row: EffectRow
    effect: CovariateEffect


def examine_effects(tables: Tables) -> Examined[SourcedEffect]:
    """Return the effects and what is wrong with their table, parameters that are not there among it."""
    table, covariates = tables.rows(EffectRow), examine_covariates(tables)
    if not table.entries:
        return Examined((), table.findings)
    known = {item.name: item for item in covariates.entries}
    findings = [*table.findings, *covariates.findings]
    if not covariates.findings:
        findings += dangling(table.entries, "covariate", known, "covariates.csv")
    parameters = tables.rows(ParameterRow)
    if not parameters.findings:
        findings += _find_unknown(table.entries, parameters.entries)
    made: list[SourcedEffect] = []
    for row in table.entries:
        if row.covariate in known:
            try:
                made.append(SourcedEffect(row, _build(row, known[row.covariate])))
            except DataError as error:
                findings.append(row.refused("level", error))
    return Examined(tuple(made), tuple(findings))


def _build(row: EffectRow, covariate: Covariate) -> CovariateEffect:
    if covariate.kind is CovariateKind.CONTINUOUS:
        if row.level is not None:
            raise DataError(f"level '{row.level}' of continuous covariate '{covariate.name}' in column 'level'; leave it empty")
        return CovariateEffect(covariate.name, row.effect, reference=float(covariate.read(covariate.reference)))
    if row.level is None:
        raise DataError(f"no level of category '{covariate.name}' in column 'level'; {nearest('', covariate.levels)}")
    level = str(covariate.read(row.level))
    if level == covariate.reference:
        what = f"level '{level}' of category '{covariate.name}' is its reference, which has no effect"
        raise DataError(f"{what}; leave the row out, or change the reference in covariates.csv")
    return CovariateEffect(covariate.name, row.effect, level=level)


def _find_unknown(rows: Iterable[EffectRow], parameters: Iterable[ParameterRow]) -> Iterable[Finding]:
    """Find effects on, or by, a parameter that a model does not have, and coefficients with a unit or patients of their own."""
    of_model: dict[str, dict[str, ParameterRow]] = {}
    for parameter in parameters:
        for model in parameter.models:
            of_model.setdefault(model, {}).setdefault(parameter.name, parameter)
    for row in rows:
        for model in row.models:
            names = of_model.get(model, {})
            for column, name in (("parameter", row.parameter), ("effect", row.effect)):
                if name not in names:
                    problem = f"model '{model}' has no parameter '{name}' in column '{column}'"
                    yield row.finding(column, problem, f"add it to parameters.csv; {nearest(name, names)}")
            yield from _find_odd_coefficients(row, names)


def _find_odd_coefficients(row: EffectRow, names: Mapping[str, ParameterRow]) -> Iterable[Finding]:
    on, by = names.get(row.parameter), names.get(row.effect)
    if on is None or by is None:
        return
    scale = on.prior if on.spread_scale is None else on.spread_scale
    unit = on.unit if scale is Scale.NORMAL else "1"
    if by.unit != unit:
        yield row.finding(
            "effect", f"parameter '{row.effect}' has the unit {by.unit} as an effect on '{row.parameter}'", f"give it {unit}"
        )
    if row.effect == row.parameter or by.spread_sd is not None:
        problem = f"parameter '{row.effect}' in column 'effect' differs between patients"
        yield row.finding("effect", problem, "name one without a spread: all patients of a level have the same effect")


def list_coefficients(model: str, tables: Tables) -> frozenset[str]:
    """Return the names of the parameters that are coefficients of effects in a model."""
    return frozenset(row.effect for row in tables.rows(EffectRow).entries if model in row.models)


def read_effects(model: str, tables: Tables) -> dict[str, tuple[CovariateEffect, ...]]:
    """Return parameter -> how it depends on covariates in a model.

    Raises
    ------
    DataError
        where `covariate_effects.csv` or `covariates.csv` is wrong
    """
    found: dict[str, tuple[CovariateEffect, ...]] = {}
    for row, effect in examine_effects(tables).require():
        if model in row.models:
            found[row.parameter] = (*found.get(row.parameter, ()), effect)
    return found


def add_effects(model: OdeModel, tables: Tables) -> OdeModel:
    """Return a model whose parameters depend on covariates as `covariate_effects.csv` says; raises as `read_effects` does."""
    found = read_effects(model.name, tables)
    return _extend(model, tuple(found.items())) if found else model


def set_effects(parameters: Iterable[Parameter], effects: Mapping[str, tuple[CovariateEffect, ...]]) -> tuple[Parameter, ...]:
    """Return parameters with the effects of their names; those that only shift others have none."""
    return tuple(item if item.shift is not None else replace(item, effects=effects.get(item.name, ())) for item in parameters)


@lru_cache(maxsize=16)
def _extend(model: OdeModel, effects: tuple[tuple[str, tuple[CovariateEffect, ...]], ...]) -> OdeModel:
    """Return a model with effects; its units are checked again, once in a process."""
    return replace(model, parameters=set_effects(model.parameters, dict(effects)))
