"""What the picture of a model shows: one panel a quantity or a group of them, over its experiments.

Start with `Panel`; `read_panels` (in `kinimmune.models.tables.readers`) makes them from `panels.csv`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class CoursePanel:
    """A quantity in time, one line per experiment."""

    title: str
    quantity: str
    """State or output that is drawn."""
    experiments: tuple[str, ...]


@dataclass(frozen=True)
class BarPanel:
    """A quantity at a read-out day, one bar per experiment."""

    title: str
    quantity: str
    """State or output that is drawn."""
    experiments: tuple[str, ...]
    day: str
    """Name of the read-out day."""


@dataclass(frozen=True)
class SeriesPanel:
    """Quantities at a read-out day against a parameter that is stepped through a series, one line per quantity."""

    title: str
    quantities: tuple[str, ...]
    """States or outputs that are drawn."""
    experiment: str
    parameter: str
    """Parameter that is stepped."""
    day: str
    """Name of the read-out day."""
    level: float
    """Where a line crosses it, a mark stands [unit of the quantities]; the crossing is an IC50 when the level is one half."""
    relative: bool = False
    """Whether values are over that at the start of the series."""


Panel = CoursePanel | BarPanel | SeriesPanel


def list_experiments(panel: Panel) -> tuple[str, ...]:
    """Return the experiments a panel shows."""
    return (panel.experiment,) if isinstance(panel, SeriesPanel) else panel.experiments


def list_quantities(panel: Panel) -> tuple[str, ...]:
    """Return the states and outputs a panel shows."""
    return panel.quantities if isinstance(panel, SeriesPanel) else (panel.quantity,)


def select_panels(
    panels: Sequence[Panel], experiments: Collection[str], days: Collection[str], quantities: Collection[str]
) -> tuple[Panel, ...]:
    """Return the panels for which a model and its tables have every experiment, read-out day and quantity."""

    def is_possible(panel: Panel) -> bool:
        dated = isinstance(panel, CoursePanel) or panel.day in days
        return dated and set(list_experiments(panel)) <= set(experiments) and set(list_quantities(panel)) <= set(quantities)

    return tuple(panel for panel in panels if is_possible(panel))
