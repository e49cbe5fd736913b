"""What the picture of a model is drawn from: courses of its experiments and series of a parameter, at the values of the tables.

Start with `Picture`; `panels.csv` says what is shown, and `kinimmune.reports.figures.panels` draws it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array
from kinimmune.models.experiments.panels import BarPanel, Panel, SeriesPanel


@dataclass(frozen=True)
class NominalCourse:
    """A typical individual in one arm or experiment, at the values of the tables."""

    arm: str
    days: Array
    """[d], shape (k,)"""
    values: Mapping[str, Array]
    """State or output -> shape (k,)"""


@dataclass(frozen=True)
class SteppedSeries:
    """The quantities of a panel at a series of values of a parameter."""

    panel: SeriesPanel
    series: Array
    """Values of the parameter, increasing, shape (k,)"""
    values: Mapping[str, Array]
    """Quantity -> shape (k,)"""

    def crossing(self, quantity: str) -> float | None:
        """Return where the quantity first crosses the panel's level, straight over the logarithm; None where it does not."""
        side = self.values[quantity] > self.panel.level
        changes = np.flatnonzero(side[1:] != side[:-1])
        if not changes.size:
            return None
        k = int(changes[0])
        low, high = (float(self.values[quantity][index]) for index in (k, k + 1))
        share = (self.panel.level - low) / (high - low)
        return float(self.series[k] * (self.series[k + 1] / self.series[k]) ** share)


@dataclass(frozen=True)
class Picture:
    """Everything a picture is drawn from."""

    panels: tuple[Panel, ...]
    courses: Mapping[str, NominalCourse]
    """Experiment -> course; read-out days are among its days."""
    stepped: tuple[SteppedSeries, ...]
    days: Mapping[str, float]
    """Read-out day -> [d]"""
    units: Mapping[str, str]
    """Quantity or parameter -> unit"""

    def at(self, panel: BarPanel, experiment: str) -> float:
        """Return the height of a bar."""
        course = self.courses[experiment]
        return float(np.interp(self.days[panel.day], course.days, course.values[panel.quantity]))
