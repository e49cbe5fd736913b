"""A trial patient by patient: every event drawn, nothing averaged.

Start with `simulate_patients`.  It shares the integrator with `virtual_trial` and nothing else: the probabilities of stopping,
detection and death are replaced by draws, so that the two check each other, and so that trials can be simulated for
recovery studies and plots of single patients.
"""

import math
from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array, Bools, Integers
from kinimmune.models.solvers.dosing import Schedule
from kinimmune.models.solvers.ensemble import EnsembleTrajectories
from kinimmune.models.solvers.individual import add_doses
from kinimmune.models.trial.cohort import ArmCohort
from kinimmune.models.trial.design import Arm, Endpoint, StopRule, Trial
from kinimmune.models.trial.drawn_scans import DrawnPaths, Draws, draw_readings, find_progression, find_response
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
    response: Array
    """Scheduled date of the scan that confirmed a response, infinite if none did; `progression` and `stop` may come before it."""

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
    draws = _draw(cohort, scans.size, np.random.default_rng(seed))
    on_treatment = simulator.integrate_on_treatment(cohort)
    paths = _read_paths(simulator, trial, _Way(False, cohort.dosing.on, cohort.parameters), on_treatment, draws)
    progression = find_progression(trial, paths, draws)
    by_rule = _rule_stop(cohort.rule, scans, progression, draws)
    stop = np.minimum(by_rule, draws.discontinuation)
    goes_on = _goes_on(cohort.arm, by_rule <= draws.discontinuation, draws)
    for scan in np.flatnonzero(scans < grid[-1]):
        start = int(places[scan])
        for later in _list_ways(cohort, float(grid[start])):
            who = np.flatnonzero((stop == scan) & (goes_on == later.next_line))
            if who.size == 0:
                continue
            way, drawn = later.of(who), draws.of(who)
            off = _leave_treatment(simulator, way, on_treatment, start, who)
            paths = paths.left(start, int(scan), who, _read_paths(simulator, trial, way, off, drawn))
            again = find_progression(trial, paths.of(who), drawn)
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
        response=dates[find_response(trial, paths, draws)],
    )


def _draw(cohort: ArmCohort, scans: int, generator: np.random.Generator) -> Draws:
    arm, n = cohort.arm, cohort.patients
    never = np.full(n, np.iinfo(np.int64).max)
    rate = 0.0 if cohort.rule is StopRule.NEVER else arm.discontinuation_rate
    waiting = generator.exponential(size=n)
    discontinuation = never if rate == 0.0 else cohort.trial.plan.count_before(waiting / (rate * cohort.trial.scan_interval))
    symptoms = generator.exponential(size=n) * arm.symptomatic_median / math.log(2.0)
    return Draws(
        visit_shift=generator.standard_normal((n, scans)),
        first_reading=generator.standard_normal(n),
        reading=generator.standard_normal((n, scans)),
        lesion=generator.exponential(size=n),
        death=generator.exponential(size=n),
        discontinuation=discontinuation,
        symptoms=symptoms,
        entry=generator.random(n),
        next_line=generator.random(n),
    )


@dataclass(frozen=True)
class _Way:
    """What patients are given on a course."""

    next_line: bool
    schedule: Schedule
    parameters: Array
    """Of n patients, shape (n_parameters, n)."""

    def of(self, who: Integers) -> "_Way":
        """Return the way of some patients."""
        return _Way(self.next_line, self.schedule, np.ascontiguousarray(self.parameters[:, who]))


def _read_paths(simulator: TrialSimulator, trial: Trial, way: _Way, courses: EnsembleTrajectories, draws: Draws) -> DrawnPaths:
    """Return what is read of courses with every state kept, under what was given on them."""
    name = simulator.roles.log_diameter
    deaths, lesions = simulator.hazard_of_death(courses), simulator.hazard_of_lesions(courses)
    if name is None:
        return DrawnPaths(deaths, lesions, None, None)
    diameter = simulator.read(courses, simulator.with_inputs(way.parameters, way.schedule, courses.time), [name])[0]
    error = simulator.reading_error(trial, way.parameters)
    return DrawnPaths(deaths, lesions, diameter, draw_readings(trial, courses.time, diameter, error, draws))


def _list_ways(cohort: ArmCohort, day: float) -> list[_Way]:
    """Return what patients who stop on a day [d] may go on with, where that is anything else than what they had."""
    ways = [_Way(False, cohort.dosing.off, cohort.parameters)] if cohort.dosing.stops else []
    if cohort.next_line is not None:
        ways.append(_Way(True, cohort.next_line.schedule.later(day), cohort.next_line.parameters))
    return ways


def _goes_on(arm: Arm, by_rule: Bools, draws: Draws) -> Bools:
    """Return who goes on with the arm's next line, by whether the study's rule ends the treatment of each patient."""
    if arm.next_line is None:
        return np.zeros(by_rule.shape, dtype=bool)
    return draws.next_line < np.where(by_rule, arm.next_line.after_progression, arm.next_line.after_discontinuation)


def _leave_treatment(
    simulator: TrialSimulator, way: _Way, on_treatment: EnsembleTrajectories, start: int, who: Integers
) -> EnsembleTrajectories:
    """Return the courses after treatment of patients who stop at a grid point."""
    initial = np.ascontiguousarray(on_treatment.states[:, start, who])
    if way.next_line:  # what treatment gave at that moment the states hold already, what the next line gives then they do not
        initial = add_doses(simulator.compiled, way.schedule, float(on_treatment.time[start]), initial)
    return simulator.integrate(
        initial=initial,
        parameters=way.parameters,
        time=on_treatment.time,
        start=np.full(who.size, start),
        schedule=way.schedule,
        tolerances=simulator.tolerances,
    )


def _rule_stop(rule: StopRule, scans: Array, progression: Integers, draws: Draws) -> Integers:
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
