"""The patients of an arm as a curve of a few intervals, by which other numbers of their study are correlated with them.

Start with `summarise_patients`.  It is not what is fitted of patients, which is each of them: it only tells which other numbers
came out high because their patients did.
"""

from functools import lru_cache

import numpy as np

from kinimmune.fitting.problem.curve_likelihood import CurveIntervals, make_intervals
from kinimmune.models.arrays import Array, Bools
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.observed import estimate_curve
from kinimmune.models.trial.published import PatientTimes
from kinimmune.models.trial.scan_plan import ScanPlan

CELLS = 5
"""Intervals of a summary at most."""


@lru_cache(maxsize=64)
def choose_ends(patients: PatientTimes, plan: ScanPlan) -> tuple[float, ...]:
    """Return the ends [d] of at most `CELLS` intervals with as many events each, from 0; in the middle between planned scans.

    Ends for deaths are not moved.
    """
    ends = np.quantile(patients.time[patients.event], np.arange(1, CELLS + 1) / CELLS, method="inverted_cdf")
    if patients.endpoint is not Endpoint.OS:
        dates = plan.dates(float(ends[-1]) + 3.0 * plan.interval * max(plan.stretch, 1.0))
        numbers = np.array([plan.nearest(float(day)) for day in ends])
        ends = 0.5 * (dates[numbers - 1] + dates[numbers])
    return (0.0, *map(float, np.unique(ends)))


def summarise_patients(time: Array, event: Bools, ends: Array) -> CurveIntervals:
    """Return patients as the binomial counts of the intervals between some ends.

    Parameters
    ----------
    time, event
        of each patient, shape (n,)
    ends
        [d], from 0, shape (k + 1,)
    """
    survival = estimate_curve(time, event).at(ends)
    left = np.concatenate([[float(time.size)], (time[None, :] > ends[1:, None]).sum(axis=1)])
    return make_intervals(ends, survival, np.where(survival > 0.0, left, 0.0), np.zeros(ends.size))
