"""One arm of a virtual trial: the sums over patients that a trial reports, in expectation.

Start with `run_arms`.  How patients are followed, on drug and off, is in `kinimmune.models.trial.treatment_paths`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np

from kinimmune.models.arrays import Array, Integers
from kinimmune.models.errors import NumericalError
from kinimmune.models.solvers.chunks import cut, map_in_order
from kinimmune.models.solvers.ensemble import EnsembleTrajectories
from kinimmune.models.trial.design import Arm, Trial
from kinimmune.models.trial.treatment_paths import (
    STEPS_PER_SCAN,
    ArmTask,
    Courses,
    Engine,
    follow,
    patients_at,
    scans_before,
    survival_of,
    with_inputs,
)

CHUNK = 64
"""Patients integrated together; fixed, so that sums do not depend on the number of threads."""


class Enrolment(Protocol):
    """The patients of one arm, a part at a time: an `ArmTask`, or one whose parameters are computed when they are needed."""

    @property
    def trial(self) -> Trial:
        """The trial of the arm."""
        ...

    @property
    def arm(self) -> Arm:
        """What the patients are given."""
        ...

    @property
    def patients(self) -> int:
        """Number of patients."""
        ...

    def part(self, which: slice) -> ArmTask:
        """Return the task of some of the patients."""
        ...


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


def run_arms(engine: Engine, arms: Sequence[Enrolment], jobs: int) -> list[ArmOutcome]:
    """Run arms, chunks of patients side by side in `jobs` threads; the result has the same bits for any `jobs`.

    Sums are taken as chunks end, so memory does not grow with the number of patients.

    Raises
    ------
    NumericalError
        when no patient of an arm could be integrated
    """
    parts = ((place, arm.part(which)) for place, arm in enumerate(arms) for which in cut(arm.patients, CHUNK))
    totals: dict[int, ArmSums] = {}
    for place, part in map_in_order(lambda item: (item[0], sum_courses(follow(engine, item[1]))), parts, jobs):
        totals[place] = totals[place].plus(part) if place in totals else part
    return [_outcome(engine, arm, totals[place]) for place, arm in enumerate(arms)]


def sum_courses(courses: Courses) -> ArmSums:
    """Reduce the courses of some patients to the sums a trial reports."""
    fine = courses.trunk.completion == 0
    lost = np.bincount(courses.patient[courses.branches.completion != 0], minlength=fine.size) > 0
    ok = fine & ~lost
    trunk, branch = np.where(ok, 1.0, 0.0), np.where(ok[courses.patient], 1.0, 0.0)
    alive, off_alive = survival_of(courses.trunk), survival_of(courses.branches)
    segment = scans_before(courses)
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


def _outcome(engine: Engine, task: Enrolment, sums: ArmSums) -> ArmOutcome:
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


def mean_courses(engine: Engine, task: ArmTask, names: Sequence[str]) -> dict[str, Array]:
    """Return name -> mean over patients alive at each time of the engine's grid, shape (g,).

    Parameters
    ----------
    engine
        how patients are integrated
    task
        arm, stop rule and parameters
    names
        states and outputs of the model
    """
    total = np.zeros((len(names), engine.grid(task.trial).size))
    weight = np.zeros(total.shape[1])
    for which in cut(task.patients, CHUNK):
        chunk = task.part(which)
        courses = follow(engine, chunk, engine.compiled.model.state_names)
        inputs = with_inputs(engine, chunk.parameters, chunk.arm)
        off = inputs[:, courses.patient].copy()
        off[len(engine.compiled.model.parameter_names) :] = 0.0
        for states, given, alive in (
            (courses.trunk.states, inputs, patients_at(courses) * survival_of(courses.trunk)),
            (courses.branches.states, off, courses.branch_weight * survival_of(courses.branches)),
        ):
            values = _values(engine, courses, states, given, names)
            total += np.where(alive > 0.0, values * alive, 0.0).sum(axis=-1)
            weight += alive.sum(axis=-1)
    return {name: row / weight for name, row in zip(names, total, strict=True)}


def _values(engine: Engine, courses: Courses, states: Array, inputs: Array, names: Sequence[str]) -> Array:
    """Return the named states and outputs, shape (n_names, g, n)."""
    model = engine.compiled.model
    outputs = engine.compiled.outputs(courses.grid[:, None], states, inputs[:, None, :])
    rows = {item.name: row for item, row in zip(model.states, states, strict=True)}
    rows |= {item.name: row for item, row in zip(model.outputs, outputs, strict=True)}
    return np.stack([rows[name] for name in names])
