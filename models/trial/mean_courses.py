"""Mean courses of states and outputs among patients alive, on and off drug as the trial leaves them.

Start with `mean_courses`.
"""

from collections.abc import Sequence

import numpy as np

from kinimmune.models.arrays import Array
from kinimmune.models.solvers.chunks import cut
from kinimmune.models.trial.treatment_paths import ArmTask, Courses, Engine, follow, patients_at, survival_of, with_inputs
from kinimmune.models.trial.virtual_trial import CHUNK


def mean_courses(engine: Engine, task: ArmTask, names: Sequence[str]) -> dict[str, Array]:
    """Return name -> mean over patients alive at each time of the engine's grid, shape (g,).

    Parameters
    ----------
    engine
        how patients are integrated
    task
        arm, stop rule and parameters
    names
        states and outputs of the model
    """
    total = np.zeros((len(names), engine.grid(task.trial).size))
    weight = np.zeros(total.shape[1])
    for which in cut(task.patients, CHUNK):
        chunk = task.part(which)
        courses = follow(engine, chunk, engine.compiled.model.state_names)
        inputs = with_inputs(engine, chunk.parameters, chunk.arm)
        off = inputs[:, courses.patient].copy()
        off[len(engine.compiled.model.parameter_names) :] = 0.0
        for states, given, alive in (
            (courses.trunk.states, inputs, patients_at(courses) * survival_of(courses.trunk)),
            (courses.branches.states, off, courses.branch_weight * survival_of(courses.branches)),
        ):
            values = _values(engine, courses, states, given, names)
            total += np.where(alive > 0.0, values * alive, 0.0).sum(axis=-1)
            weight += alive.sum(axis=-1)
    return {name: row / weight for name, row in zip(names, total, strict=True)}


def _values(engine: Engine, courses: Courses, states: Array, inputs: Array, names: Sequence[str]) -> Array:
    """Return the named states and outputs, shape (n_names, g, n)."""
    model = engine.compiled.model
    outputs = engine.compiled.outputs(courses.grid[:, None], states, inputs[:, None, :])
    rows = {item.name: row for item, row in zip(model.states, states, strict=True)}
    rows |= {item.name: row for item, row in zip(model.outputs, outputs, strict=True)}
    return np.stack([rows[name] for name in names])
