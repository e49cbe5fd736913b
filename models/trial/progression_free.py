"""Progression-free survival: who is alive with no progression detected, falling at scans by steps and between them by deaths.

Start with `progression_free_survival`.  It is the mean over patients of U_i(t) exp(-H_i(t)), with U_i the probability of no
progression detected by t and H_i the cumulative hazard of death.  The product of an arm's two curves is another number: growth
drives both progression and death, so those who have not progressed die less.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq

from kinimmune.models.arrays import Array, Bools, Integers
from kinimmune.models.trial.virtual_trial import ArmOutcome

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


@dataclass(frozen=True)
class RiskSets:
    """Who is at risk in each row of a `StepCurve`, and who leaves: probabilities per patient enrolled, shape (r,) each."""

    middle: Array
    """[d], when the row's events happen: the middle of an interval, the date of a scan."""
    at_risk: Array
    """Alive with no progression detected, and so at risk of the row's events."""
    failures: Array
    """Deaths in an interval, progressions detected at a scan."""


def scan_places(outcome: ArmOutcome) -> Integers:
    """Return the places of the scans in an outcome's grid, shape (K,)."""
    return np.searchsorted((outcome.grid[1:] + outcome.grid[:-1]) / 2.0, outcome.scans)


def progression_free_survival(outcome: ArmOutcome) -> StepCurve:
    """Return the curve of an arm."""
    scans = scan_places(outcome)
    after = outcome.unprogressed
    return StepCurve(
        time=np.insert(outcome.grid[1:], scans, outcome.grid[scans]),
        survival=np.insert(_before_scans(outcome)[1:], scans, after[scans]),
        at_scan=np.insert(np.zeros(outcome.grid.size - 1, dtype=bool), scans, np.ones(scans.size, dtype=bool)),
    )


def risk_sets(outcome: ArmOutcome) -> RiskSets:
    """Return the risk sets behind the rows of `progression_free_survival`."""
    scans = scan_places(outcome)
    after, before = outcome.unprogressed, _before_scans(outcome)
    return RiskSets(
        middle=np.insert((outcome.grid[1:] + outcome.grid[:-1]) / 2.0, scans, outcome.scans),
        at_risk=np.insert(np.sqrt(after[:-1] * before[1:]), scans, outcome.at_risk),
        failures=np.insert(after[:-1] - before[1:], scans, outcome.detected),
    )


def _before_scans(outcome: ArmOutcome) -> Array:
    """Return who is alive and unprogressed at the grid, before what a scan of that day shows, shape (g,)."""
    before = outcome.unprogressed.copy()
    before[scan_places(outcome)] = outcome.at_risk
    return before
