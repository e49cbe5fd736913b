"""Courses of one individual by scipy: under a schedule, in an experiment, and at a series of values of a parameter.

Start with `simulate_course`.
"""

from collections.abc import Mapping

import numpy as np

from kinimmune.models.arrays import Array
from kinimmune.models.errors import NumericalError
from kinimmune.models.experiments.design import Experiment
from kinimmune.models.experiments.planning import plan_experiment
from kinimmune.models.experiments.run import apply_experiment
from kinimmune.models.kernel.completion import Completion
from kinimmune.models.solvers.dosing import Schedule
from kinimmune.models.solvers.individual import simulate
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import CompiledModel

PLOT_TOLERANCES = Tolerances(1e-5, 1e-7)
"""Local error of courses that are only plotted."""


def simulate_course(
    compiled: CompiledModel,
    values: Mapping[str, float],
    schedule: Schedule,
    time: Array,
    tolerances: Tolerances | None = None,
) -> dict[str, Array]:
    """Return state or output -> values at `time` [d], each shape (k,).

    Raises
    ------
    NumericalError
        when the integration fails, with the day and the reason
    """
    trajectories = simulate(compiled, values, time, schedule, tolerances=tolerances)
    if trajectories.completion is not Completion.COMPLETE:
        raise NumericalError(f"{compiled.model.name} failed {trajectories.failure}: {trajectories.completion.message}")
    names = [*compiled.model.state_names, *(item.name for item in compiled.model.outputs)]
    return dict(zip(names, [*trajectories.states, *trajectories.outputs], strict=True))


def values_in_experiment(compiled: CompiledModel, values: Mapping[str, float], experiment: Experiment) -> dict[str, float]:
    """Return parameter values as an experiment changes them; raises `UsageError` for one the model does not have."""
    names = compiled.model.parameter_names
    column = apply_experiment(compiled, experiment, np.array([[values[name]] for name in names]))
    return dict(zip(names, column[:, 0].tolist(), strict=True))


def simulate_experiment(
    compiled: CompiledModel,
    values: Mapping[str, float],
    experiment: Experiment,
    time: Array,
    tolerances: Tolerances | None = None,
) -> dict[str, Array]:
    """Return state or output -> values at `time` [d] in an experiment, each shape (k,); `values` are those without it."""
    changed = values_in_experiment(compiled, values, experiment)
    schedule = plan_experiment(compiled.model, experiment, changed, float(time[-1]))
    return simulate_course(compiled, changed, schedule, time, tolerances)


def simulate_series(
    compiled: CompiledModel,
    values: Mapping[str, float],
    experiment: Experiment,
    parameter: str,
    series: Array,
    day: float,
) -> dict[str, Array]:
    """Return state or output -> values at one day [d] with a parameter at each value of a series, each shape (k,)."""
    ends = []
    for value in series.tolist():
        changed = values_in_experiment(compiled, values, experiment) | {parameter: value}
        schedule = plan_experiment(compiled.model, experiment, changed, day)
        ends.append(simulate_course(compiled, changed, schedule, np.array([0.0, day]), PLOT_TOLERANCES))
    return {name: np.array([float(end[name][-1]) for end in ends]) for name in ends[0]}
