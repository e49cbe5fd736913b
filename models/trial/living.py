"""Who lives on the paths of an arm's patients, without a progression seen, and in response.

Start with `find_living`.
"""

from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array, Integers
from kinimmune.models.trial.simulator import TrialSimulator
from kinimmune.models.trial.treatment_paths import TreatmentPaths


@dataclass(frozen=True)
class Living:
    """Survival of each course given its path, and who counts."""

    on: Array
    """Survival of the on-treatment paths, shape (g, n)."""
    off: Array
    """Survival of the off-treatment paths, shape (g, m)."""
    counted_on: Array
    """1 for a patient all of whose paths could be integrated, else 0, shape (n,)."""
    counted_off: Array
    """The same of the patients of the off-treatment paths, shape (m,)."""


def find_living(simulator: TrialSimulator, paths: TreatmentPaths) -> Living:
    """Return who lives on the paths."""
    fine = paths.on_treatment.completion == 0
    patient = paths.departures.patient
    lost = np.bincount(patient[paths.off_treatment.completion != 0], minlength=fine.size) > 0
    counted = np.where(fine & ~lost, 1.0, 0.0)
    on, off = simulator.survival(paths.on_treatment), simulator.survival(paths.off_treatment)
    return Living(on, off, counted, counted[patient])


def survive(paths: TreatmentPaths, living: Living) -> Array:
    """Return the survival of each patient over the paths he may take, shape (g, n); not a number where one failed."""
    alive = paths.on_weight_at_grid * living.on
    np.add.at(alive.T, paths.departures.patient, (paths.off_weight * living.off).T)
    return np.where(living.counted_on > 0.0, alive, np.nan)


def sum_unprogressed(paths: TreatmentPaths, living: Living) -> Array:
    """Return patients alive with no progression seen at any scan up to each point of the grid, shape (g,).

    Whatever the rule, only adverse events end the treatment of those who have not progressed.
    """
    scans = paths.scans_before
    on = paths.p_not_discontinued[scans] * paths.on_no_progression[scans] * living.on * living.counted_on
    left = paths.departures.scan[None, :] < scans[:, None]
    off = paths.off_no_progression[scans] * living.off * np.where(left, paths.p_discontinued * living.counted_off, 0.0)
    total: Array = on.sum(axis=1) + off.sum(axis=1)
    return total


def sum_responding(paths: TreatmentPaths, living: Living) -> Array:
    """Return confirmed responders by the duration of their response, shape (3, g).

    A response lasts from the first of the two scans that show it to progression or death, on treatment or off.  Row m of the
    grid is a duration of m steps.  Of those whose response began early enough to be followed that long, the first line holds
    who were in response one step before, the second who are in response but for what a scan of that day shows, the third who
    are after it; the quotients make a product-limit curve.
    """
    responders = np.flatnonzero((paths.confirmed >= 0) & (living.counted_on > 0.0))
    total = np.zeros((3, paths.grid.size))
    if responders.size == 0:
        return total
    scans = paths.steps_to_scan
    seen = paths.scans_before
    shown = np.isin(np.arange(paths.grid.size), scans)
    before, after = (_in_response(paths, living, responders, count) for count in (seen - shown, seen))
    confirmed = paths.confirmed[responders]
    begun, sure = scans[confirmed - 1], scans[confirmed]
    place = begun[None, :] + np.arange(paths.grid.size)[:, None]
    followed = place < paths.grid.size
    # until it is confirmed a response lasts: whoever does not live to see it confirmed is no responder
    place = np.minimum(np.maximum(place, sure[None, :]), paths.grid.size - 1)
    still = np.take_along_axis(after, place, axis=0)
    nearly = np.where(place > sure[None, :], np.take_along_axis(before, place, axis=0), still)
    held = np.vstack([still[:1], still[:-1]])
    for line, values in enumerate((held, nearly, still)):
        total[line] = np.where(followed, values, 0.0).sum(axis=1)
    return total


def _in_response(paths: TreatmentPaths, living: Living, responders: Integers, scans: Integers) -> Array:
    """Return the probability of having responded, being alive and unprogressed at the grid after so many scans, (g, r)."""
    on = paths.p_not_discontinued[scans][:, responders] * paths.on_no_progression[scans][:, responders] * living.on[:, responders]
    departures = paths.departures
    # who leaves treatment by the scan that would confirm the response does not count as a responder
    later = departures.scan > paths.confirmed[departures.patient]
    chosen = np.flatnonzero(later & np.isin(departures.patient, responders))
    left = departures.scan[chosen][None, :] < scans[:, None]
    off = paths.off_no_progression[scans][:, chosen] * living.off[:, chosen] * np.where(left, paths.p_discontinued[chosen], 0.0)
    total = on.T.copy()
    np.add.at(total, np.searchsorted(responders, departures.patient[chosen]), off.T)
    return total.T
