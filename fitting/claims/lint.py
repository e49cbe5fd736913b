"""What experiments and claims name, held against the model they are about: parameters, inputs, states, arrows and units.

Start with `check_names`.  Every model with experiments or claims is built, which takes part of a second each; nothing is
compiled.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from kinimmune.fitting.claims.check import readouts_of
from kinimmune.fitting.claims.readouts.general import NEEDED
from kinimmune.fitting.claims.table import ClaimRow
from kinimmune.models.catalogue import load_model, model_names
from kinimmune.models.errors import DataError, ModelError, nearest
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.units import parse_unit
from kinimmune.models.tables.experiments import ChangeKind, ExperimentRow
from kinimmune.models.tables.findings import Finding
from kinimmune.models.tables.parameters import examine_parameters
from kinimmune.models.tables.rows import TableRow, Tables, dangling
from kinimmune.models.tables.trials import examine_trials


def check_models(tables: Tables) -> tuple[Finding, ...]:
    """Return the rows of `experiments.csv` and `claims.csv` about models that do not exist."""
    both: tuple[Sequence[TableRow], ...] = (tables.rows(ExperimentRow).entries, tables.rows(ClaimRow).entries)
    return tuple(finding for rows in both for finding in dangling(rows, "model", model_names(), "the library"))


def check_names(tables: Tables) -> tuple[Finding, ...]:
    """Return what is wrong with experiments and claims beside the models they are about.

    A model without rows in `parameters.csv` is not in use, and what is said about it is left alone.  The tables themselves
    must be without findings.
    """
    changes, claims = tables.rows(ExperimentRow).entries, tables.rows(ClaimRow).entries
    in_use = {model for row, _ in examine_parameters(tables).entries for model in row.models}
    studies = {trial.study for where in (tables, Tables()) for trial in examine_trials(where).entries}
    found: list[Finding] = []
    for name in dict.fromkeys([*(row.model for row in changes), *(row.model for row in claims)]):
        if name not in in_use or name not in model_names():
            continue
        try:
            model = load_model(name, tables)
        except (DataError, ModelError) as error:
            found.append(Finding("parameters.csv", None, None, f"model '{name}' cannot be built from the tables: {error}"))
            continue
        vocabulary = _Vocabulary(model, [row for row in changes if row.model == name], frozenset(studies))
        found += _check_model(vocabulary, [row for row in claims if row.model == name])
    return tuple(found)


@dataclass(frozen=True)
class _Vocabulary:
    """Every name that rows about a model may use."""

    model: OdeModel
    changes: Sequence[ExperimentRow]
    studies: frozenset[str]

    @cached_property
    def experiments(self) -> frozenset[str]:
        return frozenset(row.experiment for row in self.changes if row.kind is not ChangeKind.DAY)

    @cached_property
    def days(self) -> frozenset[str]:
        return frozenset(row.experiment for row in self.changes if row.kind is ChangeKind.DAY)

    @cached_property
    def quantities(self) -> frozenset[str]:
        return frozenset([*(item.name for item in self.model.states), *(item.name for item in self.model.outputs)])

    @cached_property
    def targets(self) -> Mapping[ChangeKind, tuple[str, Mapping[str, str]]]:
        """Kind of change -> what it is done to, and its names with their units."""
        parameters = {item.name: item.unit for item in self.model.parameters}
        return {
            ChangeKind.SET: ("parameter", parameters),
            ChangeKind.SCALE: ("parameter", parameters),
            ChangeKind.INPUT: ("input", {item.name: item.unit for item in self.model.inputs}),
            ChangeKind.DOSE: ("state", {item.name: item.unit for item in self.model.states}),
        }


def _check_model(vocabulary: _Vocabulary, claims: Iterable[ClaimRow]) -> Iterator[Finding]:
    for change in vocabulary.changes:
        if change.kind in vocabulary.targets:
            yield from _check_change(change, *vocabulary.targets[change.kind])
    readouts = readouts_of(vocabulary.model.name)
    for claim in claims:
        if claim.readout not in readouts:
            yield _unknown(claim, "readout", "read-out", claim.readout, readouts)
        elif claim.readout in NEEDED:
            yield from _check_general(claim, vocabulary)
        else:
            yield from _check_special(claim, vocabulary)
        for arrow in (name for group in claim.arrows.split() for name in group.split("+")):
            if arrow not in vocabulary.model.arrows:
                yield _unknown(claim, "arrows", "arrow", arrow, vocabulary.model.arrows)


def _check_change(row: ExperimentRow, what: str, units: Mapping[str, str]) -> Iterator[Finding]:
    target = row.target or ""
    if target not in units:
        yield _unknown(row, "target", what, target, units)
    elif row.kind is not ChangeKind.SCALE and not parse_unit(row.unit or "1").equals(parse_unit(units[target])):
        problem = f"unit '{row.unit}' in column 'unit' is not the one of {what} '{target}' in model '{row.model}'"
        yield row.finding("unit", problem, f"give the value in {units[target]}")


def _check_general(row: ClaimRow, vocabulary: _Vocabulary) -> Iterator[Finding]:
    known = {
        "quantity": ("quantity", vocabulary.quantities),
        "experiment": ("experiment", vocabulary.experiments),
        "baseline": ("experiment", vocabulary.experiments),
        "day": ("read-out day", vocabulary.days),
    }
    for column in NEEDED[row.readout]:
        given = getattr(row, column)
        what, names = known[column]
        if given is None:
            yield row.finding(column, f"read-out '{row.readout}' needs a value in column '{column}'", "fill it in")
        elif given not in names:
            yield _unknown(row, column, what, given, names)


def _check_special(row: ClaimRow, vocabulary: _Vocabulary) -> Iterator[Finding]:
    """Check what is common to read-outs of one model: they may read trials, and compare with another quantity."""
    read = vocabulary.experiments | vocabulary.studies
    if row.experiment is not None and row.experiment not in read:
        yield _unknown(row, "experiment", "experiment or study", row.experiment, read)
    if row.baseline is not None and row.baseline not in read | vocabulary.quantities:
        yield _unknown(row, "baseline", "experiment, study or quantity", row.baseline, read | vocabulary.quantities)
    if row.day is not None and row.day not in vocabulary.days:
        yield _unknown(row, "day", "read-out day", row.day, vocabulary.days)


def _unknown(row: ExperimentRow | ClaimRow, column: str, what: str, given: str, known: Iterable[str]) -> Finding:
    return row.finding(column, f"model '{row.model}' has no {what} '{given}' in column '{column}'", nearest(given, sorted(known)))
