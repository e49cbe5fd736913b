"""What the figure of a model's experiments is drawn from: the experiments, run at the values of the tables or at changed ones.

Start with `gather_picture`.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from kinimmune.models.arrays import Array
from kinimmune.models.experiments.design import Experiment
from kinimmune.models.experiments.dose_response import concentrations
from kinimmune.models.experiments.individual import change_parameters
from kinimmune.models.experiments.individual_courses import PLOT_TOLERANCES, simulate_experiment, simulate_series
from kinimmune.models.experiments.panels import Panel, SeriesPanel, list_experiments, select_panels
from kinimmune.models.symbolic.compile import CompiledModel, compile_model
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import values_for
from kinimmune.models.tables.readers import read_days, read_experiments, read_panels
from kinimmune.models.tables.rows import Tables
from kinimmune.reports.panels import NominalCourse, Picture, SteppedSeries

_POINTS = 121
"""Times at which a course is drawn at least, besides read-out days."""
_PER_DOSE = 12
"""Times between two doses; a whole number, so that every interval looks alike and no slower rhythm is seen that is none."""
_MOST_POINTS = 4000
"""Times beyond which doses are not told apart: then each is met at the same hour."""


def gather_picture(model: OdeModel, tables: Tables, changes: Mapping[str, float]) -> Picture | None:
    """Return what a model's picture is drawn from; None when it has none, or the tables lack its experiments.

    Parameters
    ----------
    model
        the model
    tables
        of experiments
    changes
        parameter -> value, given by the user

    Raises
    ------
    UsageError
        for a parameter the model does not have, or a value outside its range
    NumericalError
        when an experiment cannot be integrated
    """
    experiments = {item.name: item for item in read_experiments(model, tables)}
    days = read_days(model.name, tables)
    units = {item.name: item.unit for item in model.states} | {item.name: item.unit for item in model.outputs}
    panels = select_panels(read_panels(model.name, tables), experiments, days, units)
    if not panels:
        return None
    values = values_for(change_parameters(model.parameters, changes), None)
    compiled = compile_model(model)
    stepped = [panel for panel in panels if isinstance(panel, SeriesPanel)]
    return Picture(
        panels=panels,
        courses=_follow(compiled, values, [experiments[name] for name in _name_experiments(panels)], days),
        stepped=tuple(_step(compiled, values, experiments[panel.experiment], panel, days) for panel in stepped),
        days=days,
        units=units | {item.name: item.unit for item in model.parameters},
    )


def _name_experiments(panels: Sequence[Panel]) -> list[str]:
    return list(dict.fromkeys(name for panel in panels if not isinstance(panel, SeriesPanel) for name in list_experiments(panel)))


def _follow(
    compiled: CompiledModel, values: Mapping[str, float], experiments: Sequence[Experiment], days: Mapping[str, float]
) -> dict[str, NominalCourse]:
    intervals = [dose.every for item in experiments for dose in item.given if dose.every is not None]
    time = np.unique([*choose_times(max(days.values()), min(intervals, default=None)), *days.values()])
    return {
        item.name: NominalCourse(item.name, time, simulate_experiment(compiled, values, item, time, PLOT_TOLERANCES))
        for item in experiments
    }


def choose_times(end: float, interval: float | None) -> Array:
    """Return times from 0 to `end` [d] at which a course under doses so many days apart is drawn; None where none is repeated.

    >>> choose_times(28.0, 7.0)[:4].round(3).tolist()
    [0.0, 0.233, 0.467, 0.7]
    """
    if interval is None:
        return np.linspace(0.0, end, _POINTS)
    parts = max(_PER_DOSE, math.ceil(interval * (_POINTS - 1) / end))
    too_many = end * parts / interval / _MOST_POINTS
    step = interval / parts if too_many <= 1.0 else interval * math.ceil(too_many / parts)
    return np.array([*np.arange(0.0, end, step), end])


def _step(
    compiled: CompiledModel, values: Mapping[str, float], experiment: Experiment, panel: SeriesPanel, days: Mapping[str, float]
) -> SteppedSeries:
    series = concentrations()
    found = simulate_series(compiled, values, experiment, panel.parameter, series, days[panel.day])
    wanted = {name: found[name] / found[name][0] if panel.relative else found[name] for name in panel.quantities}
    return SteppedSeries(panel, series, wanted)
