"""One individual of a model and its course: in an arm of a trial, in an experiment or untreated, with parameters changed.

Start with `plan_individual` and `simulate_individual`; `read_designs` (in `kinimmune.models.tables.readers`) tells the arms and
experiments a model's individual can be in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError, UsageError, nearest
from kinimmune.models.experiments.design import Designs, Experiment
from kinimmune.models.experiments.individual_courses import simulate_course, simulate_experiment
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.symbolic.scope import own_studies, own_values, parameters_of
from kinimmune.models.trial.design import Arm
from kinimmune.models.trial.regimens import plan_dosing

if TYPE_CHECKING:
    import pandas as pd

USUAL_DAYS = 360.0
"""Horizon where none is asked for and neither an experiment nor the model tells one [d]: a year of a patient."""


@dataclass(frozen=True)
class IndividualRequest:
    """What individual is asked for."""

    arm: str | None = None
    """`STUDY:ARM` or `ARM` of a trial, or the name of an experiment; None for an untreated individual."""
    days: float | None = None
    """Horizon [d]; None for the last read-out day in an experiment, else for that of the model, or `USUAL_DAYS`."""
    changes: Mapping[str, float] = field(default_factory=dict)
    """Parameter -> value in place of the tables'."""


@dataclass(frozen=True)
class Individual:
    """An individual that can be simulated."""

    model: OdeModel
    study: str | None
    """Whose values the parameters have; None for a model without studies."""
    arm: Arm | Experiment | None
    """None for an untreated individual."""
    days: float
    """Horizon [d]."""
    values: Mapping[str, float]
    """Parameter -> value before an experiment changes it."""

    @property
    def summary(self) -> str:
        """One line that tells whose course it is."""
        given = "untreated" if self.arm is None else f"arm {_spell_arm(self.arm)}"
        values = "" if self.study is None else f", values of {self.study}"
        later = self.arm.next_line if isinstance(self.arm, Arm) else None
        line = "" if later is None else f" to the end, without its next line '{later.arm}'"
        return f"{self.model.name}, one patient, {given}{line}{values}, {self.days:g} days"


@dataclass(frozen=True)
class QuantityCourse:
    """A state or an output in time."""

    name: str
    unit: str
    meaning: str
    course: Array
    """Value at each time of the individual's course [`unit`], shape (k,)."""


@dataclass(frozen=True)
class IndividualCourse:
    """The course of an individual, day by day."""

    model: str
    study: str | None
    arm: str | None
    time: Array
    """[d], shape (k,)"""
    quantities: tuple[QuantityCourse, ...]
    """States, then outputs."""

    def __repr__(self) -> str:
        """Return the course in a line."""
        arm = "untreated" if self.arm is None else self.arm
        return f"IndividualCourse({self.model}, {arm}, {self.time[-1]:g} d, {len(self.quantities)} quantities)"

    def __getitem__(self, name: str) -> Array:
        """Return a state or an output by its name, shape (k,).

        Raises
        ------
        KeyError
            for a name the course does not have, with the nearest
        """
        courses = {item.name: item.course for item in self.quantities}
        if name not in courses:
            raise KeyError(f"no quantity '{name}'; {nearest(name, courses)}")
        return courses[name]

    def to_frame(self) -> "pd.DataFrame":
        """Return a table with one row for each time and one column for each quantity; the index is the day."""
        import pandas as pd

        return pd.DataFrame({item.name: item.course for item in self.quantities}, index=pd.Index(self.time, name="day"))


def plan_individual(model: OdeModel, request: IndividualRequest, designs: Designs) -> Individual:
    """Return the individual that is asked for.

    Parameters
    ----------
    model
        the model
    request
        arm, horizon and changed parameters
    designs
        arms and experiments the individual can be in

    Raises
    ------
    UsageError
        for an unknown arm or parameter, with the nearest name, or a value outside its range
    """
    studies = own_studies(model.parameters)
    arm = None if request.arm is None else _find_arm(model, request.arm, designs, studies)
    study = arm.study if isinstance(arm, Arm) else next(iter(studies), None)
    own = arm.name if isinstance(arm, Arm) else None
    parameters = change_parameters(parameters_of(model.parameters, study, own, _list_drugs(arm)), request.changes)
    if isinstance(arm, Experiment):
        _require_free(request.changes, arm)
    values = {item.name: item.value for item in parameters}
    if isinstance(arm, Arm):
        changed = {item.name for item in parameters if {item.name, item.key} & request.changes.keys()}
        of_drug = designs.drug_values[f"{arm.study}:{arm.name}"]
        last = changed | own_values(parameters).keys()
        values |= {name: value for name, value in of_drug.items() if name not in last}
    days = _choose_days(model, arm, designs) if request.days is None else request.days
    return Individual(model, study if studies else None, arm, days, values)


def _choose_days(model: OdeModel, arm: Arm | Experiment | None, designs: Designs) -> float:
    """Return the horizon where none is asked for [d]."""
    usual = USUAL_DAYS if model.usual_days is None else model.usual_days
    return max(designs.read_out_days.values(), default=usual) if isinstance(arm, Experiment) else usual


def simulate_individual(individual: Individual) -> IndividualCourse:
    """Integrate an individual by scipy; the course holds every whole day and the horizon.

    Raises
    ------
    NumericalError
        when the integration fails, with the day and the reason
    """
    model, arm = individual.model, individual.arm
    time = np.unique(np.append(np.arange(0.0, individual.days), individual.days))
    compiled = compile_model(model)
    if isinstance(arm, Experiment):
        found = simulate_experiment(compiled, individual.values, arm, time)
    else:
        given = () if arm is None else arm.administrations
        dosing = plan_dosing(model, given, individual.values, individual.days)
        found = simulate_course(compiled, individual.values, dosing.on, time)
    labels = [(state.name, state.unit, state.meaning) for state in model.states]
    labels += [(item.name, item.unit, item.reason) for item in model.outputs]
    quantities = tuple(QuantityCourse(*label, found[label[0]]) for label in labels)
    return IndividualCourse(model.name, individual.study, None if arm is None else arm.name, time, quantities)


def select_quantities(course: IndividualCourse, names: Sequence[str]) -> IndividualCourse:
    """Return a course of the named states and outputs alone, in the order of their names.

    Raises
    ------
    UsageError
        for no name, or one the course does not have, with the nearest
    """
    known = {item.name: item for item in course.quantities}
    wrong = [name for name in names if name not in known]
    if wrong or not names:
        given = f"no state or output '{wrong[0]}' in model '{course.model}'" if wrong else "no state or output is named"
        raise UsageError(f"{given}; {nearest(wrong[0] if wrong else '', known)}")
    return replace(course, quantities=tuple(known[name] for name in dict.fromkeys(names)))


def change_parameters(parameters: Sequence[Parameter], changes: Mapping[str, float]) -> tuple[Parameter, ...]:
    """Return parameters with values a user gave by name or key.

    Raises
    ------
    UsageError
        for an unknown name, with the nearest one, or a value outside its range
    """
    names = dict.fromkeys(alias for item in parameters for alias in (item.name, item.key))
    for given in changes:
        if given not in names:
            raise UsageError(f"no parameter '{given}' here; {nearest(given, names)}")
    wanted = {item.key: changes[name] for item in parameters for name in (item.name, item.key) if name in changes}
    try:
        return tuple(item.at(wanted[item.key]) if item.key in wanted else item for item in parameters)
    except DataError as error:
        raise UsageError(f"--set: {error}") from error


def _list_drugs(arm: Arm | Experiment | None) -> tuple[str, ...]:
    return arm.drugs if isinstance(arm, Arm) else ()


def _require_free(changes: Mapping[str, float], experiment: Experiment) -> None:
    for name in changes:
        if name in experiment.values:  # noqa: PD011 - a mapping, no table
            raise UsageError(f"--set {name}: experiment '{experiment.name}' sets it; leave out one of them")


def _spell_arm(arm: Arm | Experiment) -> str:
    return arm.name if isinstance(arm, Experiment) else f"{arm.study}:{arm.name}"


def _find_arm(model: OdeModel, text: str, designs: Designs, studies: Sequence[str]) -> Arm | Experiment:
    """Return the arm or experiment of a name; a model of trials means an arm first, any other an experiment."""
    arms = [arm for trial in designs.trials for arm in trial.arms if not studies or arm.study in studies]
    if not arms and not designs.experiments:
        raise UsageError(f"model '{model.name}' takes no drug, so it has no arm '{text}'; leave --arm out")
    of_trials = [arm for arm in arms if text in (arm.name, f"{arm.study}:{arm.name}")]
    of_laboratory = [item for item in designs.experiments if item.name == text]
    found: list[Arm | Experiment] = [*of_trials, *of_laboratory]
    if not found:
        names = [_spell_arm(arm) for arm in arms]
        names += [item.name for item in designs.experiments]
        raise UsageError(f"unknown arm '{text}'; {nearest(text, names)}")
    if len(of_trials) > 1:
        raise UsageError(f"arm '{text}' is in several studies; write --arm {' or --arm '.join(map(_spell_arm, of_trials))}")
    return found[0]
