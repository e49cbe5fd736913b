"""The experiments of one model: what rows of `experiments.csv` name, held against the model and put into its units.

Start with `examine_model_experiments`.  A value is given in any unit that measures what its target does, and converted; a
target the model does not have and a unit of something else are findings, so that no command computes with what a row does
not say.  A parameter may be set outside the range of its table, which is that of its prior: no clearance in a dish.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.models.errors import DataError, nearest
from kinimmune.models.experiments.design import Experiment, InputSpan
from kinimmune.models.solvers.dosing import Dose
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.units import convert
from kinimmune.models.tables.experiments import ChangeKind, ExperimentRow, examine_experiments
from kinimmune.models.tables.findings import Examined, Finding
from kinimmune.models.tables.rows import Tables


def examine_model_experiments(model: OdeModel, tables: Tables) -> Examined[Experiment]:
    """Return the experiments of a model in its units, and what is wrong with the table or beside the model."""
    table = examine_experiments(tables)
    rows = [row for row in table.entries if row.model == model.name and row.kind is not ChangeKind.DAY]
    findings = table.findings or tuple(_find_misfits(rows, model))
    if findings:
        return Examined((), findings)
    kinds = _describe_targets(model)
    values = {row.row: _value(row, kinds) for row in rows}
    return Examined(tuple(_experiment(rows, values, name) for name in dict.fromkeys(row.experiment for row in rows)), ())


@dataclass(frozen=True)
class _Targets:
    """What a kind of change is done to."""

    what: str
    units: Mapping[str, str]


def _describe_targets(model: OdeModel) -> Mapping[ChangeKind, _Targets]:
    parameters = _Targets("parameter", {item.name: item.unit for item in model.parameters})
    return {
        ChangeKind.SET: parameters,
        ChangeKind.SCALE: parameters,
        ChangeKind.INPUT: _Targets("input", {item.name: item.unit for item in model.inputs}),
        ChangeKind.DOSE: _Targets("state", {item.name: item.unit for item in model.states}),
    }


def _find_misfits(rows: Iterable[ExperimentRow], model: OdeModel) -> Iterator[Finding]:
    kinds = _describe_targets(model)
    for row in rows:
        if row.kind not in kinds:
            continue
        what, units, target = kinds[row.kind].what, kinds[row.kind].units, row.target or ""
        if target not in units:
            problem = f"model '{row.model}' has no {what} '{target}' in column 'target'"
            yield row.finding("target", problem, nearest(target, sorted(units)))
            continue
        try:
            _value(row, kinds)
        except DataError:
            problem = f"unit '{row.unit}' in column 'unit' does not measure the same as {what} '{target}' of model '{row.model}'"
            yield row.finding("unit", problem, f"give the value in {units[target]}")


def _value(row: ExperimentRow, kinds: Mapping[ChangeKind, _Targets]) -> float:
    """Return the number of a row in the unit of its target; a factor is a plain number."""
    given = float(row.value or 0.0)
    if row.kind is ChangeKind.SCALE or row.kind not in kinds or row.unit is None:
        return given
    return convert(given, row.unit, kinds[row.kind].units[row.target or ""])


def _experiment(rows: Sequence[ExperimentRow], amounts: Mapping[int, float], name: str) -> Experiment:
    own = [row for row in rows if row.experiment == name]
    spans: list[InputSpan] = []
    doses: list[Dose] = []
    values: dict[str, float] = {}
    factors: dict[str, float] = {}
    for row in own:
        target, value = row.target or "", amounts[row.row]
        if row.kind is ChangeKind.AS:
            other = _experiment(rows, amounts, target)
            values |= other.values
            factors |= other.factors
            spans += other.spans
            doses += other.doses
        elif row.kind is ChangeKind.SET:
            values[target] = value
        elif row.kind is ChangeKind.SCALE:
            factors[target] = value
        elif row.kind is ChangeKind.INPUT:
            spans.append(InputSpan(target, value, float(row.first_day or 0.0), float(row.last_day or 0.0)))
        elif row.kind is ChangeKind.DOSE:
            doses += _repeat(row, target, value)
    meaning = next((row.meaning for row in own if row.meaning), name)
    return Experiment(own[0].model, name, meaning, values, factors, tuple(spans), tuple(doses))


def _repeat(row: ExperimentRow, target: str, value: float) -> list[Dose]:
    first, last, interval = row.first_day or 0.0, row.last_day or 0.0, row.interval or math.inf
    count = math.floor((last - first) / interval + 1e-9) + 1
    return [Dose(float(day), target, value) for day in first + interval * np.arange(count)]
