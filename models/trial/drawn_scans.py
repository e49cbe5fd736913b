"""What scans show of drawn patients: chance decides of each of them once, and every scan is read with an error of its own.

Start with `find_progression`.  It is what `kinimmune.models.trial.readings` has in expectation.
"""

import math
from dataclasses import dataclass, fields

import numpy as np

from kinimmune.models.arrays import Array, Integers
from kinimmune.models.trial.design import Trial


@dataclass(frozen=True)
class Draws:
    """What chance decides of each patient, shape (n,) unless told otherwise."""

    visit_shift: Array
    """Deviation of each visit from its date, in standard deviations, shape (n, K)."""
    first_reading: Array
    """Error of the first reading of ln of the sum of diameters, in standard deviations."""
    reading: Array
    """Error of the reading at each scan, in standard deviations, shape (n, K)."""
    lesion: Array
    """Cumulative hazard at which the first new lesion appears."""
    death: Array
    """Cumulative hazard at which the patient dies."""
    discontinuation: Integers
    """Scan (0-based) at which adverse events end treatment."""
    symptoms: Array
    """Time [d] of symptomatic progression."""
    entry: Array
    """Uniform; the place in the accrual period is its 1/shape power."""
    next_line: Array
    """Uniform; a patient goes on with a next line where it is below the share of those who do."""

    def of(self, who: Integers) -> "Draws":
        """Return the draws of some patients."""
        return Draws(*(getattr(self, item.name)[who] for item in fields(self)))


@dataclass(frozen=True)
class DrawnReadings:
    """What readers read of ln of the sum of diameters over its true start."""

    first: Array
    """Before treatment, shape (n,)."""
    at_scans: Array
    """At each of K scans, shape (K, n)."""


@dataclass(frozen=True)
class DrawnPaths:
    """What patients go through on a grid of g times, on treatment and, after leaving it, off treatment."""

    hazard_of_death: Array
    """Cumulative hazard of death by any cause, shape (g, n)."""
    hazard_of_lesions: Array
    """Cumulative hazard of new lesions, shape (g, n)."""
    log_diameter: Array | None
    """ln of the sum of diameters over its start, shape (g, n); None in a model without a diameter."""
    readings: DrawnReadings | None
    """What is read of it; None in a model without a diameter."""

    def of(self, who: Integers) -> "DrawnPaths":
        """Return the paths of some patients."""
        diameter = None if self.log_diameter is None else self.log_diameter[:, who]
        readings = None if self.readings is None else DrawnReadings(self.readings.first[who], self.readings.at_scans[:, who])
        return DrawnPaths(self.hazard_of_death[:, who], self.hazard_of_lesions[:, who], diameter, readings)

    def left(self, start: int, scan: int, who: Integers, off: "DrawnPaths") -> "DrawnPaths":
        """Return the paths where some patients go on off treatment after a scan, at grid point `start`.

        The scan itself is read on treatment, also where the visit is late: it is what ends treatment.
        """
        diameter, readings = None, None
        if self.log_diameter is not None and off.log_diameter is not None:
            diameter = _replace_after(self.log_diameter, start, who, off.log_diameter)
        if self.readings is not None and off.readings is not None:
            later = _replace_after(self.readings.at_scans, scan, who, off.readings.at_scans)
            readings = DrawnReadings(self.readings.first, later)
        return DrawnPaths(
            _replace_after(self.hazard_of_death, start, who, off.hazard_of_death),
            _replace_after(self.hazard_of_lesions, start, who, off.hazard_of_lesions),
            diameter,
            readings,
        )


def _replace_after(values: Array, start: int, who: Integers, later: Array) -> Array:
    changed = values.copy()
    changed[start + 1 :, who] = later[start + 1 :]
    return changed


def find_progression(trial: Trial, paths: DrawnPaths, draws: Draws) -> Integers:
    """Return the scan (0-based) that first shows progression, the number of scans where none does."""
    scans = draws.reading.shape[1]
    shown = paths.hazard_of_lesions[trial.plan.places(scans)] >= draws.lesion
    if paths.readings is not None:
        read = paths.readings.at_scans
        lowest = np.minimum.accumulate(np.vstack([paths.readings.first, read[:-1]]), axis=0)
        shown = (read - lowest >= trial.progression_limit(lowest)) | shown
    return np.asarray(np.where(shown.any(axis=0), shown.argmax(axis=0), scans))


def find_response(trial: Trial, paths: DrawnPaths, draws: Draws) -> Integers:
    """Return the second scan (0-based) of the first two in a row that show a response, the number of scans where none do."""
    scans = draws.reading.shape[1]
    if paths.readings is None:
        return np.full(draws.death.size, scans)
    small = paths.readings.at_scans - paths.readings.first <= math.log(trial.response_ratio)
    twice = small[1:] & small[:-1]
    return np.asarray(np.where(twice.any(axis=0), twice.argmax(axis=0) + 1, scans))


def draw_readings(trial: Trial, grid: Array, log_diameter: Array, error: Array, draws: Draws) -> DrawnReadings:
    """Return what is read on courses: every reading has an error of its own, every visit a deviation of its own from its date.

    Parameters
    ----------
    trial
        when its scans are
    grid
        times [d], shape (g,)
    log_diameter
        ln of the sum of diameters over its start, shape (g, n)
    error
        standard deviation of a reading of each patient, shape (n,)
    draws
        what chance decides
    """
    visits = trial.scans(float(grid[-1]))[:, None] + trial.scan_jitter * draws.visit_shift.T
    return DrawnReadings(error * draws.first_reading, _at_visits(grid, log_diameter, visits) + error * draws.reading.T)


def _at_visits(grid: Array, values: Array, visits: Array) -> Array:
    """Return values, shape (g, n), at each patient's visits, shape (n_scans, n), linear between grid points."""
    place = np.clip(visits / (grid[1] - grid[0]), 0.0, grid.size - 1.000001)
    before = place.astype(np.int64)
    columns = np.arange(values.shape[1])[None, :]
    share = place - before
    return np.asarray((1.0 - share) * values[before, columns] + share * values[before + 1, columns])
