"""Who lives on the paths of an arm's patients, without a progression seen, and in response.

Start with `find_living`.
"""

from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array
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
    total = np.zeros((3, paths.grid.size))
    if paths.responses.patients.size == 0:
        return total
    scans = paths.steps_to_scan
    before, after = _sum_in_response(paths, living)
    for confirming in range(1, scans.size):
        place = np.arange(scans[confirming - 1], paths.grid.size)
        # until it is confirmed a response lasts: whoever does not live to see it confirmed is no responder
        sure = np.maximum(place, scans[confirming])
        still = after[confirming, sure]
        nearly = np.where(place > scans[confirming], before[confirming, sure], still)
        for line, values in enumerate((np.concatenate([still[:1], still[:-1]]), nearly, still)):
            total[line, : place.size] += values
    return total


def _sum_in_response(paths: TreatmentPaths, living: Living) -> tuple[Array, Array]:
    """Return who is in a response that a scan confirmed, before and after the scan of a day if there is one, (K, g) each.

    Whoever leaves treatment by the scan that would confirm a response is no responder.
    """
    responses, scans = paths.responses, paths.steps_to_scan
    on, off = living.on[:, responses.patients], living.off[:, responses.paths]
    stayed = paths.p_not_discontinued[:, responses.patients] * living.counted_on[responses.patients]
    left = (paths.p_discontinued * living.counted_off)[responses.paths]
    before, after = np.zeros((2, scans.size, paths.grid.size))
    for seen, begin in enumerate(scans, 1):
        end = scans[seen] + 1 if seen < scans.size else paths.grid.size
        days = slice(begin, end)
        staying = responses.lasting[:, :seen, seen - 1] * stayed[seen, :, None]
        leaving = responses.lasting_after[:, :seen, seen - 1] * left[:, None]
        found = (on[days] @ staying + off[days] @ leaving).T
        before[:seen, begin + 1 : end] = found[:, 1:]
        after[:seen, begin:end] = found
    return before, after
