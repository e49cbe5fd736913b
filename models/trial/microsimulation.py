"""A trial patient by patient: every event drawn, nothing averaged.

Start with `simulate_patients`.  It shares the integrator with `virtual_trial` and nothing else: the probabilities of stopping,
detection and death are replaced by draws, so that the two check each other, and so that trials can be simulated for
recovery studies and plots of single patients.
"""

import math
from dataclasses import dataclass, fields

import numpy as np

from kinimmune.models.arrays import Array, Bools, Integers
from kinimmune.models.solvers.dosing import Schedule
from kinimmune.models.solvers.ensemble import EnsembleTrajectories
from kinimmune.models.solvers.individual import add_doses
from kinimmune.models.trial.cohort import ArmCohort
from kinimmune.models.trial.design import Arm, Endpoint, StopRule, Trial
from kinimmune.models.trial.simulator import TrialSimulator


@dataclass(frozen=True)
class SimulatedPatients:
    """The patients of one arm; times in days, shape (n,) unless told otherwise."""

    grid: Array
    """Times at which courses are known, shape (g,)."""
    death: Array
    """Time of death, infinite beyond the horizon."""
    stop: Array
    """When treatment was stopped, infinite if never."""
    progression: Array
    """Scheduled date of the scan that showed progression, infinite if none did."""
    followed: dict[Endpoint, Array]
    """How long each patient was followed."""
    log_diameter: Array | None
    """ln of the sum of diameters over its start on the path taken, shape (g, n); None in a model without a diameter."""

    def observed(self, endpoint: Endpoint) -> tuple[Array, Array]:
        """Return observed times [d] and whether each ends in an event (1.0) or is censored (0.0)."""
        limit = self.followed[endpoint]
        if endpoint is Endpoint.OS:
            return np.minimum(self.death, limit), (self.death <= limit).astype(float)
        if endpoint is Endpoint.PFS:
            first = np.minimum(self.death, self.progression)
            return np.minimum(first, limit), (first <= limit).astype(float)
        end = np.minimum(self.death, limit)
        return np.minimum(self.progression, end), (self.progression <= end).astype(float)


@dataclass(frozen=True)
class _Draws:
    """What chance decides of each patient, shape (n,) each."""

    visit_shift: Array
    """Deviation of every visit from its date, in standard deviations."""
    reading: Array
    """Error of every reading of ln of the sum of diameters, in standard deviations."""
    lesion: Array
    """Cumulative hazard at which the first new lesion appears."""
    death: Array
    """Cumulative hazard at which the patient dies."""
    discontinuation: Integers
    """Scan (0-based) at which adverse events end treatment."""
    symptoms: Array
    """Time [d] of symptomatic progression."""
    entry: Array
    """Uniform; the place in the accrual period is its 1/shape power."""
    next_line: Array
    """Uniform; a patient goes on with a next line where it is below the share of those who do."""

    def of(self, who: Integers) -> "_Draws":
        """Return the draws of some patients."""
        return _Draws(*(getattr(self, item.name)[who] for item in fields(self)))


@dataclass(frozen=True)
class _Paths:
    """What patients go through on a grid of g times, on treatment and, after leaving it, off treatment."""

    hazard_of_death: Array
    """Cumulative hazard of death by any cause, shape (g, n)."""
    hazard_of_lesions: Array
    """Cumulative hazard of new lesions, shape (g, n)."""
    log_diameter: Array | None
    """ln of the sum of diameters over its start, shape (g, n); None in a model without a diameter."""

    def of(self, who: Integers) -> "_Paths":
        """Return the paths of some patients."""
        diameter = None if self.log_diameter is None else self.log_diameter[:, who]
        return _Paths(self.hazard_of_death[:, who], self.hazard_of_lesions[:, who], diameter)

    def since(self, start: int) -> "_Paths":
        """Return the paths from a grid point on."""
        diameter = None if self.log_diameter is None else self.log_diameter[start:]
        return _Paths(self.hazard_of_death[start:], self.hazard_of_lesions[start:], diameter)

    def left(self, start: int, who: Integers, off: "_Paths") -> "_Paths":
        """Return the paths where some patients go on off treatment; what is read at grid point `start` is still on treatment."""
        diameter = None
        if self.log_diameter is not None and off.log_diameter is not None:
            diameter = _replace_after(self.log_diameter, start, who, off.log_diameter)
        return _Paths(
            _replace_after(self.hazard_of_death, start, who, off.hazard_of_death),
            _replace_after(self.hazard_of_lesions, start, who, off.hazard_of_lesions),
            diameter,
        )


def _replace_after(values: Array, start: int, who: Integers, later: Array) -> Array:
    changed = values.copy()
    changed[start + 1 :, who] = later[1:]
    return changed


def simulate_patients(simulator: TrialSimulator, cohort: ArmCohort, seed: int | list[int]) -> SimulatedPatients:
    """Return the drawn courses of the patients of a cohort.

    Parameters
    ----------
    simulator
        how patients are integrated
    cohort
        arm, stop rule and parameters, one column per patient
    seed
        of all draws; arms of one trial need different ones
    """
    trial, grid = cohort.trial, simulator.grid(cohort.trial)
    scans = trial.scans(float(grid[-1]))
    places = trial.plan.places(scans.size)
    draws = _draw(cohort, np.random.default_rng(seed))
    on_treatment = simulator.integrate_on_treatment(cohort)
    paths = _read_paths(simulator, cohort.parameters, cohort.dosing.on, on_treatment)
    progression = _find_progression(trial, grid, paths, draws)
    by_rule = _rule_stop(cohort.rule, scans, progression, draws)
    stop = np.minimum(by_rule, draws.discontinuation)
    goes_on = _goes_on(cohort.arm, by_rule <= draws.discontinuation, draws)
    for scan in np.flatnonzero(scans < grid[-1]):
        start = int(places[scan])
        for later in _list_ways(cohort, float(grid[start])):
            who = np.flatnonzero((stop == scan) & (goes_on == later.next_line))
            if who.size == 0:
                continue
            paths = paths.left(start, who, _leave_treatment(simulator, later, on_treatment, start, who))
            again = _find_progression(trial, grid, paths.of(who), draws.of(who))
            progression[who] = np.where(progression[who] <= scan, progression[who], np.maximum(again, scan + 1))
    dates = np.append(scans, math.inf)
    return SimulatedPatients(
        grid=grid,
        death=_first_passage(grid, paths.hazard_of_death, draws.death),
        stop=dates[np.minimum(stop, scans.size)],
        progression=dates[np.minimum(progression, scans.size)],
        followed={
            endpoint: span.longest - draws.entry ** (1.0 / span.shape) * (span.longest - span.shortest)
            for endpoint, span in trial.follow_up.items()
        },
        log_diameter=paths.log_diameter,
    )


def _draw(cohort: ArmCohort, generator: np.random.Generator) -> _Draws:
    arm, n = cohort.arm, cohort.patients
    never = np.full(n, np.iinfo(np.int64).max)
    rate = 0.0 if cohort.rule is StopRule.NEVER else arm.discontinuation_rate
    waiting = generator.exponential(size=n)
    discontinuation = never if rate == 0.0 else cohort.trial.plan.count_before(waiting / (rate * cohort.trial.scan_interval))
    symptoms = generator.exponential(size=n) * arm.symptomatic_median / math.log(2.0)
    return _Draws(
        visit_shift=generator.standard_normal(n),
        reading=generator.standard_normal(n),
        lesion=generator.exponential(size=n),
        death=generator.exponential(size=n),
        discontinuation=discontinuation,
        symptoms=symptoms,
        entry=generator.random(n),
        next_line=generator.random(n),
    )


def _read_paths(simulator: TrialSimulator, parameters: Array, schedule: Schedule, courses: EnsembleTrajectories) -> _Paths:
    """Return what is read of courses with every state kept, under what was given on them."""
    name = simulator.roles.log_diameter
    inputs = simulator.with_inputs(parameters, schedule, courses.time)
    diameter = None if name is None else simulator.read(courses, inputs, [name])[0]
    return _Paths(simulator.hazard_of_death(courses), simulator.hazard_of_lesions(courses), diameter)


@dataclass(frozen=True)
class _Way:
    """What patients who stop at one scan go on with."""

    next_line: bool
    schedule: Schedule
    parameters: Array
    """Of all patients of the arm, shape (n_parameters, n)."""


def _list_ways(cohort: ArmCohort, day: float) -> list[_Way]:
    """Return what patients who stop on a day [d] may go on with, where that is anything else than what they had."""
    ways = [_Way(False, cohort.dosing.off, cohort.parameters)] if cohort.dosing.stops else []
    if cohort.next_line is not None:
        ways.append(_Way(True, cohort.next_line.schedule.later(day), cohort.next_line.parameters))
    return ways


def _goes_on(arm: Arm, by_rule: Bools, draws: _Draws) -> Bools:
    """Return who goes on with the arm's next line, by whether the study's rule ends the treatment of each patient."""
    if arm.next_line is None:
        return np.zeros(by_rule.shape, dtype=bool)
    return draws.next_line < np.where(by_rule, arm.next_line.after_progression, arm.next_line.after_discontinuation)


def _leave_treatment(
    simulator: TrialSimulator, way: _Way, on_treatment: EnsembleTrajectories, start: int, who: Integers
) -> _Paths:
    """Return the paths after treatment, from a grid point on, of patients who stop there."""
    parameters = np.ascontiguousarray(way.parameters[:, who])
    initial = np.ascontiguousarray(on_treatment.states[:, start, who])
    if way.next_line:  # what treatment gave at that moment the states hold already, what the next line gives then they do not
        initial = add_doses(simulator.compiled, way.schedule, float(on_treatment.time[start]), initial)
    courses = simulator.integrate(
        initial=initial,
        parameters=parameters,
        time=on_treatment.time,
        start=np.full(who.size, start),
        schedule=way.schedule,
        tolerances=simulator.tolerances,
    )
    return _read_paths(simulator, parameters, way.schedule, courses).since(start)


def _find_progression(trial: Trial, grid: Array, paths: _Paths, draws: _Draws) -> Integers:
    """Return the scan (0-based) that first shows progression, the number of scans where none does.

    Every visit of a patient is shifted by the same number of days, and every reading by the same error.
    """
    scans = trial.scans(float(grid[-1]))
    at_scan = paths.hazard_of_lesions[trial.plan.places(scans.size)]
    shown = at_scan >= draws.lesion[None, :]
    if paths.log_diameter is not None:
        read = _at_visits(grid, paths.log_diameter, scans[:, None] + trial.scan_jitter * draws.visit_shift[None, :])
        lowest = np.minimum(np.minimum.accumulate(read, axis=0), 0.0)
        limit = trial.progression_limit(lowest) + trial.reading_error * draws.reading[None, :]
        shown = (read - lowest >= limit) | shown
    return np.where(shown.any(axis=0), shown.argmax(axis=0), scans.size)


def _at_visits(grid: Array, values: Array, visits: Array) -> Array:
    """Return values, shape (g, n), at each patient's visits, shape (n_scans, n), linear between grid points."""
    place = np.clip(visits / (grid[1] - grid[0]), 0.0, grid.size - 1.000001)
    before = place.astype(np.int64)
    columns = np.arange(values.shape[1])[None, :]
    share = place - before
    return np.asarray((1.0 - share) * values[before, columns] + share * values[before + 1, columns])


def _rule_stop(rule: StopRule, scans: Array, progression: Integers, draws: _Draws) -> Integers:
    """Return the scan (0-based) at which the rule ends treatment, beyond the last one where it does not."""
    if rule is StopRule.RADIOLOGICAL:
        return progression
    if rule is StopRule.ONE_SCAN_LATER:
        return progression + 1
    if rule is StopRule.NEVER:
        return np.full(progression.shape, scans.size)
    felt = np.searchsorted(scans, draws.symptoms)
    return np.maximum(progression, felt)


def _first_passage(grid: Array, hazard: Array, level: Array) -> Array:
    """Return when a cumulative hazard, shape (g, n), reaches each patient's level; linear within a grid step."""
    reached = hazard >= level[None, :]
    last = np.where(reached.any(axis=0), reached.argmax(axis=0), grid.size - 1)
    columns = np.arange(level.size)
    before, after = hazard[last - 1, columns], hazard[last, columns]
    time = grid[last - 1] + (level - before) / (after - before) * (grid[last] - grid[last - 1])
    return np.where(reached.any(axis=0), time, math.inf)
