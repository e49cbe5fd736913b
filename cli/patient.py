"""One patient of a model, in an arm of a study, with parameters changed by the user; and the course that comes out.

Start with `plan_patient`.
"""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.cli.settings import SimulateOptions
from kinimmune.models.arrays import Array
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError, UsageError, nearest
from kinimmune.models.experiments.design import Experiment
from kinimmune.models.experiments.nominal import follow, follow_experiment
from kinimmune.models.solvers.dosing import constant
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter, values_for
from kinimmune.models.tables.readers import read_days, read_experiments, read_trials
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import Arm


@dataclass(frozen=True)
class Column:
    """One quantity in time."""

    name: str
    unit: str
    meaning: str
    values: Array
    """shape of the times it belongs to"""


@dataclass(frozen=True)
class Course:
    """What happened to a patient, one column per state and output."""

    model: str
    study: str | None
    arm: str | None
    time: Array
    """[d], shape (k,)"""
    columns: tuple[Column, ...]

    def plain(self) -> dict[str, object]:
        """Return the course ready for JSON (schema `kinimmune.simulate/1`)."""
        return {
            "schema": "kinimmune.simulate/1",
            "model": self.model,
            "study": self.study,
            "arm": self.arm,
            "days": self.time.tolist(),
            "columns": [
                {"name": item.name, "unit": item.unit, "meaning": item.meaning, "values": item.values.tolist()}
                for item in self.columns
            ],
        }

    def csv(self) -> str:
        """Return the course as a table; headers carry units."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["time [d]", *(f"{item.name} [{item.unit}]" for item in self.columns)])
        writer.writerows(zip(self.time.tolist(), *(item.values.tolist() for item in self.columns), strict=True))
        return text.getvalue()


@dataclass(frozen=True)
class Patient:
    """What is to be simulated."""

    model: OdeModel
    study: str | None
    arm: Arm | Experiment | None
    """None for an untreated patient."""
    days: float
    values: Mapping[str, float]
    """Before what an experiment changes."""

    @property
    def summary(self) -> str:
        """One line that tells whose course it is."""
        given = "untreated" if self.arm is None else f"arm {_label(self.arm)}"
        values = "" if self.study is None else f", values of {self.study}"
        return f"{self.model.name}, one patient, {given}{values}, {self.days:g} days"

    def simulate(self) -> Course:
        """Integrate the patient day by day.

        Raises
        ------
        NumericalError
            when the integration fails, with the day and the reason
        """
        time = np.unique(np.append(np.arange(0.0, self.days), self.days))
        compiled = compile_model(self.model)
        if isinstance(self.arm, Experiment):
            found = follow_experiment(compiled, self.values, self.arm, time)
        else:
            found = follow(compiled, self.values, constant() if self.arm is None else self.arm.schedule, time)
        labels = [(state.name, state.unit, state.meaning) for state in self.model.states]
        labels += [(item.name, item.unit, item.reason) for item in self.model.outputs]
        columns = tuple(Column(*label, found[label[0]]) for label in labels)
        return Course(self.model.name, self.study, None if self.arm is None else self.arm.name, time, columns)


def plan_patient(name: str, tables: Tables, options: SimulateOptions) -> Patient:
    """Return the patient a user asks for.

    Raises
    ------
    UsageError
        for an unknown model, arm or parameter, with the nearest name, or a value outside its range
    """
    model = load_model(name, tables)
    studies = tuple(dict.fromkeys(item.study for item in model.parameters if item.study is not None))
    arm = None if options.arm is None else _find_arm(model, options.arm, tables, studies)
    study = arm.study if isinstance(arm, Arm) else next(iter(studies), None)
    parameters = change_parameters([item for item in model.parameters if item.study in (None, study)], options.set)
    values, days = values_for(parameters, study), options.days
    if isinstance(arm, Experiment):
        _require_free(options.set, arm)
        days = days if "days" in options.model_fields_set else _last_day(model.name, tables, days)
    return Patient(model, study if studies else None, arm, days, values)


def _last_day(model: str, tables: Tables, otherwise: float) -> float:
    """Return the last read-out day of a model's experiments [d]."""
    return max((day for owner, _, day in read_days(tables) if owner == model), default=otherwise)


def _require_free(changes: Mapping[str, float], experiment: Experiment) -> None:
    for name in changes:
        if name in experiment.values:
            raise UsageError(f"--set {name}: experiment '{experiment.name}' sets it; leave out one of them")


def _label(arm: Arm | Experiment) -> str:
    return arm.name if isinstance(arm, Experiment) else f"{arm.study}:{arm.name}"


def parse_changes(texts: Iterable[str]) -> dict[str, float]:
    """Return parameter -> value from texts such as `growth=0.01`.

    Raises
    ------
    UsageError
        for a text of another form

    Examples
    --------
    >>> parse_changes(["growth=0.01", "kinase_shift = 2"])
    {'growth': 0.01, 'kinase_shift': 2.0}
    """
    changes: dict[str, float] = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            changes[name.strip()] = float(value)
        except ValueError:
            raise UsageError(f"--set '{text}': write NAME=VALUE with a number, such as growth=0.01") from None
        if not math.isfinite(changes[name.strip()]):
            raise UsageError(f"--set '{text}': the value must be finite")
    return changes


def change_parameters(parameters: Sequence[Parameter], changes: Mapping[str, float]) -> tuple[Parameter, ...]:
    """Return parameters with the values a user gave; raises `UsageError` for an unknown name or a value outside its range."""
    names = {alias: item.name for item in parameters for alias in (item.name, item.key)}
    wanted: dict[str, float] = {}
    for given, value in changes.items():
        if given not in names:
            raise UsageError(f"no parameter '{given}' here; {nearest(given, names)}")
        wanted[names[given]] = value
    try:
        return tuple(item.at(wanted[item.name]) if item.name in wanted else item for item in parameters)
    except DataError as error:
        raise UsageError(f"--set: {error}") from error


def _find_arm(model: OdeModel, text: str, tables: Tables, studies: Sequence[str]) -> Arm | Experiment:
    """Return the arm or experiment of a name; a model of trials means an arm first, any other an experiment."""
    experiments = [item for item in read_experiments(tables) if item.model == model.name]
    arms: list[Arm] = []
    if "dose_rate" in {item.name for item in model.inputs}:
        arms = [arm for trial in read_trials(tables) for arm in trial.arms if not studies or arm.study in studies]
    if not arms and not experiments:
        raise UsageError(f"model '{model.name}' takes no drug, so it has no arm '{text}'; leave --arm out")
    of_trials = [arm for arm in arms if text in (arm.name, f"{arm.study}:{arm.name}")]
    of_laboratory = [item for item in experiments if item.name == text]
    found: list[Arm | Experiment] = [*of_trials, *of_laboratory] if studies else [*of_laboratory, *of_trials]
    if not found:
        names = [*(f"{arm.study}:{arm.name}" for arm in arms if studies or not experiments), *(item.name for item in experiments)]
        raise UsageError(f"unknown arm '{text}'; {nearest(text, names)}")
    return found[0]
