"""A survival curve as it was read: made monotone, with its reading error, defined at every time.

Start with `clean`, from clicks to a `ReadCurve`.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.optimize import isotonic_regression

from kinimmune.fitting.curves.digitised import LOWEST_START, Clicks
from kinimmune.models.arrays import Array, Integers, real
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.tables.patient_rows import TimeUnit

LARGEST_RISE = 0.05
"""By how much a later point may lie above an earlier one [1]; more is no slip of the hand."""
CORNER = 0.015
"""A rise above it [1] between points of nearly the same time is a corner whose two points were read in the wrong order."""
LEAST_ERROR = 0.002
"""Smallest reading error [1], assumed where nothing tells more: half a pixel of axes 250 pixels high."""
LARGEST_ERROR = 0.05
"""Largest reading error [1] that can be given."""
FEWEST_SPARE = 8
"""Points beyond the levels of the monotone curve that are needed to tell their scatter."""
_UNIFORM = 12.0
"""Variance of a uniform distribution: the square of its width over this."""


class Points(StrEnum):
    """What lies between two neighbouring points."""

    CURVE = "curve"
    """The straight line between them: right where corners were clicked, and unbiased where some were missed."""
    STEPS = "steps"
    """A horizontal line, then the fall to the second point, which is the foot of a step."""


@dataclass(frozen=True)
class ReadingError:
    """How exactly survival was read, and how that is known."""

    value: float
    """Standard deviation [1]."""
    origin: str
    """In words."""
    is_given: bool = False
    """Whether it is the user's, which holds at every time."""


@dataclass(frozen=True)
class ReadCurve:
    """A survival curve of straight pieces and vertical falls."""

    unit: TimeUnit
    time: Array
    """[unit], from 0 on, never decreasing, shape (k,); twice at a vertical fall."""
    survival: Array
    """[1], from 1 on, never rising, shape (k,)."""
    error: ReadingError
    time_error: float
    """How far the curve may lie beside its time [unit]."""

    def __post_init__(self) -> None:
        """Refuse what is no survival curve."""
        falls = self.survival[0] == 1.0 and bool((np.diff(self.survival) <= 0.0).all()) and self.survival[-1] >= 0.0
        if not falls or self.time[0] != 0.0 or bool((np.diff(self.time) < 0.0).any()):
            raise DataError("a read curve must begin with 1 at time 0 and never rise; give points in the order of time")

    @property
    def end(self) -> float:
        """Last time of the curve [unit]."""
        return float(self.time[-1])

    def at(self, time: Array) -> Array:
        """Return survival at times [unit], after a fall that is there; beyond the end its last value."""
        before = np.clip(np.searchsorted(self.time, time, side="right") - 1, 0, self.time.size - 1)
        return self._between(before, np.minimum(before + 1, self.time.size - 1), time)

    def just_before(self, time: Array) -> Array:
        """Return survival at times [unit], before a fall that is there."""
        after = np.clip(np.searchsorted(self.time, time, side="left"), 0, self.time.size - 1)
        return self._between(np.maximum(after - 1, 0), after, time)

    def _between(self, before: Integers, after: Integers, time: Array) -> Array:
        width = self.time[after] - self.time[before]
        part = np.divide(time - self.time[before], width, out=np.zeros(np.shape(time)), where=width > 0.0)
        fall = self.survival[before] - self.survival[after]
        return real(self.survival[before] - np.clip(part, 0.0, 1.0) * fall)

    def first_time_at(self, level: float) -> float:
        """Return the first time [unit] at which survival is at or below a level; infinite where it stays above."""
        after = int(np.searchsorted(-self.survival, -level, side="left"))
        if after == self.time.size:
            return float("inf")
        if after == 0 or self.time[after] == self.time[after - 1]:
            return float(self.time[after])
        upper, lower = self.survival[after - 1], self.survival[after]
        part = (upper - level) / (upper - lower)
        return float(self.time[after - 1] + part * (self.time[after] - self.time[after - 1]))

    def falls_near(self, time: Array) -> Array:
        """Return by how much the curve falls within `time_error` on either side of times [unit], shape of `time`."""
        return real(self.just_before(time - self.time_error) - self.at(time + self.time_error))

    def bounds_at(self, time: Array) -> tuple[Array, Array]:
        """Return the lowest and highest survival that times [unit] can have, since it falls from point to point.

        Beside a point it is what the curve is within the error of the time, elsewhere anything between the points around it.
        """
        after = np.searchsorted(self.time, time, side="left").clip(0, self.time.size - 1)
        before = (np.searchsorted(self.time, time, side="right") - 1).clip(0)
        beside = np.minimum(self.time[after] - time, time - self.time[before]) <= self.time_error
        lowest = np.where(beside, self.at(time + self.time_error), self.survival[after])
        return lowest, np.where(beside, self.just_before(time - self.time_error), self.survival[before])

    def errors_at(self, time: Array, at_risk: Integers) -> Array:
        """Return the standard deviation of survival read at times [unit] with so many at risk, 0 at time 0.

        Two variances are added to that of reading.  Where the curve falls by D within the error of the time, any value of that
        fall may have been read: a uniform distribution, D^2 / 12.  At a part f of the way between two points that differ by D
        nobody looked: of d = n D / S events, spread evenly, f d have happened, give or take: D^2 f (1 - f) / d.  An error the
        user gives holds as it is.
        """
        if self.error.is_given:
            return np.where(time == 0.0, 0.0, self.error.value)
        variance = self.error.value**2 + self.falls_near(time) ** 2 / _UNIFORM + self._unseen(time, at_risk)
        return real(np.where(time == 0.0, 0.0, np.sqrt(variance)))

    def _unseen(self, time: Array, at_risk: Integers) -> Array:
        """Return the variance [1] of survival at times between two points."""
        before = np.clip(np.searchsorted(self.time, time, side="right") - 1, 0, self.time.size - 1)
        after = np.minimum(before + 1, self.time.size - 1)
        upper, lower, now = self.survival[before], self.survival[after], self.at(time)
        done = np.divide(upper - now, upper - lower, out=np.zeros(np.shape(time)), where=upper > lower)
        return real(done * (1.0 - done) * (upper - lower) * upper / np.maximum(at_risk, 1))


def clean(clicks: Clicks, points: Points, reading_error: float | None = None) -> ReadCurve:
    """Return the monotone curve nearest to the points, by least squares (isotonic regression).

    Before that, neighbouring points that rise by more than `CORNER` within twice the error of the time change places: they are
    the corners of one fall.  Points within the error of the time of time 0 are 1.

    Parameters
    ----------
    clicks
        as they were read
    points
        what lies between them
    reading_error
        its standard deviation [1]; estimated from their scatter for None

    Raises
    ------
    DataError
        when they rise by more than `LARGEST_RISE`; the message names the row
    UsageError
        when the error lies outside 0 to `LARGEST_ERROR`
    """
    _require_error(reading_error)
    survival, row = _settle_corners(clicks)
    survival = np.where((clicks.time <= clicks.time_error) & (survival >= LOWEST_START), 1.0, survival)
    _require_falling(clicks, survival, row)
    fitted = isotonic_regression(survival, increasing=False)
    error = _estimate_error(clicks, survival, fitted.x, fitted.blocks.size - 1) if reading_error is None else None
    time, values = np.concatenate([[0.0], clicks.time]), np.concatenate([[1.0], np.clip(fitted.x, 0.0, 1.0)])
    if points is Points.STEPS:
        time, values = np.repeat(time, 2)[1:], np.repeat(values, 2)[:-1]
    kept = _turns(values)
    given = ReadingError(reading_error or 0.0, "given", is_given=True)
    return ReadCurve(clicks.unit, time[kept], values[kept], error or given, clicks.time_error)


def _require_error(given: float | None) -> None:
    if given is not None and not 0.0 < given <= LARGEST_ERROR:
        raise UsageError(f"--reading-error {given:g} lies outside 0 to {LARGEST_ERROR:g}; give a standard deviation of the share")


def _settle_corners(clicks: Clicks) -> tuple[Array, Integers]:
    """Return survival and rows of the points with the corners of each fall in order, times as they are.

    No point leaves its time by more than twice the error of the time.
    """
    time, reach = clicks.time, 2.0 * clicks.time_error
    order, parity, still = np.arange(time.size), 0, 0
    while still < 2:  # neighbours from even, then from odd places on, until neither has anything to change
        survival, own = clicks.survival[order], time[order]
        near = (own[1:] - time[:-1] <= reach) & (time[1:] - own[:-1] <= reach)
        first = np.flatnonzero((np.diff(survival) > CORNER) & near)
        first = first[first % 2 == parity]
        order[first], order[first + 1] = order[first + 1], order[first].copy()
        parity, still = 1 - parity, 0 if first.size else still + 1
    return clicks.survival[order], clicks.row[order]


def _require_falling(clicks: Clicks, survival: Array, row: Integers) -> None:
    lowest = np.minimum.accumulate(survival)
    rise = survival - lowest
    worst = int(np.argmax(rise))
    if rise[worst] > LARGEST_RISE:
        earlier = int(np.argmax(survival == lowest[worst]))
        raise DataError(
            f"survival rises from {survival[earlier]:.3g} (row {row[earlier]}) to {survival[worst]:.3g} at {clicks.unit.word} "
            f"{clicks.time[worst]:.3g} ({clicks.file} row {row[worst]}); keep the points of one curve and correct those misread"
        )


def _estimate_error(clicks: Clicks, survival: Array, fitted: Array, levels: int) -> ReadingError:
    """Return the scatter of the points about the monotone curve, or what they cannot be more exact than, if that is larger.

    Every level of the monotone fit takes a degree of freedom: the variance is the sum of squares over points less levels.  Meyer
    and Woodroofe (Annals of Statistics 2000;28:1083, recalled) show that one to two a level are consistent; for 400 points of
    Kaplan-Meier steps of 300 patients one was the nearest, 7 % low.
    """
    step, what = _find_step(survival, clicks.decimals)
    least, why = max((LEAST_ERROR, "assumed, half a pixel of axes 250 pixels high"), (step / 2.0, f"half of {what}"))
    spare = survival.size - levels
    if spare < FEWEST_SPARE:
        return ReadingError(least, why)
    scatter = float(np.sqrt(np.sum((survival - fitted) ** 2) / spare))
    return ReadingError(scatter, "scatter about the monotone curve") if scatter > least else ReadingError(least, why)


def _find_step(survival: Array, decimals: int) -> tuple[float, str]:
    """Return the step [1] in which survival was written, or that of its pixels where all values lie on one grid; and its name."""
    written = 10.0**-decimals
    values = np.unique(survival)
    steps = np.diff(values[(values > 0.0) & (values < 1.0)])
    steps = steps[steps > 2.0 * written]
    if steps.size < FEWEST_SPARE:
        return written, "the last decimal"
    pixel = float(steps.min())
    on_grid = np.abs(steps - pixel * np.round(steps / pixel)) <= 2.0 * written * (1.0 + steps / pixel)
    return (pixel, "a pixel") if bool(on_grid.all()) and pixel > 8.0 * written else (written, "the last decimal")


def _turns(values: Array) -> Integers:
    """Return the points that a curve of straight lines needs: of each level the first and the last."""
    change = np.diff(values) != 0.0
    return np.flatnonzero(np.concatenate([[True], change]) | np.concatenate([change, [True]]))
