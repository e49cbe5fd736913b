"""When scans are planned: at one interval, or at another from some day on.

Start with `ScanPlan`.
"""

import math
from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array, Integers
from kinimmune.models.errors import DataError

STEPS_PER_SCAN = 6
"""Fewest grid points between scans: weekly for six-weekly scans; ln S is interpolated between them to better than 1e-5."""
MOST_STEPS = 60
"""Most grid points in the first interval that are tried to make every scan a point of one even grid."""


@dataclass(frozen=True)
class ScanPlan:
    """The planned dates of scans, counted in first intervals so that they are the same bits wherever they are needed.

    Raises
    ------
    DataError
        for half of a change, one before the first scan, or intervals without a common step
    """

    interval: float
    """[d] between scans, the first one interval after the start."""
    later_interval: float | None = None
    """[d] between the scans that follow, None where the interval does not change."""
    later_from: float | None = None
    """Day [d] whose scan, or else the last before it, is the last at the first interval."""

    def __post_init__(self) -> None:
        """Refuse a plan that is given by halves or has no grid."""
        if (self.later_interval is None) != (self.later_from is None):
            given, other = ("later_scan_interval", "later_scans_from")[:: 1 if self.later_from is None else -1]
            raise DataError(f"{given} without {other}; give both in design.csv, or none")
        if self.later_from is not None and self.later_from < self.interval * (1.0 - 1e-9):
            raise DataError(
                f"later_scans_from {self.later_from:g} d lies before the first scan, on day {self.interval:g}; "
                "give the later interval as scan_interval in design.csv"
            )
        if self._find_steps() is None:
            step = self.interval / STEPS_PER_SCAN
            nearest = step * max(STEPS_PER_SCAN, round(self.stretch * STEPS_PER_SCAN))
            raise DataError(
                f"scans every {self.interval:g} d and then every {self.later_interval:g} d have no common step of at least a "
                f"{MOST_STEPS}th of the first; give later_scan_interval in design.csv as {nearest:g} d, which has one"
            )

    @property
    def changes_after(self) -> float:
        """Number of scans at the first interval; infinite where it does not change."""
        return math.inf if self.later_from is None else math.floor(self.later_from / self.interval + 1e-9)

    @property
    def stretch(self) -> float:
        """The later interval in first ones; 1 where it does not change."""
        return 1.0 if self.later_interval is None else self.later_interval / self.interval

    @property
    def steps(self) -> int:
        """Steps of the grid in the first interval."""
        found = self._find_steps()
        assert found is not None  # refused when the plan was built
        return found

    def _find_steps(self) -> int | None:
        for steps in range(STEPS_PER_SCAN, MOST_STEPS + 1):
            later = steps * self.stretch
            if abs(later - round(later)) < 1e-6 and round(later) >= STEPS_PER_SCAN:
                return steps
        return None

    @property
    def step(self) -> float:
        """Step [d] of the even grid on which every scan lies."""
        return self.interval / self.steps

    def multiples(self, limit: float) -> Array:
        """Return the dates of all scans up to `limit`, both in first intervals, shape (n_scans,)."""
        early = np.arange(1.0, math.floor(min(limit, self.changes_after) + 1e-9) + 1.0)
        if limit <= self.changes_after:
            return early
        more = math.floor((limit - self.changes_after) / self.stretch + 1e-9)
        return np.concatenate([early, self.changes_after + self.stretch * np.arange(1.0, more + 1.0)])

    def first(self, count: int) -> Array:
        """Return the dates of the first scans in first intervals, shape (count,)."""
        return self.multiples(count * max(self.stretch, 1.0))[:count]

    def dates(self, horizon: float) -> Array:
        """Return the planned dates [d] up to `horizon` [d], shape (n_scans,)."""
        return self.interval * self.multiples(horizon / self.interval)

    def places(self, count: int) -> Integers:
        """Return the places of the first scans in a grid of `step`, shape (count,)."""
        return np.rint(self.steps * self.first(count)).astype(np.int64)

    def count_before(self, multiples: Array) -> Integers:
        """Return the number of scans that lie before times in first intervals, shape of `multiples`."""
        early = np.floor(multiples)
        if math.isinf(self.changes_after):
            return early.astype(np.int64)
        late = self.changes_after + np.floor((multiples - self.changes_after) / self.stretch)
        return np.where(multiples <= self.changes_after, early, late).astype(np.int64)

    def nearest(self, day: float) -> int:
        """Return the number (1, 2, ...) of the scan nearest to a day.

        >>> [ScanPlan(42.0).nearest(day) for day in (3.0, 42.6, 85.2, 167.4)]
        [1, 1, 2, 4]
        >>> [ScanPlan(42.0, 84.0, 168.0).nearest(day) for day in (85.2, 200.0, 220.0, 340.0)]
        [2, 4, 5, 6]
        """
        if day <= self.interval * self.changes_after:
            return max(1, round(day / self.interval))
        dates = self.dates(day + 2.0 * self.interval * self.stretch)
        return int(np.argmin(np.abs(dates - day))) + 1

    def distance(self, day: float) -> float:
        """Return how far [d] a day lies from the nearest scan."""
        return abs(float(self.interval * self.first(self.nearest(day))[-1]) - day)

    def __str__(self) -> str:
        """Return the plan in words.

        >>> str(ScanPlan(42.0, 84.0, 168.0)), str(ScanPlan(42.0))
        ('every 42 d, every 84 d after day 168', 'every 42 d')
        """
        if self.later_interval is None:
            return f"every {self.interval:g} d"
        return f"every {self.interval:g} d, every {self.later_interval:g} d after day {self.interval * self.changes_after:g}"
