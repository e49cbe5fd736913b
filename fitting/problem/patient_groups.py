"""A trial's patients as counts: who had an event in which interval, and how many went through each without.

Start with `group_patients`.  Deaths have times of their own and lie in narrow intervals about them; progressions lie between two
visits of the patient, (L, R], whatever the protocol said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np

from kinimmune.models.arrays import Array, Bools, Integers
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.published import PatientTimes
from kinimmune.models.trial.scan_plan import ScanPlan

REFINEMENT = 2.0
"""An event with a time of its own lies in the middle of an interval that reaches so much less than half-way to its neighbours."""
MOST_TIMES = 2000
"""Times of events about which intervals are laid, and of ends of follow-up that end one; more are thinned out to quantiles."""


class Process(StrEnum):
    """Which hazard of the virtual trial patients are held against."""

    DEATH = "death"
    """Of all patients."""
    PROGRESSION = "progression"
    """Detected progression of those who live, spread evenly from scan to scan."""
    DEATH_BEFORE_PROGRESSION = "death_before_progression"
    """Of those who have not progressed."""
    EITHER = "either"
    """The sum of the last two."""


@dataclass(frozen=True)
class PatientGroups:
    """The patients of an arm in one process; g intervals, h spans of several intervals."""

    process: Process
    edges: Array
    """[d], ends of the intervals, from 0, increasing, shape (g + 1,)."""
    survived: Array
    """Patients who went through an interval without the event; who was followed for a part of it counts for that part, (g,)."""
    events: Array
    """Events known to lie in one interval, shape (g,)."""
    spans: Integers
    """Places in `edges` of the ends of the spans in which the other events lie, shape (h, 2)."""
    counts: Array
    """Events in each span, shape (h,)."""

    @property
    def size(self) -> int:
        """Number of residuals: one an interval and one a span."""
        return self.events.size + self.counts.size


@lru_cache(maxsize=64)
def group_patients(patients: PatientTimes, plan: ScanPlan, refinement: float = REFINEMENT) -> tuple[PatientGroups, ...]:
    """Return the patients of an arm as counts, of one process or of two.

    Of progression-free survival whose progressions tell the visit before, progression and death are two processes, each of which
    censors the other.  Where no event tells the visit before, that of the protocol before the nearest one stands in for it, and
    of progression-free survival nobody knows who died.

    Parameters
    ----------
    patients
        of one arm and endpoint
    plan
        the protocol's scans
    refinement
        as `REFINEMENT`; larger ones come nearer to the likelihood of exact times, at the cost of more intervals
    """
    return group_some(patients, np.ones(patients.time.size, dtype=bool), plan, refinement)


def group_some(patients: PatientTimes, who: Bools, plan: ScanPlan, refinement: float = REFINEMENT) -> tuple[PatientGroups, ...]:
    """Return some patients of an arm as counts, of the processes of all of them; nobody of them need have had an event.

    Parameters
    ----------
    patients, plan, refinement
        as of `group_patients`
    who
        those that are counted, one at least, shape (n,)
    """
    time, event = patients.time[who], patients.event[who]
    if patients.endpoint is Endpoint.OS:
        return (_group_exact(Process.DEATH, time, event, refinement),)
    last, seen = patients.last_without[who], (patients.event & np.isfinite(patients.last_without))[who]
    if patients.endpoint is Endpoint.PFS and np.isfinite(patients.last_without).any():
        return (
            _group_visits(Process.PROGRESSION, time, seen, last),
            _group_exact(Process.DEATH_BEFORE_PROGRESSION, time, event & ~seen, refinement),
        )
    process = Process.EITHER if patients.endpoint is Endpoint.PFS else Process.PROGRESSION
    before = np.where(seen, last, _visits_before(time, plan))
    return (_group_visits(process, time, event, before),)


def _visits_before(time: Array, plan: ScanPlan) -> Array:
    """Return the planned visit before the one nearest to each time; 0 before the first."""
    dates = np.concatenate([[0.0], plan.dates(float(time.max()) + 2.0 * plan.interval * max(plan.stretch, 1.0))])
    return np.array([dates[plan.nearest(moment) - 1] for moment in time])


def _group_exact(process: Process, time: Array, event: Bools, refinement: float) -> PatientGroups:
    edges = _lay_windows(np.unique(time[event]), float(time.max()), refinement)
    ends = np.unique(time[~event])
    if (
        ends.size <= MOST_TIMES
    ):  # an end of follow-up ends an interval, unless that would move an event out of the middle of its own
        crowded = np.searchsorted(edges, time[event], side="left")
        edges = np.unique(np.concatenate([edges, ends[~np.isin(np.searchsorted(edges, ends, side="left"), crowded)]]))
    place = np.searchsorted(edges, time[event], side="left") - 1
    events = np.bincount(place, minlength=edges.size - 1).astype(float)
    survived = _count_survivors(edges, np.where(event, edges[np.searchsorted(edges, time, side="left") - 1], time))
    return PatientGroups(process, edges, survived, events, np.empty((0, 2), dtype=np.int64), np.empty(0))


def _lay_windows(times: Array, last: float, refinement: float) -> Array:
    """Return edges with each time of an event in the middle of its interval, from 0 to the end of follow-up."""
    if times.size == 0:
        return np.array([0.0, last])
    if times.size > MOST_TIMES:
        ends = np.quantile(times, np.linspace(0.0, 1.0, MOST_TIMES + 1)[1:-1], method="midpoint")
        return np.unique(np.concatenate([[0.0], ends, [max(last, times[-1])]]))
    gaps = np.diff(np.concatenate([[0.0], times]))
    half = np.minimum(gaps, np.append(gaps[1:], gaps[-1])) / (2.0 * refinement)
    return np.unique(np.concatenate([[0.0], times - half, times + half, [last] if last > times[-1] + half[-1] else []]))


def _group_visits(process: Process, time: Array, event: Bools, last_without: Array) -> PatientGroups:
    before = np.where(event, last_without, 0.0)
    edges = np.unique(np.concatenate([[0.0, float(time.max())], before[event], time[event]]))
    survived = _count_survivors(edges, np.where(event, before, time))
    ends = np.column_stack([np.searchsorted(edges, before[event]), np.searchsorted(edges, time[event])])
    spans, counts = np.unique(ends, axis=0, return_counts=True)
    single = spans[:, 1] - spans[:, 0] == 1
    events = np.zeros(edges.size - 1)
    events[spans[single, 0]] = counts[single]
    return PatientGroups(process, edges, survived, events, spans[~single], counts[~single].astype(float))


def _count_survivors(edges: Array, until: Array) -> Array:
    """Return how many patients went through each interval without the event, counted by the part they were followed."""
    part = np.clip((until[:, None] - edges[None, :-1]) / np.diff(edges)[None, :], 0.0, 1.0)
    total: Array = part.sum(axis=0)
    return total


def join_sizes(groups: Sequence[PatientGroups]) -> int:
    """Return the number of residuals of the processes of an arm."""
    return sum(item.size for item in groups)
