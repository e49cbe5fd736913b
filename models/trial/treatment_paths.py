"""The courses of one arm's patients: on drug to the end, and off drug from every scan at which they may stop.

Start with `follow`.  A model that can be tried has the states `tumour_hazard`, `liver_hazard` (death) and `lesion_hazard`
(new lesions) and the output `log_diameter`, ln of the sum of diameters over its start.

A patient who may stop treatment at any scan is one course on drug (the trunk) and one course off drug from each scan (the
branches), each with the probability of having taken it; nothing is drawn.  Branches of negligible weight are not
integrated: their patients stay on drug until the next branch that is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from kinimmune.models.arrays import Array, Integers
from kinimmune.models.solvers.dosing import constant
from kinimmune.models.solvers.ensemble import EnsembleTrajectories
from kinimmune.models.solvers.integrators import Integrator
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import CompiledModel, Reading, read_output
from kinimmune.models.trial.assessments import TreatmentCourse, confirmed_response, treatment_course, unseen
from kinimmune.models.trial.design import Arm, StopRule, Trial

DIAMETER = "log_diameter"
HAZARDS = ("tumour_hazard", "liver_hazard", "lesion_hazard")
STEPS_PER_SCAN = 6
"""Grid points between scans: weekly for six-weekly scans; ln S is interpolated between them to better than 1e-5."""
NEGLIGIBLE = 1e-5
"""Weight below which a branch is not integrated; it moves no probability by more than its weight."""


@dataclass(frozen=True)
class Engine:
    """How patients are integrated."""

    compiled: CompiledModel
    integrate: Integrator
    tolerances: Tolerances
    horizon: float
    """[d] to which every prediction reaches"""

    @property
    def diameter(self) -> Reading:
        """Ln of the sum of diameters."""
        return read_output(self.compiled, DIAMETER)

    @property
    def seen(self) -> tuple[str, ...]:
        """The states a trial sees something of, in the order of the model."""
        return tuple(name for name in self.compiled.model.state_names if name in (*HAZARDS, *self.diameter.states))

    def grid(self, trial: Trial) -> Array:
        """Return the time grid [d]: `STEPS_PER_SCAN` points per scan interval, to the horizon or just beyond.

        The last scan has a neighbour after it, from which its speed is read, and room for late visits.
        """
        step = trial.scan_interval / STEPS_PER_SCAN
        steps = math.ceil(self.horizon / step - 1e-9)
        late = max(1, math.ceil(4.0 * trial.scan_jitter / step))
        return step * np.arange(max(steps, steps // STEPS_PER_SCAN * STEPS_PER_SCAN + late) + 1.0)


@dataclass(frozen=True)
class ArmTask:
    """One arm to be run for one set of patients."""

    trial: Trial
    arm: Arm
    rule: StopRule
    parameters: Array
    """shape (n_parameters, n_patients)"""

    @property
    def patients(self) -> int:
        """Number of patients."""
        return int(self.parameters.shape[1])

    def part(self, which: slice) -> "ArmTask":
        """Return the task of some of the patients."""
        return replace(self, parameters=self.parameters[:, which])


@dataclass(frozen=True)
class Courses:
    """The courses of n patients of one arm with their m branches, on a grid of g times with K scans."""

    grid: Array
    """[d], shape (g,)"""
    scans: Array
    """[d], shape (K,)"""
    trunk: EnsembleTrajectories
    """Everyone, on the arm's schedule to the end."""
    branches: EnsembleTrajectories
    """Off drug from a scan on, with the states that were asked for."""
    patient: Integers
    """Trunk each branch leaves, shape (m,)"""
    scan: Integers
    """Scan (0-based) at which it leaves, shape (m,)"""
    course: TreatmentCourse
    trunk_weight: Array
    """Probability of still being on the trunk after each scan, shape (K + 1, n); row 0 is 1"""
    branch_weight: Array
    """Probability of having left by the branch, shape (m,)"""
    trunk_unseen: Array
    """No progression seen by each scan, shape (K + 1, n); row 0 is 1"""
    trunk_kept: Array
    """Not left for adverse events by each scan, shape (K + 1, n)"""
    branch_unseen: Array
    """No progression seen by each scan, on the trunk to the branch's scan and off drug since, shape (K + 1, m)"""
    branch_kept: Array
    """Left for adverse events by the branch, shape (m,)"""
    confirmed: Integers
    """Scan (0-based) that confirms a response on the trunk, -1 without one, shape (n,)"""


def follow(engine: Engine, task: ArmTask, kept_states: Sequence[str] | None = None) -> Courses:
    """Integrate the patients of a task on drug, and off drug from every scan at which they may stop.

    Parameters
    ----------
    engine
        how patients are integrated
    task
        arm, stop rule and patients
    kept_states
        states kept of the branches, `Engine.seen` by default: there are ten times as many branches as patients
    """
    trial, arm, grid = task.trial, task.arm, engine.grid(task.trial)
    scans = trial.scans(float(grid[-1]))
    trunk = _integrate(engine, task, grid)
    on_drug = _scanned(engine, with_inputs(engine, task.parameters, arm), trunk, scans.size)
    not_seen = unseen(on_drug.log_diameter, on_drug.speed, on_drug.lesion_hazard, trial)
    course = treatment_course(trial, arm, task.rule, scans, not_seen)
    kept = (course.stopped >= NEGLIGIBLE) & (scans[:, None] < grid[-1]) & arm.treated & (trunk.completion == 0)
    scan, patient = np.nonzero(kept)
    left = _carry(course.stopped, kept)
    left_unseen = _carry(np.broadcast_to(course.discontinued[:, None], kept.shape), kept)
    branches = _branch(engine, task, trunk, (scan, patient), kept_states or engine.seen)
    off_inputs = with_inputs(engine, task.parameters[:, patient], None)
    off_drug = _joined(on_drug, _scanned(engine, off_inputs, branches, scans.size), (scan, patient))
    off_unseen = unseen(off_drug.log_diameter, off_drug.speed, off_drug.lesion_hazard, trial)
    return Courses(
        grid, scans, trunk, branches, patient, scan, course,
        trunk_weight=_remaining(left),
        branch_weight=left[scan, patient],
        trunk_unseen=np.vstack([np.ones(kept.shape[1]), not_seen]),
        trunk_kept=_remaining(left_unseen),
        branch_unseen=np.vstack([np.ones(scan.size), off_unseen]),
        branch_kept=left_unseen[scan, patient],
        confirmed=confirmed_response(on_drug.log_diameter, math.log(trial.response_ratio)),
    )  # fmt: skip


@dataclass(frozen=True)
class _Scanned:
    """What scans see of n patients; shape (K, n), zero where a course has not begun or has failed."""

    log_diameter: Array
    speed: Array
    """Its derivative [1/d]."""
    lesion_hazard: Array


def _scanned(engine: Engine, inputs: Array, courses: EnsembleTrajectories, n_scans: int) -> _Scanned:
    """Return ln of the sum of diameters, its derivative from the neighbours on the grid, and the hazard of new lesions."""
    at_scan = STEPS_PER_SCAN * np.arange(1, n_scans + 1)
    places = np.concatenate([at_scan - 1, at_scan, at_scan + 1])
    rows = [courses.names.index(name) for name in engine.diameter.states]
    states = courses.states[np.array(rows)[:, None], places]
    seen = engine.diameter.value(courses.time[places, None], states, inputs[:, None, :])
    # what a failed patient lacks is made finite here; `sum_courses` gives such patients no weight
    before, at, after = np.nan_to_num(seen).reshape(3, n_scans, -1)
    step = courses.time[1] - courses.time[0]
    return _Scanned(at, (after - before) / (2.0 * step), np.nan_to_num(courses["lesion_hazard"][at_scan]))


def _joined(on_drug: _Scanned, off_drug: _Scanned, leaves: tuple[Integers, Integers]) -> _Scanned:
    """Return what scans see of patients who leave: the trunk up to the scan they leave at, the branch after it."""
    scan, patient = leaves
    before = np.arange(on_drug.speed.shape[0])[:, None] <= scan[None, :]
    names = [item.name for item in fields(_Scanned)]
    return _Scanned(*(np.where(before, getattr(on_drug, name)[:, patient], getattr(off_drug, name)) for name in names))


def with_inputs(engine: Engine, parameters: Array, arm: Arm | None) -> Array:
    """Return parameters, shape (n_parameters, n), with the arm's inputs below them; all zero without an arm."""
    inputs = {} if arm is None else arm.schedule.at(0.0)
    given = [np.full((1, parameters.shape[1]), inputs.get(item.name, 0.0)) for item in engine.compiled.model.inputs]
    return np.concatenate([parameters, *given])


def _integrate(engine: Engine, task: ArmTask, grid: Array) -> EnsembleTrajectories:
    return engine.integrate(
        initial=engine.compiled.initial(with_inputs(engine, task.parameters, task.arm)),
        parameters=task.parameters,
        time=grid,
        schedule=task.arm.schedule,
        tolerances=engine.tolerances,
    )


def _branch(
    engine: Engine, task: ArmTask, trunk: EnsembleTrajectories, leaves: tuple[Integers, Integers], kept_states: Sequence[str]
) -> EnsembleTrajectories:
    scan, patient = leaves
    start = STEPS_PER_SCAN * (scan + 1)
    return engine.integrate(
        initial=np.ascontiguousarray(trunk.states[:, start, patient]),
        parameters=np.ascontiguousarray(task.parameters[:, patient]),
        time=trunk.time,
        start=start,
        schedule=constant(),
        keep=kept_states,
        tolerances=engine.tolerances,
    )


def _carry(mass: Array, kept: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]") -> Array:
    """Return the mass moved to the next kept scan of each patient, zero where nothing is kept."""
    out = np.zeros(kept.shape)
    waiting = np.zeros(kept.shape[1])
    for k in range(kept.shape[0]):
        waiting += mass[k]
        out[k] = np.where(kept[k], waiting, 0.0)
        waiting = np.where(kept[k], 0.0, waiting)
    return out


def _remaining(left: Array) -> Array:
    return np.vstack([np.ones(left.shape[1]), 1.0 - np.cumsum(left, axis=0)])


def scans_before(courses: Courses) -> Integers:
    """Return the number of scans up to each grid point, shape (g,)."""
    return np.minimum(np.arange(courses.grid.size) // STEPS_PER_SCAN, courses.scans.size)


def patients_at(courses: Courses) -> Array:
    """Return the probability of still being on the trunk at each grid point, death aside, shape (g, n)."""
    return courses.trunk_weight[scans_before(courses)]


def survival_of(courses: EnsembleTrajectories) -> Array:
    """Return survival of each course given its path; zero before a branch begins and after a failure."""
    return np.nan_to_num(np.exp(-(courses["tumour_hazard"] + courses["liver_hazard"])))
