"""A survival curve that falls by steps at scans and smoothly between them.

Start with `StepCurve`.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq

from kinimmune.models.arrays import Array, Bools

SMALLEST = 1e-300
"""Below it a probability counts as zero where its logarithm is taken."""


@dataclass(frozen=True)
class StepCurve:
    """A survival curve that falls smoothly between scans and by a step at each: r rows, two of them at a scan.

    The row of an interval tells what has happened since the row before; the row of a scan, what the scan showed.
    """

    time: Array
    """[d], ends of intervals and dates of scans, never decreasing, shape (r,)."""
    survival: Array
    """At `time`: before the step in the row of the interval that ends at a scan, after it in the row of the scan, shape (r,)."""
    at_scan: Bools
    """Whether a row is that of a scan, shape (r,)."""

    def at(self, moments: Array) -> Array:
        """Return S at `moments` [d], after the step at a scan; ln S between scans by a monotone cubic; shape of `moments`."""
        given = np.asarray(moments, dtype=float)
        segment = np.searchsorted(self.time[self.at_scan], given, side="right")
        found = np.empty(given.shape)
        for place in np.unique(segment):
            time, survival = self.between_scans(int(place))
            chosen = segment == place
            found[chosen] = np.exp(-_hazard(time, survival)(given[chosen]))
        return found

    def between_scans(self, segment: int, values: Array | None = None) -> tuple[Array, Array]:
        """Return times [d] and S from after scan number `segment` (0: the start) to before the next, shape (k,) each.

        Parameters
        ----------
        segment
            number of scans before it
        values
            another number a row, such as its error, in place of S; 0 at the start
        """
        rows = self.survival if values is None else values
        scans = np.flatnonzero(self.at_scan)
        first = 0 if segment == 0 else scans[segment - 1]
        last = scans[segment] if segment < scans.size else self.time.size
        time, found = self.time[first:last], rows[first:last]
        if segment == 0:
            start = 1.0 if values is None else 0.0
            time, found = np.concatenate([[0.0], time]), np.concatenate([[start], found])
        return time, found

    def median(self) -> float | None:
        """Return the first time [d] at which S is at or below one half, None where it stays above to the last row."""
        below = self.survival <= 0.5
        if not below.any():
            return None
        row = int(np.argmax(below))
        if self.at_scan[row] or self.survival[row] == 0.5:
            return float(self.time[row])
        time, survival = self.between_scans(int(self.at_scan[:row].sum()))
        after = int(np.argmax(survival <= 0.5))
        cubic = _hazard(time, survival)
        return float(brentq(lambda day: float(cubic(day)) - math.log(2.0), time[after - 1], time[after], xtol=1e-12))

    def restricted_mean(self, horizon: float) -> float:
        """Return the integral of S from 0 to `horizon` [d], by trapezoids."""
        inside = self.time < horizon
        time = np.concatenate([[0.0], self.time[inside], [horizon]])
        survival = np.concatenate([[1.0], self.survival[inside], self.at(np.array([horizon]))])
        return float(np.trapezoid(survival, time))


def _hazard(time: Array, survival: Array) -> PchipInterpolator:
    return PchipInterpolator(time, -np.log(np.maximum(survival, SMALLEST)))
