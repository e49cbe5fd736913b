"""A trial patient by patient: every event drawn, nothing averaged.

Start with `draw_arm`.  It shares the integrator with `virtual_trial` and nothing else: the probabilities of stopping,
detection and death are replaced by draws, so that the two check each other, and so that trials can be simulated for
recovery studies and plots of single patients.
"""

import math
from dataclasses import dataclass, fields

import numpy as np

from kinimmune.models.arrays import Array, Integers
from kinimmune.models.solvers.dosing import constant
from kinimmune.models.solvers.ensemble import EnsembleTrajectories
from kinimmune.models.trial.design import Endpoint, StopRule, Trial
from kinimmune.models.trial.treatment_paths import DIAMETER, STEPS_PER_SCAN, ArmTask, Engine, with_inputs


@dataclass(frozen=True)
class DrawnArm:
    """The patients of one arm; times in days, shape (n,) unless told otherwise."""

    grid: Array
    """shape (g,)"""
    death: Array
    """Infinite beyond the horizon."""
    stop: Array
    """When the drug was stopped, infinite if never."""
    progression: Array
    """Scheduled date of the scan that showed progression, infinite if none did."""
    followed: dict[Endpoint, Array]
    """How long each patient was followed."""
    log_diameter: Array
    """ln of the sum of diameters over its start on the path taken, shape (g, n)"""

    def observed(self, endpoint: Endpoint) -> tuple[Array, Array]:
        """Return observed times [d] and whether each ends in an event (1.0) or is censored (0.0)."""
        limit = self.followed[endpoint]
        if endpoint is Endpoint.OS:
            return np.minimum(self.death, limit), (self.death <= limit).astype(float)
        end = np.minimum(self.death, limit)
        return np.minimum(self.progression, end), (self.progression <= end).astype(float)


@dataclass(frozen=True)
class _Draws:
    """What chance decides of each patient."""

    visit_shift: Array
    """In standard deviations."""
    reading: Array
    """Error of every reading of ln of the sum of diameters, in standard deviations."""
    lesion: Array
    """Cumulative hazard at which the first new lesion appears."""
    death: Array
    discontinuation: Integers
    """Scan (0-based) at which adverse events end treatment."""
    symptoms: Array
    """Time [d] of symptomatic progression."""
    entry: Array
    """Uniform; the place in the accrual period is its 1/shape power."""

    def of(self, who: Integers) -> "_Draws":
        """Return the draws of some patients."""
        return _Draws(*(getattr(self, item.name)[who] for item in fields(self)))


def draw_arm(engine: Engine, task: ArmTask, seed: int | list[int]) -> DrawnArm:
    """Return the drawn courses of the patients of a task.

    Parameters
    ----------
    engine
        how patients are integrated
    task
        arm, stop rule and parameters, one column per patient
    seed
        of all draws; arms of one trial need different ones
    """
    trial, arm, grid = task.trial, task.arm, engine.grid(task.trial)
    scans = trial.scans(float(grid[-1]))
    draws = _draw(task, task.parameters.shape[1], np.random.default_rng(seed))
    inputs = with_inputs(engine, task.parameters, arm)
    trunk = _course(engine, task, engine.compiled.initial(inputs), 0, None)
    diameter = _log_diameter(engine, inputs, trunk, grid)
    seen = _detection(trial, (grid, diameter, trunk["lesion_hazard"]), draws)
    stop = np.minimum(_rule_stop(task.rule, scans, seen, draws), draws.discontinuation)
    path = trunk.states.copy()
    for k in range(scans.size):
        who = np.flatnonzero(stop == k)
        if who.size == 0 or not arm.treated or scans[k] >= grid[-1]:
            continue
        _leave(engine, task, (trunk, path, diameter, seen), draws, (k, who))
    states = engine.compiled.model.state_names
    hazard = path[states.index("tumour_hazard")] + path[states.index("liver_hazard")]
    dates = np.append(scans, math.inf)
    return DrawnArm(
        grid=grid,
        death=_first_passage(grid, hazard, draws.death),
        stop=dates[np.minimum(stop, scans.size)],
        progression=dates[np.minimum(seen, scans.size)],
        followed={
            endpoint: span.longest - draws.entry ** (1.0 / span.shape) * (span.longest - span.shortest)
            for endpoint, span in trial.follow_up.items()
        },
        log_diameter=diameter,
    )


def _draw(task: ArmTask, n: int, generator: np.random.Generator) -> _Draws:
    arm, never = task.arm, np.full(n, np.iinfo(np.int64).max)
    rate = 0.0 if task.rule is StopRule.NEVER else arm.discontinuation_rate
    waiting = generator.exponential(size=n)
    discontinuation = never if rate == 0.0 else np.floor(waiting / (rate * task.trial.scan_interval)).astype(np.int64)
    symptoms = generator.exponential(size=n) * arm.symptomatic_median / math.log(2.0)
    return _Draws(
        visit_shift=generator.standard_normal(n),
        reading=generator.standard_normal(n),
        lesion=generator.exponential(size=n),
        death=generator.exponential(size=n),
        discontinuation=discontinuation,
        symptoms=symptoms,
        entry=generator.random(n),
    )


def _course(engine: Engine, task: ArmTask, initial: Array, start: int, branch: Integers | None) -> EnsembleTrajectories:
    """Integrate everyone on drug (branch None), or the patients of a branch off drug from a grid point."""
    parameters = task.parameters if branch is None else np.ascontiguousarray(task.parameters[:, branch])
    return engine.integrate(
        initial=np.ascontiguousarray(initial),
        parameters=parameters,
        time=engine.grid(task.trial)[start:],
        schedule=task.arm.schedule if branch is None else constant(),
        keep=engine.compiled.model.state_names,
        tolerances=engine.tolerances,
    )


def _log_diameter(engine: Engine, inputs: Array, courses: EnsembleTrajectories, grid: Array) -> Array:
    names = [item.name for item in engine.compiled.model.outputs]
    seen: Array = engine.compiled.outputs(grid[:, None], courses.states, inputs[:, None, :])[names.index(DIAMETER)]
    return seen


def _detection(trial: Trial, course: tuple[Array, Array, Array], draws: _Draws) -> Integers:
    """Return the scan (0-based) that first shows progression, the number of scans where none does.

    The course is the grid, ln of the sum of diameters and the hazard of new lesions on it.  Every visit of a patient is
    shifted by the same number of days, and every reading by the same error.
    """
    grid, diameter, lesions = course
    scans = trial.scans(float(grid[-1]))
    read = _at_visits(grid, diameter, scans[:, None] + trial.scan_jitter * draws.visit_shift[None, :])
    lowest = np.minimum(np.minimum.accumulate(read, axis=0), 0.0)
    limit = math.log(trial.progression_ratio) + trial.reading_error * draws.reading[None, :]
    at_scan = lesions[STEPS_PER_SCAN * np.arange(1, scans.size + 1)]
    shown = (read - lowest >= limit) | (at_scan >= draws.lesion[None, :])
    return np.where(shown.any(axis=0), shown.argmax(axis=0), scans.size)


def _at_visits(grid: Array, values: Array, visits: Array) -> Array:
    """Return values, shape (g, n), at each patient's visits, shape (n_scans, n), linear between grid points."""
    place = np.clip(visits / (grid[1] - grid[0]), 0.0, grid.size - 1.000001)
    before = place.astype(np.int64)
    columns = np.arange(values.shape[1])[None, :]
    share = place - before
    return np.asarray((1.0 - share) * values[before, columns] + share * values[before + 1, columns])


def _rule_stop(rule: StopRule, scans: Array, seen: Integers, draws: _Draws) -> Integers:
    if rule is StopRule.RADIOLOGICAL:
        return seen
    if rule is StopRule.ONE_SCAN_LATER:
        return seen + 1
    if rule is StopRule.NEVER:
        return np.full(seen.shape, scans.size)
    felt = np.searchsorted(scans, draws.symptoms)
    return np.maximum(seen, felt)


def _leave(
    engine: Engine,
    task: ArmTask,
    state: tuple[EnsembleTrajectories, Array, Array, Integers],
    draws: _Draws,
    at: tuple[int, Integers],
) -> None:
    """Continue the patients who stop at a scan off drug, in place."""
    trunk, path, diameter, seen = state
    k, who = at
    grid = engine.grid(task.trial)
    start = STEPS_PER_SCAN * (k + 1)
    branch = _course(engine, task, trunk.states[:, start, who], start, who)
    path[:, start:, who] = branch.states
    inputs = with_inputs(engine, task.parameters[:, who], task.arm)
    diameter[start:, who] = _log_diameter(engine, inputs, branch, grid[start:])
    lesions = path[[item.name for item in engine.compiled.model.states].index("lesion_hazard")][:, who]
    again = _detection(task.trial, (grid, diameter[:, who], lesions), draws.of(who))
    seen[who] = np.where(seen[who] <= k, seen[who], np.maximum(again, k + 1))


def _first_passage(grid: Array, hazard: Array, level: Array) -> Array:
    """Return when a cumulative hazard, shape (g, n), reaches each patient's level; linear within a grid step."""
    reached = hazard >= level[None, :]
    last = np.where(reached.any(axis=0), reached.argmax(axis=0), grid.size - 1)
    columns = np.arange(level.size)
    before, after = hazard[last - 1, columns], hazard[last, columns]
    time = grid[last - 1] + (level - before) / (after - before) * (grid[last] - grid[last - 1])
    return np.where(reached.any(axis=0), time, math.inf)
