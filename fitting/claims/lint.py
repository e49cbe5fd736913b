"""What experiments and claims name, held against the model they are about: parameters, inputs, states, interactions and units.

Start with `check_names`.  Every model with experiments or claims is built, which takes part of a second each; nothing is
compiled.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from kinimmune.fitting.claims.readout import Choice, Named, Readout
from kinimmune.fitting.claims.registry import readouts_of
from kinimmune.fitting.claims.table import ClaimRow
from kinimmune.models.catalogue import known_names, load_model, model_names
from kinimmune.models.errors import DataError, ModelError, UsageError, nearest
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.tables.experiments import ChangeKind, ExperimentRow
from kinimmune.models.tables.findings import Finding
from kinimmune.models.tables.model_experiments import examine_model_experiments
from kinimmune.models.tables.parameters import examine_parameters
from kinimmune.models.tables.rows import Tables, dangling
from kinimmune.models.tables.trials import examine_trials
from kinimmune.models.trial.design import Trial


def check_models(tables: Tables) -> tuple[Finding, ...]:
    """Return the rows of `claims.csv` about models that do not exist."""
    rows = tables.rows(ClaimRow).entries
    return tuple(dangling(rows, "model", known_names(tables, (row.model for row in rows)), "the library"))


def check_names(tables: Tables) -> tuple[Finding, ...]:
    """Return what is wrong with experiments, claims and parameters beside the models they are about.

    A model without rows in `parameters.csv` is not in use, and what is said about it is left alone; so is one that has some of
    its rows there, of those it shares with other models, when nothing else is said about it.  The tables themselves must be
    without findings.
    """
    changes, claims = tables.rows(ExperimentRow).entries, tables.rows(ClaimRow).entries
    in_use = {model for row, _ in examine_parameters(tables).entries for model in row.models}
    trials = {trial.study: trial for where in (Tables(), tables) for trial in examine_trials(where).entries}
    spoken_of = dict.fromkeys([*(row.model for row in changes), *(row.model for row in claims)])
    found: list[Finding] = []
    for name in (*spoken_of, *sorted(in_use - spoken_of.keys())):
        if name not in in_use or name not in model_names(tables):
            continue
        try:
            model = load_model(name, tables)
        except (DataError, ModelError) as error:
            if isinstance(error, ModelError) and name not in spoken_of:
                continue
            found.append(Finding("parameters.csv", None, None, f"model '{name}' cannot be built from the tables: {error}"))
            continue
        found += examine_model_experiments(model, tables).findings
        vocabulary = _Vocabulary(model, [row for row in changes if row.model == name], trials)
        found += _check_model(vocabulary, [row for row in claims if row.model == name])
    return tuple(found)


@dataclass(frozen=True)
class _Vocabulary:
    """Every name that rows about a model may use."""

    model: OdeModel
    changes: Sequence[ExperimentRow]
    trials: Mapping[str, Trial]
    """Study -> its trial."""

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
    def studies(self) -> frozenset[str]:
        """Studies, and STUDY:ARM of every arm that is compared with a control."""
        arms = (f"{trial.study}:{arm.name}" for trial in self.trials.values() for arm in trial.compared)
        return frozenset([*self.trials, *arms])

    @cached_property
    def names(self) -> Mapping[Named, frozenset[str]]:
        """What a name of a claim stands for -> the names there are."""
        return {
            Named.QUANTITY: self.quantities,
            Named.EXPERIMENT: self.experiments,
            Named.STUDY: self.studies,
            Named.ARM: frozenset(arm.name for trial in self.trials.values() for arm in trial.arms),
            Named.DAY: self.days,
            Named.PARAMETER: frozenset(self.model.parameter_names),
            Named.INTERACTION: frozenset(self.model.interactions),
        }

    def of_readout(self, readout: Readout) -> "_Vocabulary":
        """Return the names that rows about a read-out may use: of arms those of its own studies."""
        studies = readout.uses.get(Named.STUDY, self.trials)
        return replace(self, trials={study: trial for study, trial in self.trials.items() if study in studies})


def _check_model(vocabulary: _Vocabulary, claims: Iterable[ClaimRow]) -> Iterator[Finding]:
    readouts = readouts_of(vocabulary.model.name)
    for claim in claims:
        if claim.readout in readouts:
            yield from _check_readout(claim, readouts[claim.readout], vocabulary)
        else:
            yield _unknown(claim, "readout", "read-out", claim.readout, readouts)
        for name in (name for mechanism in claim.arrows.split() for name in mechanism.split("+")):
            if name not in vocabulary.names[Named.INTERACTION]:
                yield _unknown(claim, "arrows", Named.INTERACTION, name, vocabulary.names[Named.INTERACTION])


def _check_readout(row: ClaimRow, readout: Readout, vocabulary: _Vocabulary) -> Iterator[Finding]:
    """Check the columns a read-out needs, what else the row fills, and what the read-out uses beside the row."""
    for column, need in readout.needs.items():
        if not getattr(row, column):
            yield row.finding(column, f"read-out '{row.readout}' needs a value in column '{column}'", "fill it in")
        elif need is not Named.INTERACTION:  # every claim's are checked
            yield from _check_need(row, column, need, vocabulary.of_readout(readout))
    yield from _check_others(row, readout, vocabulary)
    for named, names in readout.uses.items():
        for name in names:
            if name not in vocabulary.names[named]:
                problem = f"read-out '{row.readout}' uses {named} '{name}', which model '{row.model}' does not have"
                yield row.finding("readout", problem, nearest(name, sorted(vocabulary.names[named])))


def _check_need(row: ClaimRow, column: str, need: Named | Choice, vocabulary: _Vocabulary) -> Iterator[Finding]:
    given: str = getattr(row, column)
    what, names = (need.what, need.names) if isinstance(need, Choice) else (str(need), vocabulary.names[need])
    study, _, arm = given.partition(":")
    if need is Named.STUDY and study in vocabulary.trials:
        try:
            vocabulary.trials[study].contrast(arm or None)
        except UsageError as error:
            yield row.finding(column, f"'{given}' in column '{column}': {error}", "write STUDY:ARM of an arm with a control")
    elif given not in names:
        yield _unknown(row, column, what, given, names)


def _check_others(row: ClaimRow, readout: Readout, vocabulary: _Vocabulary) -> Iterator[Finding]:
    """Check the columns that are filled although the read-out does not need them: a trial may be named, or another quantity."""
    read = vocabulary.experiments | vocabulary.studies
    others = {
        "experiment": ("experiment or study", read),
        "baseline": ("experiment, study or quantity", read | vocabulary.quantities),
        "day": ("read-out day", vocabulary.days),
    }
    for column, (what, names) in others.items():
        given = getattr(row, column)
        if column not in readout.needs and given is not None and given not in names:
            yield _unknown(row, column, what, given, names)


def _unknown(row: ClaimRow, column: str, what: str, given: str, known: Iterable[str]) -> Finding:
    return row.finding(column, f"model '{row.model}' has no {what} '{given}' in column '{column}'", nearest(given, sorted(known)))
