"""What the patients of an arm go through after treatment: what does not end with it, or a next line for a share of them.

Start with `plan_leaving`, then `follow`.  Who goes on is no draw: a patient who leaves treatment at a scan goes both ways, each
with its probability.  Paths of negligible weight are not integrated: their patients stay on treatment until the next one that is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from kinimmune.models.arrays import Array, Bools, Integers
from kinimmune.models.solvers.dosing import Schedule
from kinimmune.models.solvers.ensemble import EnsembleTrajectories
from kinimmune.models.solvers.individual import add_doses
from kinimmune.models.trial.assessments import Departures, TreatmentCourse
from kinimmune.models.trial.cohort import ArmCohort
from kinimmune.models.trial.path_spacing import choose_scans, share_out
from kinimmune.models.trial.simulator import TrialSimulator

NEGLIGIBLE = 1e-5
"""Weight below which an off-treatment path is not integrated; leaving it out moves no probability by more than its weight."""


@dataclass(frozen=True)
class Leaving:
    """Those of n patients who go on alike after treatment, at K scans; probabilities leave death aside."""

    schedule: Schedule
    """What they go on with; where it changes in time, its day 0 is the day of leaving if `anew`, else that of the trial."""
    anew: bool
    parameters: Array
    """Of the patients while they go on with it, shape (n_parameters, n)."""
    begins: Bools
    """Where paths begin, shape (K, n)."""
    left: Array
    """Probability of taking the path that begins at a scan, shape (K, n); below 0 at some where paths are spaced."""
    discontinued: Array
    """The same for adverse events, whatever the scans show, shape (K, n)."""


@dataclass(frozen=True)
class Branch:
    """Paths after treatment that share a schedule, m of them."""

    departures: Departures
    schedule: Schedule
    parameters: Array
    """Shape (n_parameters, m)."""
    courses: EnsembleTrajectories
    weight: Array
    """Probability of having taken each path, shape (m,)."""
    discontinued: Array
    """The same for adverse events, whatever the scans show, shape (m,)."""


def plan_leaving(simulator: TrialSimulator, cohort: ArmCohort, course: TreatmentCourse, possible: Bools) -> tuple[Leaving, ...]:
    """Return the ways in which patients go on after treatment, with what they weigh.

    Of those who stop by the study's rule, and of those who stop for adverse events, a share of `NextLine` goes on with the next
    line and the others with what does not end with treatment; for these nothing begins where nothing ends with it.  Those who
    begin a next line do so at every scan; others at every scan or at every second one, as the simulator has it.

    Parameters
    ----------
    simulator
        from which scans patients are integrated
    cohort
        arm, dosing and patients
    course
        how they leave treatment
    possible
        where a path can begin, shape (K, n)
    """
    line = cohort.arm.next_line
    progressed, intolerant = (0.0, 0.0) if line is None else (line.after_progression, line.after_discontinuation)
    going = progressed * (course.stopped - course.intolerant) + intolerant * course.intolerant
    spaced = None if simulator.every_scan else cohort.trial.scans(float(simulator.grid(cohort.trial)[-1]))
    off = _Way(cohort.dosing.off, cohort.parameters, 1.0 - intolerant, anew=False, spaced=spaced)
    ways = [off.leaving(course.stopped - going, course.discontinued, possible & cohort.dosing.stops)]
    if cohort.next_line is not None:
        later = _Way(cohort.next_line.schedule, cohort.next_line.parameters, intolerant, anew=True)
        ways.append(later.leaving(going, course.discontinued, possible))
    return tuple(ways)


@dataclass(frozen=True)
class _Way:
    """One way of going on."""

    schedule: Schedule
    parameters: Array
    share: float
    """Of those who leave for adverse events."""
    anew: bool
    spaced: Array | None = None
    """Days of the scans, shape (K,), of which some may be left out; None where paths begin at every scan."""

    def leaving(self, mass: Array, discontinued: Array, possible: Bools) -> Leaving:
        """Return who goes this way, by the probability of leaving for it at each scan."""
        begins = (mass >= NEGLIGIBLE) & possible
        whatever_seen = np.broadcast_to(self.share * discontinued[:, None], begins.shape)
        left = np.array([_carry(mass, begins), _carry(whatever_seen, begins)])
        if self.spaced is not None:
            kept = choose_scans(begins)
            begins, left = kept, share_out(left, kept, self.spaced)
        return Leaving(self.schedule, self.anew, self.parameters, begins, *left)


def follow(
    simulator: TrialSimulator, leaving: Leaving, on_treatment: EnsembleTrajectories, places: Integers, keep: Sequence[str]
) -> Iterator[Branch]:
    """Yield the paths of those who go on alike, those of a scan apart where a schedule begins anew at it and changes in time.

    What a regimen gives on its day 0 is added to the states at the scan, which hold what was given on treatment until then: drug
    that is left over from it goes on, by the parameters of the path.

    Parameters
    ----------
    simulator
        how patients are integrated
    leaving
        who goes on, and with what
    on_treatment
        the courses they leave, every state kept
    places
        of the scans in the grid, shape (K,)
    keep
        states that are kept
    """
    scan, patient = np.nonzero(leaving.begins)
    apart = leaving.anew and leaving.schedule.changes
    for group in [scan == value for value in np.unique(scan)] if apart else [np.ones(scan.size, dtype=bool)]:
        departures = Departures(scan[group], patient[group])
        start = places[departures.scan]
        initial = np.ascontiguousarray(on_treatment.states[:, start, departures.patient])
        schedule = leaving.schedule
        if apart:
            day = float(on_treatment.time[start[0]])
            schedule = schedule.later(day)
            initial = add_doses(simulator.compiled, schedule, day, initial)
        parameters = np.ascontiguousarray(leaving.parameters[:, departures.patient])
        courses = simulator.integrate(
            initial=initial,
            parameters=parameters,
            time=on_treatment.time,
            start=start,
            schedule=schedule,
            keep=keep,
            tolerances=simulator.tolerances,
        )
        weight, discontinued = (values[departures.scan, departures.patient] for values in (leaving.left, leaving.discontinued))
        yield Branch(departures, schedule, parameters, courses, weight, discontinued)


def join_departures(branches: Sequence[Branch]) -> Departures:
    """Return the departures of all branches, one after the other."""
    return Departures(*(np.concatenate([getattr(item.departures, name) for item in branches]) for name in ("scan", "patient")))


def join_courses(branches: Sequence[Branch]) -> EnsembleTrajectories:
    """Return the courses of all branches, one after the other."""
    first, *others = (item.courses for item in branches)
    if not others:
        return first
    joined: dict[str, Any] = {"retried": sum(item.courses.retried for item in branches)}
    for name in (item.name for item in fields(first) if item.name not in ("time", "names", "retried")):
        joined[name] = np.concatenate([getattr(item.courses, name) for item in branches], axis=-1)
    return replace(first, **joined)


def _carry(mass: Array, kept: Bools) -> Array:
    """Return the mass moved to the next kept scan of each patient, zero where nothing is kept."""
    out = np.zeros(kept.shape)
    waiting = np.zeros(kept.shape[1])
    for k in range(kept.shape[0]):
        waiting += mass[k]
        out[k] = np.where(kept[k], waiting, 0.0)
        waiting = np.where(kept[k], 0.0, waiting)
    return out
