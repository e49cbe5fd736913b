"""What an experiment gives, as the schedule an integrator takes; individuals whose sizes differ get schedules of their own.

Start with `plan_experiment` for one individual, `plan_individuals` for many.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kinimmune.models.arrays import Array
from kinimmune.models.experiments.design import Experiment
from kinimmune.models.solvers.dosing import Schedule
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.trial.regimens import list_sizes, plan_dosing


class PlannedGroup(NamedTuple):
    """Individuals under one schedule."""

    columns: slice | npt.NDArray[np.intp]
    """Which they are."""
    schedule: Schedule


def plan_experiment(model: OdeModel, experiment: Experiment, values: Mapping[str, float], horizon: float) -> Schedule:
    """Return what an individual is given.

    Parameters
    ----------
    model
        of the experiment
    experiment
        whose schedule is asked for
    values
        parameter -> value as the experiment changes it, for body weight, surface and volumes
    horizon
        up to which what has no last day is listed [d]

    Raises
    ------
    DataError
        for a drug without a role, a target the model does not have, or an amount that nothing takes in its unit
    """
    ends = [item.last_day for item in experiment.given if item.last_day < math.inf]
    return plan_dosing(model, experiment.given, values, max([horizon, *ends])).on


def plan_individuals(model: OdeModel, experiment: Experiment, parameters: Array, horizon: float) -> list[PlannedGroup]:
    """Return the schedules of many individuals, one where no amount is converted by a parameter in which they differ.

    Parameters
    ----------
    model, experiment, horizon
        as `plan_experiment` takes them
    parameters
        values as the experiment changes them, shape (n_parameters, n)
    """
    names = model.parameter_names
    sizes = parameters[[names.index(name) for name in list_sizes(model, experiment.given) if name in names]]
    if (sizes == sizes[:, :1]).all():
        first = dict(zip(names, parameters[:, 0].tolist(), strict=True))
        return [PlannedGroup(slice(None), plan_experiment(model, experiment, first, horizon))]
    groups = np.unique(sizes, axis=1, return_inverse=True)[1].reshape(-1)
    members = [np.flatnonzero(groups == group) for group in range(int(groups.max()) + 1)]
    return [
        PlannedGroup(columns, group.schedule)
        for columns in members
        for group in plan_individuals(model, experiment, parameters[:, columns], horizon)
    ]
