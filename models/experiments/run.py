"""A laboratory experiment on many individuals at once, read out at some days.

Start with `run_experiment`; `apply_experiment` changes parameters as an experiment says.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array
from kinimmune.models.errors import UsageError
from kinimmune.models.experiments.design import Experiment
from kinimmune.models.solvers.integrators import Integrator
from kinimmune.models.solvers.tolerances import Tolerances
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
    schedule = experiment.schedule()
    n = parameters.shape[1]

    def with_inputs(moment: float) -> Array:
        values = schedule.at(moment)
        rows = [np.full((1, n), values.get(item.name, 0.0)) for item in compiled.model.inputs]
        return np.concatenate([parameters, *rows])

    time = np.array([0.0, *days])
    trajectories = integrate(
        initial=compiled.initial(with_inputs(0.0)),
        parameters=parameters,
        time=time,
        schedule=schedule,
        tolerances=tolerances,
    )
    values = {name: trajectories[name][1:] for name in trajectories.names}
    outputs = [compiled.outputs(day, trajectories.states[:, k + 1], with_inputs(day)) for k, day in enumerate(days)]
    for row, item in enumerate(compiled.model.outputs):
        values[item.name] = np.stack([output[row] for output in outputs])
    return Readings(days, values)
