"""The experiments of one model: what rows of `experiments.csv` name, held against the model and put into its units.

Start with `examine_model_experiments`.  A value is given in any unit that measures what its target does, and converted; a
target the model does not have and a unit of something else are findings, so that no command computes with what a row does
not say.  A parameter may be set outside the range of its table, which is that of its prior: no clearance in a dish.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from kinimmune.models.errors import DataError, nearest
from kinimmune.models.experiments.design import Experiment
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import values_for
from kinimmune.models.symbolic.scope import own_values, parameters_of
from kinimmune.models.symbolic.units import convert
from kinimmune.models.tables.drugs import KnownDrugs, examine_drugs, find_drug_values
from kinimmune.models.tables.experiments import ChangeKind, ExperimentRow, examine_experiments
from kinimmune.models.tables.findings import Examined, Finding
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.regimens import Administration, list_drugs, plan_dosing


def examine_model_experiments(model: OdeModel, tables: Tables) -> Examined[Experiment]:
    """Return the experiments of a model in its units, and what is wrong with the table or beside the model."""
    table = examine_experiments(tables)
    rows = [row for row in table.entries if row.model == model.name and row.kind is not ChangeKind.DAY]
    drugs = examine_drugs(tables) if any(row.drug is not None for row in rows) else Examined((KnownDrugs(),), ())
    findings = table.findings or drugs.findings
    if findings:
        return Examined((), findings)
    (known,) = drugs.entries
    findings = tuple(_find_misfits(rows, model, known))
    if findings:
        return Examined((), findings)
    built, findings = [], ()
    for name in dict.fromkeys(row.experiment for row in rows):
        experiment = _experiment(rows, model, name)
        try:
            values = find_drug_values(model, experiment.given, known)
            values |= own_values(parameters_of(model.parameters, None, None, list_drugs(experiment.given)))
        except DataError as error:  # two drugs that share a role
            first = next(row for row in rows if row.experiment == name)
            findings = (*findings, first.refused("drug", error))
            continue
        built.append(replace(experiment, values=values | dict(experiment.values)))
    return Examined((), findings) if findings else Examined(tuple(built), ())


def _find_misfits(rows: Iterable[ExperimentRow], model: OdeModel, drugs: KnownDrugs) -> Iterator[Finding]:
    units = {name: model.units[name] for name in model.parameter_names}
    for row in rows:
        target = row.target or ""
        if row.kind is ChangeKind.GIVE:
            yield from _find_ungiven(row, model, drugs)
        elif row.kind in (ChangeKind.SET, ChangeKind.SCALE) and target not in units:
            problem = f"model '{row.model}' has no parameter '{target}' in column 'target'"
            yield row.finding("target", problem, nearest(target, sorted(units)))
        elif row.kind is ChangeKind.SET:
            try:
                _value(row, units)
            except DataError:
                what = f"parameter '{target}' of model '{model.name}'"
                problem = f"unit '{row.unit}' in column 'unit' does not measure the same as {what}"
                yield row.finding("unit", problem, f"give the value in {units[target]}")


def _find_ungiven(row: ExperimentRow, model: OdeModel, drugs: KnownDrugs) -> Iterator[Finding]:
    """Find what a model cannot be given: an unknown drug or target, an amount that nothing takes in its unit."""
    given = row.administration()
    try:
        plan_dosing(model, [given], values_for(model.parameters, None) | find_drug_values(model, [given], drugs), 0.0)
    except DataError as error:
        taken = row.target is None or row.target in {*model.state_names, *(item.name for item in model.inputs)}
        yield row.refused("unit" if taken else "target", error)


def _value(row: ExperimentRow, units: Mapping[str, str]) -> float:
    """Return the number of a row in the unit of its target; a factor is a plain number."""
    given = float(row.value or 0.0)
    if row.kind is not ChangeKind.SET or row.unit is None:
        return given
    return convert(given, row.unit, units[row.target or ""])


def _experiment(rows: Sequence[ExperimentRow], model: OdeModel, name: str) -> Experiment:
    own = [row for row in rows if row.experiment == name]
    units = {name: model.units[name] for name in model.parameter_names}
    given: list[Administration] = []
    values: dict[str, float] = {}
    factors: dict[str, float] = {}
    for row in own:
        target = row.target or ""
        if row.kind is ChangeKind.AS:
            other = _experiment(rows, model, target)
            values |= other.values
            factors |= other.factors
            given += other.given
        elif row.kind is ChangeKind.SET:
            values[target] = _value(row, units)
        elif row.kind is ChangeKind.SCALE:
            factors[target] = _value(row, units)
        elif row.kind is ChangeKind.GIVE:
            given.append(row.administration())
    meaning = next((row.meaning for row in own if row.meaning), name)
    return Experiment(model.name, name, meaning, values, factors, tuple(given))
