"""The courses of one arm's patients: on treatment to the end, and after treatment from every scan at which they may stop.

Start with `integrate_paths`.

A patient who may stop treatment at any scan is one on-treatment path and one off-treatment path from each scan, two where a share
goes on with a next line, each with the probability of having taken it; nothing is drawn.  What patients go on with is in
`kinimmune.models.trial.after_treatment`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from kinimmune.models.arrays import Array, Integers
from kinimmune.models.solvers.dosing import Schedule
from kinimmune.models.solvers.ensemble import EnsembleTrajectories
from kinimmune.models.trial.after_treatment import Branch, follow, join_courses, join_departures, plan_leaving
from kinimmune.models.trial.assessments import (
    Departures,
    ScanReadings,
    TreatmentCourse,
    assess,
    p_no_progression,
    treatment_course,
)
from kinimmune.models.trial.cohort import ArmCohort
from kinimmune.models.trial.design import Trial
from kinimmune.models.trial.readings import DiameterReadings, Responses
from kinimmune.models.trial.simulator import TrialSimulator


@dataclass(frozen=True)
class TreatmentPaths:
    """The on-treatment paths of n patients of one arm and their m off-treatment paths, on a grid of g times with K scans."""

    grid: Array
    """Times [d], shape (g,)."""
    scans: Array
    """Scheduled dates of the scans [d], shape (K,)."""
    steps_to_scan: Integers
    """Places of the scans in the grid, shape (K,)."""
    on_treatment: EnsembleTrajectories
    """Every patient on the arm's schedule to the end."""
    off_treatment: EnsembleTrajectories
    """Courses after treatment from a scan on, on a next line or not, with the states that were asked for."""
    departures: Departures
    """Where the off-treatment paths begin."""
    branches: tuple[Branch, ...]
    """The off-treatment paths in their order, by what is given on them."""
    course: TreatmentCourse
    """Probabilities of stopping treatment, leaving death aside."""
    on_weight: Array
    """Probability of still following the on-treatment path after each scan, shape (K + 1, n); row 0 is 1."""
    off_weight: Array
    """Probability of having taken the off-treatment path, shape (m,)."""
    on_no_progression: Array
    """Probability of no progression seen by each scan on treatment, shape (K + 1, n); row 0 is 1."""
    off_no_progression: Array
    """Probability of no progression seen by each scan, on treatment up to the departure and off treatment since, (K + 1, m)."""
    p_not_discontinued: Array
    """Probability of not having left for adverse events by each scan, shape (K + 1, n)."""
    p_discontinued: Array
    """Probability of having left for adverse events by the off-treatment path, shape (m,)."""
    confirmed: Array
    """Probability that a scan on treatment confirms a first response, none up to it having shown progression, shape (K, n)."""
    responses: Responses
    """How long responses last."""

    @property
    def scans_before(self) -> Integers:
        """Number of scans up to each grid point, shape (g,)."""
        return np.searchsorted(self.steps_to_scan, np.arange(self.grid.size), side="right")

    @property
    def on_weight_at_grid(self) -> Array:
        """Probability of still following the on-treatment path at each grid point, death aside, shape (g, n)."""
        return self.on_weight[self.scans_before]


def integrate_paths(simulator: TrialSimulator, cohort: ArmCohort, kept_states: Sequence[str] | None = None) -> TreatmentPaths:
    """Integrate the patients of a cohort on treatment, and off treatment from every scan at which they may stop.

    Parameters
    ----------
    simulator
        how patients are integrated
    cohort
        arm, stop rule and patients
    kept_states
        states kept of the off-treatment paths, `TrialSimulator.observed_states` by default: there are ten times as many
        off-treatment paths as patients
    """
    trial, arm, grid, dosing = cohort.trial, cohort.arm, simulator.grid(cohort.trial), cohort.dosing
    scans = trial.scans(float(grid[-1]))
    places = trial.plan.places(scans.size)
    on_treatment = simulator.integrate_on_treatment(cohort)
    on_readings = read_scans(simulator, trial, cohort.parameters, dosing.on, on_treatment)
    on_no_progression = p_no_progression(on_readings, trial)
    course = treatment_course(trial, arm, cohort.rule, scans, on_no_progression)
    possible = (scans[:, None] < grid[-1]) & (on_treatment.completion == 0)
    ways = plan_leaving(simulator, cohort, course, possible)
    keep = kept_states or simulator.observed_states
    branches = tuple(branch for way in ways for branch in follow(simulator, way, on_treatment, places, keep))
    departures = join_departures(branches)
    off_readings = [read_scans(simulator, trial, branch.parameters, branch.schedule, branch.courses) for branch in branches]
    seen = assess(on_readings, _join(off_readings), departures, trial)
    return TreatmentPaths(
        grid=grid,
        scans=scans,
        steps_to_scan=places,
        on_treatment=on_treatment,
        off_treatment=join_courses(branches),
        departures=departures,
        branches=branches,
        course=course,
        on_weight=_remaining([way.left for way in ways]),
        off_weight=np.concatenate([branch.weight for branch in branches]),
        on_no_progression=_from_one(on_no_progression),
        off_no_progression=_from_one(seen.no_progression_after),
        p_not_discontinued=_remaining([way.discontinued for way in ways]),
        p_discontinued=np.concatenate([branch.discontinued for branch in branches]),
        confirmed=seen.confirmed,
        responses=seen.responses,
    )


def read_scans(
    simulator: TrialSimulator, trial: Trial, parameters: Array, schedule: Schedule, courses: EnsembleTrajectories
) -> ScanReadings:
    """Return what scans have to see of courses; 0 where a course has not begun or has failed.

    Parameters
    ----------
    simulator
        the model with its roles
    trial
        when its scans are, and the error of its readings
    parameters
        of the patients, shape (n_parameters, n)
    schedule
        what they were given
    courses
        on the whole grid, with the observed states
    """
    at_scan = trial.plan.places(trial.scans(float(courses.time[-1])).size)
    hazard_of_lesions = np.nan_to_num(simulator.hazard_of_lesions(courses)[at_scan])
    reading = simulator.log_diameter
    if reading is None:
        return ScanReadings(hazard_of_lesions, None)
    around = np.concatenate([at_scan - 1, at_scan, at_scan + 1])
    rows = [courses.names.index(name) for name in reading.states]
    states = courses.states[np.array(rows, dtype=np.int64)[:, None], around]
    found = reading.value(courses.time[around, None], states, simulator.with_inputs(parameters, schedule, courses.time[around]))
    # what a failed patient lacks is made finite here; `sum_paths` gives such patients no weight
    before, at, after = np.nan_to_num(found).reshape(3, at_scan.size, -1)
    step = courses.time[1] - courses.time[0]
    speed = (after - before) / (2.0 * step)
    error = np.nan_to_num(simulator.reading_error(trial, parameters), nan=trial.reading_error)
    return ScanReadings(hazard_of_lesions, DiameterReadings(at, speed, error))


def _join(readings: Sequence[ScanReadings]) -> ScanReadings:
    """Return what scans have to see of the paths of all branches, one after the other."""
    hazards = np.hstack([item.hazard_of_lesions for item in readings])
    diameters = [item.diameter for item in readings if item.diameter is not None]
    if not diameters:
        return ScanReadings(hazards, None)
    parts = ([getattr(item, name) for item in diameters] for name in ("log_diameter", "speed", "reading_error"))
    return ScanReadings(hazards, DiameterReadings(*(np.concatenate(values, axis=-1) for values in parts)))


def _remaining(left: Sequence[Array]) -> Array:
    return _from_one(1.0 - np.cumsum(reduce(np.add, left), axis=0))


def _from_one(after_scans: Array) -> Array:
    """Return probabilities after each scan with the probability 1 before the first on top, shape (K + 1, n)."""
    return np.vstack([np.ones(after_scans.shape[1]), after_scans])
