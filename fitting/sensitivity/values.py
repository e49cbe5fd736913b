"""What an output is at many sets of parameters, at which times it is read, and on which parameters it can depend.

Start with `Responses`.  A set of parameters at which an output does not exist gives a reason, never a number.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kinimmune.fitting.problem.changes import ParameterChange, apply_changes
from kinimmune.fitting.problem.outputs import HazardRatioOutput, Output, OutputCatalogue, StateOutput, SurvivalOutput
from kinimmune.fitting.problem.read_targets import read_tried_trials
from kinimmune.models.arrays import Array
from kinimmune.models.catalogue import load_model
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.symbolic.scope import own_studies
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.tables.readers import read_experiments
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import Arm, Endpoint, supports_trials

TIMES = 12
"""Times at which the course of a state, of OS or of PFS is read, the last one that of the output."""


@dataclass(frozen=True)
class Responses:
    """An output at n sets of parameters."""

    values: Array
    """Shape (n, t): the output itself in the last column, its course before it; not a number where there is a reason."""
    reasons: tuple[str | None, ...]
    """Why there is no output; None where there is one."""
    errors: Array | None = None
    """How far each value may be from that of the equations by the error of what computed it, shape of `values`; None where they
    are exact."""


@dataclass(frozen=True)
class OutputReading:
    """An output with its course at one set of parameters."""

    values: Array
    """Shape (t,)."""
    errors: Array
    """How far each may be off, shape (t,)."""


Response = Callable[[Array], Responses]
"""Takes values of the varied parameters, shape (n, k), one set a row."""


def read_catalogue(model: str, tables: Tables, changes: Sequence[ParameterChange] = ()) -> OutputCatalogue:
    """Return what the outputs of a model can name, with what a fit takes otherwise than the tables say."""
    built = load_model(model, tables)
    if changes:
        built = replace(built, parameters=apply_changes(built.parameters, changes))
    kept = read_tried_trials(model, tables) if supports_trials(built) else ()
    experiments = tuple(item.name for item in read_experiments(built, tables))
    return OutputCatalogue(built, kept, experiments)


def select_parameters(catalogue: OutputCatalogue, output: Output) -> tuple[Parameter, ...]:
    """Return the parameters an output can depend on: those all studies share, of its study, of its arms and of their drugs."""
    parameters, arms = catalogue.model.parameters, _list_arms(catalogue, output)
    study = output.study or next(iter(own_studies(parameters)), None)
    later = [line for arm in arms if (line := arm.next_line) is not None]
    drugs = {None, *(drug for arm in arms for drug in arm.drugs), *(drug for line in later for drug in line.drugs)}
    names = {None, *(arm.name for arm in arms)}
    seen = (item for item in parameters if item.study in (None, study) and item.arm in names and item.drug in drugs)
    return tuple(item for item in seen if item.shift is None or output.study is not None)  # no trial, no deviation


def _list_arms(catalogue: OutputCatalogue, output: Output) -> tuple[Arm, ...]:
    """Return the arms of trials that an output is read in."""
    if output.study is None:
        return ()
    trial = catalogue.trial(output.study, output.name)
    if isinstance(output, HazardRatioOutput):
        return trial.contrast(output.arm)
    return (trial.arm(str(output.arm)),)


def list_times(catalogue: OutputCatalogue, output: Output) -> tuple[str, tuple[float, ...]]:
    """Return the unit (`d` or `month`) and the times of an output's course; empty for one number without a course."""
    if isinstance(output, StateOutput):
        return "d", tuple((np.arange(1.0, TIMES + 1.0) * output.day / TIMES).tolist())
    if not isinstance(output, SurvivalOutput):
        return "", ()
    if output.endpoint is not Endpoint.TTP:
        return "month", tuple((np.arange(1.0, TIMES + 1.0) * output.month / TIMES).tolist())
    plan = catalogue.trial(output.study, output.name).plan
    interval = plan.interval / DAYS_PER_MONTH
    return "month", tuple((interval * plan.multiples(output.month / interval)).tolist())


def with_values(parameters: Sequence[Parameter], fixed: Mapping[str, float]) -> tuple[Parameter, ...]:
    """Return parameters at other values: key -> value."""
    return tuple(item.at(fixed[item.key]) if item.key in fixed else item for item in parameters)


def gather_responses(rows: Sequence[OutputReading | str], width: int) -> Responses:
    """Return outputs with their courses, each of shape (width,), or the reasons why there are none, as one array."""
    values, errors = np.full((len(rows), width), math.nan), np.full((len(rows), width), math.nan)
    reasons: list[str | None] = []
    for index, row in enumerate(rows):
        if isinstance(row, str):
            reasons.append(row)
        elif np.all(np.isfinite(row.values)):
            values[index], errors[index] = row.values, row.errors
            reasons.append(None)
        else:
            reasons.append("the output is not finite")
    return Responses(values, tuple(reasons), errors)
