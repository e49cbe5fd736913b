"""One arm of a virtual trial: every patient's course on drug, its branches off drug, and the sums a trial reports.

Start with `run_arms`.  A model that can be tried has the states `tumour_hazard`, `liver_hazard` (death) and
`lesion_hazard` (new lesions) and the output `log_diameter`, ln of the sum of diameters over its start.

A patient who may stop treatment at any scan is one course on drug (the trunk) and one course off drug from each scan (the
branches), each with the probability of having taken it; nothing is drawn.  Branches of negligible weight are not
integrated: their patients stay on drug until the next branch that is.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np

from kinimmune.models.arrays import Array, Integers
from kinimmune.models.compile import CompiledModel
from kinimmune.models.dosing import constant
from kinimmune.models.endpoints import TreatmentCourse, confirmed_response, treatment_course, unseen
from kinimmune.models.ensemble import EnsembleTrajectories
from kinimmune.models.errors import NumericalError
from kinimmune.models.integrators import Integrator
from kinimmune.models.simulate import Tolerances
from kinimmune.models.trials import Arm, StopRule, Trial

Item = TypeVar("Item")
Part = TypeVar("Part")

DIAMETER = "log_diameter"
CHUNK = 64
"""Patients integrated together; fixed, so that sums do not depend on the number of threads."""
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

    def grid(self, trial: Trial) -> Array:
        """Return the time grid [d]: `STEPS_PER_SCAN` points per scan interval, to the horizon or just beyond.

        The last scan has a neighbour after it, from which its speed is read, and room for late visits.
        """
        step = trial.scan_interval / STEPS_PER_SCAN
        steps = math.ceil(self.horizon / step - 1e-9)
        late = max(1, math.ceil(4.0 * trial.scan_jitter / step))
        return step * np.arange(max(steps, steps // STEPS_PER_SCAN * STEPS_PER_SCAN + late) + 1.0)


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


@dataclass(frozen=True)
class ArmSums:
    """Sums over patients; two of them add field by field."""

    patients: float
    """Patients that could be integrated."""
    failed: float
    retried: float
    """Courses, on drug or off, that only scipy could integrate."""
    alive: Array
    """Alive at the grid, shape (g,)"""
    on_treatment: Array
    """Alive and on treatment at the grid, shape (g,)"""
    liver_deaths: Array
    """Deaths by liver failure up to the grid, shape (g,)"""
    at_risk: Array
    """Alive at each scan with no progression seen before it, shape (K,)"""
    detected: Array
    """Progressions seen at each scan, shape (K,)"""
    by_lesion: Array
    """Of these, those seen by a new lesion alone, shape (K,)"""
    responded: float
    """Confirmed responses seen while on treatment and before progression."""

    def plus(self, other: "ArmSums") -> "ArmSums":
        """Return the sum."""
        return ArmSums(*(getattr(self, item.name) + getattr(other, item.name) for item in fields(self)))


@dataclass(frozen=True)
class ArmOutcome:
    """One arm in expectation: probabilities per patient enrolled."""

    arm: Arm
    grid: Array
    """[d], shape (g,)"""
    survival: Array
    """Overall survival S(t) at the grid."""
    on_treatment: Array
    liver_deaths: Array
    scans: Array
    """[d], shape (K,)"""
    at_risk: Array
    """Alive and unprogressed just before each scan."""
    detected: Array
    by_lesion: Array
    responded: float
    patients: int
    failed: int
    retried: int = 0
    """Courses, on drug or off, that the kernel gave up and scipy was asked for."""


@dataclass(frozen=True)
class ArmTask:
    """One arm to be run for one set of patients."""

    trial: Trial
    arm: Arm
    rule: StopRule
    parameters: Array
    """shape (n_parameters, n_patients)"""


def run_arms(engine: Engine, tasks: Sequence[ArmTask], jobs: int) -> list[ArmOutcome]:
    """Run arms, chunks of patients side by side in `jobs` threads; the result has the same bits for any `jobs`.

    Raises
    ------
    NumericalError
        when no patient of an arm could be integrated
    """
    parts = [(place, chunk) for place, task in enumerate(tasks) for chunk in chunks(task)]
    sums = _in_order(lambda item: sum_courses(follow(engine, item[1])), parts, jobs)
    totals: dict[int, ArmSums] = {}
    for (place, _), part in zip(parts, sums, strict=True):
        totals[place] = totals[place].plus(part) if place in totals else part
    return [_outcome(engine, task, totals[place]) for place, task in enumerate(tasks)]


def chunks(task: ArmTask) -> Iterator[ArmTask]:
    """Cut a task into tasks of `CHUNK` patients."""
    for first in range(0, task.parameters.shape[1], CHUNK):
        yield ArmTask(task.trial, task.arm, task.rule, task.parameters[:, first : first + CHUNK])


def _in_order(work: Callable[[Item], Part], items: Iterable[Item], jobs: int) -> list[Part]:
    if jobs == 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(work, items))


def follow(engine: Engine, task: ArmTask) -> Courses:
    """Integrate the patients of a task on drug, and off drug from every scan at which they may stop."""
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
    branches = _branch(engine, task, trunk, (scan, patient))
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
    outputs = [item.name for item in engine.compiled.model.outputs]
    seen = engine.compiled.outputs(courses.time[places, None], courses.states[:, places], inputs[:, None, :])
    # what a failed patient lacks is made finite here; `sum_courses` gives such patients no weight
    before, at, after = np.nan_to_num(seen[outputs.index(DIAMETER)]).reshape(3, n_scans, -1)
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
    engine: Engine, task: ArmTask, trunk: EnsembleTrajectories, leaves: tuple[Integers, Integers]
) -> EnsembleTrajectories:
    scan, patient = leaves
    start = STEPS_PER_SCAN * (scan + 1)
    return engine.integrate(
        initial=np.ascontiguousarray(trunk.states[:, start, patient]),
        parameters=np.ascontiguousarray(task.parameters[:, patient]),
        time=trunk.time,
        start=start,
        schedule=constant(),
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


def sum_courses(courses: Courses) -> ArmSums:
    """Reduce the courses of some patients to the sums a trial reports."""
    fine = courses.trunk.completion == 0
    lost = np.bincount(courses.patient[courses.branches.completion != 0], minlength=fine.size) > 0
    ok = fine & ~lost
    trunk, branch = np.where(ok, 1.0, 0.0), np.where(ok[courses.patient], 1.0, 0.0)
    alive, off_alive = survival_of(courses.trunk), survival_of(courses.branches)
    segment = _scans_before(courses)
    weight = patients_at(courses) * trunk
    off_weight = courses.branch_weight * branch
    at_risk, detected, by_lesion = _scan_sums(courses, alive, off_alive, (trunk, branch))
    liver = _liver(courses.trunk, alive, weight) + _liver(courses.branches, off_alive, off_weight)
    on_drug = np.vstack([np.ones_like(trunk), courses.course.on_drug])[segment]
    return ArmSums(
        patients=float(trunk.sum()),
        failed=float(trunk.size - trunk.sum()),
        retried=float(courses.trunk.retried + courses.branches.retried),
        alive=(weight * alive).sum(axis=1) + off_alive @ off_weight,
        on_treatment=(on_drug * alive * trunk).sum(axis=1),
        liver_deaths=liver,
        at_risk=at_risk,
        detected=detected,
        by_lesion=by_lesion,
        responded=_responded(courses, alive, trunk),
    )


def _scans_before(courses: Courses) -> Integers:
    """Return the number of scans up to each grid point, shape (g,)."""
    return np.minimum(np.arange(courses.grid.size) // STEPS_PER_SCAN, courses.scans.size)


def patients_at(courses: Courses) -> Array:
    """Return the probability of still being on the trunk at each grid point, death aside, shape (g, n)."""
    return courses.trunk_weight[_scans_before(courses)]


def survival_of(courses: EnsembleTrajectories) -> Array:
    """Return survival of each course given its path; zero before a branch begins and after a failure."""
    return np.nan_to_num(np.exp(-(courses["tumour_hazard"] + courses["liver_hazard"])))


def _liver(courses: EnsembleTrajectories, alive: Array, weight: Array) -> Array:
    risk = np.nan_to_num(np.diff(courses["liver_hazard"], axis=0))
    share = weight[:-1] if weight.ndim == alive.ndim else weight
    deaths = (share * np.sqrt(alive[1:] * alive[:-1]) * risk).sum(axis=1)
    return np.concatenate([[0.0], np.cumsum(deaths)])


def _scan_sums(courses: Courses, alive: Array, off_alive: Array, valid: tuple[Array, Array]) -> tuple[Array, Array, Array]:
    at_scan = STEPS_PER_SCAN * np.arange(1, courses.scans.size + 1)
    still = courses.trunk_kept[:-1] * alive[at_scan] * valid[0]
    off = courses.branch_kept * off_alive[at_scan] * valid[1]
    off[np.arange(courses.scans.size)[:, None] <= courses.scan[None, :]] = 0.0
    sums = []
    for on_drug, off_drug in (
        (courses.trunk_unseen[:-1], courses.branch_unseen[:-1]),
        (-np.diff(courses.trunk_unseen, axis=0), -np.diff(courses.branch_unseen, axis=0)),
        (_by_lesion(courses.trunk, courses, at_scan), _by_lesion(courses.branches, courses, at_scan)),
    ):
        sums.append((still * on_drug).sum(axis=1) + (off * off_drug).sum(axis=1))
    return sums[0], sums[1], sums[2]


def _by_lesion(part: EnsembleTrajectories, courses: Courses, at_scan: Integers) -> Array:
    """Return the probability of a first new lesion between scans while target lesions have not been seen to cross."""
    free = np.exp(-np.nan_to_num(part["lesion_hazard"][np.concatenate([[0], at_scan])]))
    not_seen = courses.trunk_unseen if part is courses.trunk else courses.branch_unseen
    # lesions of the fastest tumours are so many that freedom from them is below the smallest number
    not_crossed = np.divide(not_seen[1:], free[1:], out=np.zeros_like(free[1:]), where=free[1:] > 0.0)
    found: Array = not_crossed * -np.diff(free, axis=0)
    return found


def _responded(courses: Courses, alive: Array, valid: Array) -> float:
    at_scan = STEPS_PER_SCAN * np.arange(1, courses.scans.size + 1)
    who = np.flatnonzero(courses.confirmed >= 0)
    scan = courses.confirmed[who]
    seen = courses.trunk_kept[scan + 1, who] * courses.trunk_unseen[scan + 1, who] * alive[at_scan[scan], who]
    return float((seen * valid[who]).sum())


def _outcome(engine: Engine, task: ArmTask, sums: ArmSums) -> ArmOutcome:
    if sums.patients == 0.0:
        raise NumericalError(
            f"no patient of {task.trial.study}:{task.arm.name} could be integrated; "
            "look at the parameters far from their priors, or loosen the tolerance"
        )
    grid = engine.grid(task.trial)
    shares = {
        name: getattr(sums, name) / sums.patients
        for name in ("on_treatment", "liver_deaths", "at_risk", "detected", "by_lesion", "responded")
    }
    return ArmOutcome(
        arm=task.arm,
        grid=grid,
        survival=sums.alive / sums.patients,
        scans=task.trial.scans(float(grid[-1])),
        patients=int(sums.patients),
        failed=int(sums.failed),
        retried=int(sums.retried),
        **shares,
    )
