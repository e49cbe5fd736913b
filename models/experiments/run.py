"""A laboratory experiment on many individuals at once, read out at some days.

Start with `run_experiment`; `apply_experiment` changes parameters as an experiment says, and `find_errors` tells how far readings
may be off.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array
from kinimmune.models.errors import UsageError
from kinimmune.models.experiments.design import Experiment
from kinimmune.models.experiments.planning import plan_individuals
from kinimmune.models.solvers.dosing import Schedule
from kinimmune.models.solvers.global_error import ALLOWED
from kinimmune.models.solvers.integrators import Integrator
from kinimmune.models.solvers.reading_error import read_error
from kinimmune.models.solvers.tolerances import Tolerances, sizes_of
from kinimmune.models.symbolic.compile import CompiledModel


def apply_experiment(
    compiled: CompiledModel, experiment: Experiment, parameters: Array, knocked_out: tuple[str, ...] = ()
) -> Array:
    """Return parameters, shape (n_parameters, n), as the experiment changes them, with switched interactions knocked out.

    Raises
    ------
    UsageError
        for a parameter or switch the model does not have
    """
    names = compiled.model.parameter_names
    out = parameters.copy()
    for name, value in {**experiment.values, **{f"keep_{interaction}": 0.0 for interaction in knocked_out}}.items():
        out[_row(names, name, experiment)] = value
    for name, factor in experiment.factors.items():
        out[_row(names, name, experiment)] *= factor
    return out


def _row(names: tuple[str, ...], name: str, experiment: Experiment) -> int:
    if name not in names:
        raise UsageError(f"experiment '{experiment.name}' changes '{name}', which model '{experiment.model}' does not have")
    return names.index(name)


@dataclass(frozen=True)
class Readings:
    """States and outputs of n individuals at some days."""

    days: tuple[float, ...]
    """Days that are read [d]."""
    values: Mapping[str, Array]
    """State or output -> values, shape (n_days, n); NaN where an individual could not be integrated"""


def run_experiment(
    compiled: CompiledModel,
    integrate: Integrator,
    experiment: Experiment,
    parameters: Array,
    days: tuple[float, ...],
    tolerances: Tolerances,
) -> Readings:
    """Run an experiment for n sets of parameters.

    Parameters
    ----------
    compiled
        the model
    integrate
        how individuals are integrated
    experiment
        what is given; changes of parameters are already in `parameters`, see `apply_experiment`
    parameters
        shape (n_parameters, n)
    days
        read-out times [d], increasing, after 0
    tolerances
        local error per step
    """
    groups = plan_individuals(compiled.model, experiment, parameters, days[-1])
    parts = [_run_group(compiled, integrate, group.schedule, parameters[:, group.columns], days, tolerances) for group in groups]
    if len(groups) == 1:
        return Readings(days, parts[0])
    order = np.argsort(np.concatenate([group.columns for group in groups]))
    return Readings(days, {name: np.concatenate([part[name] for part in parts], axis=1)[:, order] for name in parts[0]})


def _run_group(
    compiled: CompiledModel,
    integrate: Integrator,
    schedule: Schedule,
    parameters: Array,
    days: tuple[float, ...],
    tolerances: Tolerances,
) -> dict[str, Array]:
    """Return state or output -> values of individuals under one schedule, shape (n_days, n)."""
    time = np.array([0.0, *days])
    trajectories = integrate(
        initial=compiled.initial(_with_inputs(compiled, schedule, parameters, 0.0)),
        parameters=parameters,
        time=time,
        schedule=schedule,
        tolerances=tolerances,
    )
    values = {name: trajectories[name][1:] for name in trajectories.names}
    outputs = [
        compiled.outputs(day, trajectories.states[:, k + 1], _with_inputs(compiled, schedule, parameters, day))
        for k, day in enumerate(days)
    ]
    for row, item in enumerate(compiled.model.outputs):
        values[item.name] = np.stack([output[row] for output in outputs])
    return values


def find_errors(
    compiled: CompiledModel, experiment: Experiment, parameters: Array, readings: Readings, name: str, tolerances: Tolerances
) -> Array:
    """Return the error a state or output of an experiment may have, shape (n_days, n).

    The integrator promises each state to `ALLOWED` times its tolerance, absolute * size + relative * |y|; `read_error` carries it
    on to an output.

    Parameters
    ----------
    compiled, experiment, parameters, tolerances
        as `run_experiment` took them
    readings
        what it returned
    name
        state or output
    """
    found = np.empty((len(readings.days), parameters.shape[1]))
    for columns, schedule in plan_individuals(compiled.model, experiment, parameters, readings.days[-1]):
        values = {state: reading[:, columns] for state, reading in readings.values.items()}
        part = Readings(readings.days, values)
        found[:, columns] = _find_errors(compiled, schedule, parameters[:, columns], part, name, tolerances)
    return found


def _find_errors(
    compiled: CompiledModel, schedule: Schedule, parameters: Array, readings: Readings, name: str, tolerances: Tolerances
) -> Array:
    """Return the errors of individuals under one schedule, shape (n_days, n)."""
    model = compiled.model
    start = compiled.initial(_with_inputs(compiled, schedule, parameters, 0.0))
    for dose in schedule.doses:
        if dose.time == 0.0:
            start[model.state_names.index(dose.state)] += dose.amount
    floor = tolerances.absolute * sizes_of(model, start)
    rows = []
    for k, day in enumerate(readings.days):
        states = np.stack([readings.values[state][k] for state in model.state_names])
        allowed = ALLOWED * (floor + tolerances.relative * np.abs(states))
        rows.append(read_error(compiled, name, day, states, _with_inputs(compiled, schedule, parameters, day), allowed))
    return np.stack(rows)


def _with_inputs(compiled: CompiledModel, schedule: Schedule, parameters: Array, moment: float) -> Array:
    """Return parameters, shape (n_parameters, n), with the inputs at a moment [d] below them."""
    values = schedule.at(moment)
    rows = [np.full((1, parameters.shape[1]), values.get(item.name, 0.0)) for item in compiled.model.inputs]
    return np.concatenate([parameters, *rows])
