"""Arms with a next line, and patients who may go on with it: builders for tests."""

from dataclasses import replace

import numpy as np
from straight_trial import enrol

from kinimmune.models.trial.next_line import NextLinePatients, plan_next_line


def with_line(trial, arm, line):
    arms = tuple(replace(item, next_line=line) if item.name == arm else item for item in trial.arms)
    return replace(trial, arms=arms)


def make_patients(model, **values):
    """Return parameters, shape (n_parameters, n): those of the model, some in place of them."""
    columns = np.broadcast_arrays(*(np.atleast_1d(values.get(item.name, item.value)) for item in model.parameters))
    return np.array(columns, dtype=float)


def enrol_line(model, trial, arm, rule, parameters, later=None):
    """Return a cohort whose next line is planned, with other values of some parameters while it is given."""
    line = trial.arm(arm).next_line
    bare = with_line(trial, arm, None)
    cohort = enrol(model, bare, arm, rule, parameters)
    changed = parameters.copy()
    for name, value in (later or {}).items():
        changed[model.parameter_names.index(name)] = value
    values = dict(zip(model.parameter_names, changed[:, 0].tolist(), strict=True))
    patients = NextLinePatients(plan_next_line(model, line, values, 1000.0), changed)
    return replace(cohort, trial=trial, arm=trial.arm(arm), next_line=patients)
