"""One arm of a virtual trial: the sums over patients that a trial reports, in expectation.

Start with `run_arms`.  How patients are integrated, on treatment and off, is in `kinimmune.models.trial.treatment_paths`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from kinimmune.models.arrays import Array
from kinimmune.models.errors import NumericalError
from kinimmune.models.solvers.chunks import cut, map_in_order
from kinimmune.models.solvers.ensemble import EnsembleTrajectories
from kinimmune.models.trial.cohort import ArmCohort, PopulationCohort
from kinimmune.models.trial.design import Arm
from kinimmune.models.trial.living import Living, find_living, sum_responding, sum_unprogressed
from kinimmune.models.trial.simulator import TrialSimulator
from kinimmune.models.trial.treatment_paths import TreatmentPaths, integrate_paths

PATIENTS_PER_CHUNK = 128
"""Patients integrated together; fixed, so that sums do not depend on the number of threads."""


@dataclass(frozen=True)
class ArmSums:
    """Sums over patients; two of them add field by field."""

    patients: float
    """Number of patients that could be integrated."""
    failed: float
    """Number of patients that could not."""
    retried: float
    """Number of courses, on treatment or off, that only scipy could integrate."""
    alive: Array
    """Patients alive at the grid, shape (g,)."""
    on_treatment: Array
    """Patients alive and on treatment at the grid, shape (g,)."""
    deaths: Array
    """Deaths by each cause up to the grid, shape (n_causes, g)."""
    at_risk: Array
    """Patients alive at each scan with no progression seen before it, shape (K,)."""
    detected: Array
    """Progressions seen at each scan, shape (K,)."""
    by_lesion: Array
    """Progressions seen at each scan by a new lesion alone, shape (K,)."""
    responded: float
    """Confirmed responses seen while on treatment and before progression."""
    unprogressed: Array
    """Patients alive with no progression seen at any scan up to each point of the grid, shape (g,)."""
    responding: Array
    """Confirmed responders by the duration of their response, as `sum_responding` counts them, shape (3, g)."""

    def plus(self, other: "ArmSums") -> "ArmSums":
        """Return the sum."""
        return ArmSums(*(getattr(self, item.name) + getattr(other, item.name) for item in fields(self)))


@dataclass(frozen=True)
class ArmOutcome:
    """One arm in expectation: probabilities per patient enrolled."""

    arm: Arm
    grid: Array
    """Times [d], shape (g,)."""
    survival: Array
    """Overall survival S(t) at the grid, shape (g,)."""
    on_treatment: Array
    """Probability of being alive and on treatment at the grid, shape (g,)."""
    deaths_by_cause: Mapping[str, Array]
    """Label of each cause, as the model gives it -> probability of death by it up to the grid, shape (g,)."""
    scans: Array
    """Scheduled dates of the scans [d], shape (K,)."""
    at_risk: Array
    """Probability of being alive and unprogressed just before each scan, shape (K,)."""
    detected: Array
    """Probability of a progression seen at each scan, shape (K,)."""
    by_lesion: Array
    """Probability of a progression seen at each scan by a new lesion alone, shape (K,)."""
    responded: float
    """Probability of a confirmed response while on treatment and before progression."""
    unprogressed: Array
    """Probability of being alive with no progression seen at any scan up to each point of the grid, shape (g,)."""
    responding: Array
    """Probability of a confirmed response by its duration, as `sum_responding` counts it, shape (3, g)."""
    patients: int
    """Number of patients that could be integrated."""
    failed: int
    """Number of patients that could not."""
    retried: int = 0
    """Number of courses, on treatment or off, that the kernel gave up and scipy was asked for."""


def run_arms(simulator: TrialSimulator, cohorts: Sequence[ArmCohort | PopulationCohort], jobs: int) -> list[ArmOutcome]:
    """Run arms, chunks of patients side by side in `jobs` threads; the result has the same bits for any `jobs`.

    Sums are taken as chunks end, so memory does not grow with the number of patients.

    Raises
    ------
    NumericalError
        when no patient of an arm could be integrated
    """
    parts = (
        (place, cohort.part(which)) for place, cohort in enumerate(cohorts) for which in cut(cohort.patients, PATIENTS_PER_CHUNK)
    )

    def sum_part(item: tuple[int, ArmCohort]) -> tuple[int, ArmSums]:
        return item[0], sum_paths(simulator, integrate_paths(simulator, item[1]))

    totals: dict[int, ArmSums] = {}
    for place, part in map_in_order(sum_part, parts, jobs):
        totals[place] = totals[place].plus(part) if place in totals else part
    return [_outcome(simulator, cohort, totals[place]) for place, cohort in enumerate(cohorts)]


def sum_paths(simulator: TrialSimulator, paths: TreatmentPaths) -> ArmSums:
    """Reduce the paths of some patients to the sums a trial reports."""
    living = find_living(simulator, paths)
    on_weight = paths.on_weight_at_grid * living.counted_on
    off_weight = paths.off_weight * living.counted_off
    on_drug = np.vstack([np.ones_like(living.counted_on), paths.course.on_drug])[paths.scans_before]
    at_risk, detected, by_lesion = _sum_scans(simulator, paths, living)
    return ArmSums(
        patients=float(living.counted_on.sum()),
        failed=float(living.counted_on.size - living.counted_on.sum()),
        retried=float(paths.on_treatment.retried + paths.off_treatment.retried),
        alive=(on_weight * living.on).sum(axis=1) + living.off @ off_weight,
        on_treatment=(on_drug * living.on * living.counted_on).sum(axis=1),
        deaths=np.stack(
            [
                _sum_deaths(paths.on_treatment[state], living.on, on_weight)
                + _sum_deaths(paths.off_treatment[state], living.off, off_weight)
                for state in simulator.roles.causes_of_death.values()
            ]
        ),
        at_risk=at_risk,
        detected=detected,
        by_lesion=by_lesion,
        responded=_sum_responses(paths, living),
        unprogressed=sum_unprogressed(paths, living),
        responding=sum_responding(paths, living),
    )


def _sum_deaths(hazard: Array, alive: Array, weight: Array) -> Array:
    """Return deaths by one cause up to the grid, shape (g,): its risk in each step times those alive in the middle of it."""
    risk = np.nan_to_num(np.diff(hazard, axis=0))
    share = weight[:-1] if weight.ndim == alive.ndim else weight
    deaths = (share * np.sqrt(alive[1:] * alive[:-1]) * risk).sum(axis=1)
    return np.concatenate([[0.0], np.cumsum(deaths)])


def _sum_scans(simulator: TrialSimulator, paths: TreatmentPaths, living: Living) -> list[Array]:
    """Return patients at risk, progressions and progressions by a new lesion alone at each scan, shape (K,) each."""
    on_alive = paths.p_not_discontinued[:-1] * living.on[paths.steps_to_scan] * living.counted_on
    off_alive = paths.p_discontinued * living.off[paths.steps_to_scan] * living.counted_off
    off_alive[np.arange(paths.scans.size)[:, None] <= paths.departures.scan[None, :]] = 0.0
    on_unseen, off_unseen = paths.on_no_progression, paths.off_no_progression
    on_free, off_free = (_p_no_lesion(simulator, paths, part) for part in (paths.on_treatment, paths.off_treatment))
    at_risk = _add(on_alive * on_unseen[:-1], off_alive * off_unseen[:-1])
    detected = _add(on_alive * -np.diff(on_unseen, axis=0), off_alive * -np.diff(off_unseen, axis=0))
    by_lesion = _add(on_alive * _p_lesion_alone(on_unseen, on_free), off_alive * _p_lesion_alone(off_unseen, off_free))
    return [at_risk, detected, by_lesion]


def _add(on_treatment: Array, off_treatment: Array) -> Array:
    """Return the sum over patients and over paths."""
    total: Array = on_treatment.sum(axis=1) + off_treatment.sum(axis=1)
    return total


def _p_no_lesion(simulator: TrialSimulator, paths: TreatmentPaths, courses: EnsembleTrajectories) -> Array:
    """Return the probability of no new lesion at the start and at each scan, shape (K + 1, n)."""
    places = np.concatenate([[0], paths.steps_to_scan])
    free: Array = np.exp(-np.nan_to_num(simulator.hazard_of_lesions(courses)[places]))
    return free


def _p_lesion_alone(no_progression: Array, no_lesion: Array) -> Array:
    """Return the probability of a first new lesion between scans while target lesions have not been seen to cross, (K, n)."""
    free = no_lesion[1:]
    # lesions of the fastest tumours are so many that freedom from them is below the smallest number
    not_crossed = np.divide(no_progression[1:], free, out=np.zeros_like(free), where=free > 0.0)
    found: Array = not_crossed * -np.diff(no_lesion, axis=0)
    return found


def _sum_responses(paths: TreatmentPaths, living: Living) -> float:
    alive = living.on[paths.steps_to_scan] * living.counted_on
    return float((paths.p_not_discontinued[1:] * paths.confirmed * alive).sum())


def _outcome(simulator: TrialSimulator, cohort: ArmCohort | PopulationCohort, sums: ArmSums) -> ArmOutcome:
    if sums.patients == 0.0:
        raise NumericalError(
            f"no patient of {cohort.trial.study}:{cohort.arm.name} could be integrated; "
            "look at the parameters far from their priors, or loosen the tolerance"
        )
    grid = simulator.grid(cohort.trial)
    return ArmOutcome(
        arm=cohort.arm,
        grid=grid,
        survival=sums.alive / sums.patients,
        on_treatment=sums.on_treatment / sums.patients,
        deaths_by_cause=dict(zip(simulator.roles.causes_of_death, sums.deaths / sums.patients, strict=True)),
        scans=cohort.trial.scans(float(grid[-1])),
        at_risk=sums.at_risk / sums.patients,
        detected=sums.detected / sums.patients,
        by_lesion=sums.by_lesion / sums.patients,
        responded=sums.responded / sums.patients,
        unprogressed=sums.unprogressed / sums.patients,
        responding=sums.responding / sums.patients,
        patients=int(sums.patients),
        failed=int(sums.failed),
        retried=int(sums.retried),
    )


def mean_courses(simulator: TrialSimulator, cohort: ArmCohort, names: Sequence[str]) -> dict[str, Array]:
    """Return name -> mean over patients alive at each time of the simulator's grid, shape (g,).

    Parameters
    ----------
    simulator
        how patients are integrated
    cohort
        arm, stop rule and parameters
    names
        states and outputs of the model; without any nothing is integrated
    """
    if not names:
        return {}
    rows = average_living(simulator, cohort, len(names), lambda courses, inputs: simulator.read(courses, inputs, names))
    return dict(zip(names, rows, strict=True))


def average_living(
    simulator: TrialSimulator, cohort: ArmCohort, count: int, read: Callable[[EnsembleTrajectories, Array], Array]
) -> Array:
    """Return the means of some readings over patients alive at each time of the simulator's grid, shape (count, g).

    Parameters
    ----------
    simulator
        how patients are integrated
    cohort
        arm, stop rule and parameters
    count
        number of readings
    read
        takes courses with every state kept, and what `TrialSimulator.with_inputs` gives for them; returns the readings, shape
        (count, g, n)
    """
    total = np.zeros((count, simulator.grid(cohort.trial).size))
    weight = np.zeros(total.shape[1])
    for which in cut(cohort.patients, PATIENTS_PER_CHUNK):
        chunk = cohort.part(which)
        paths = integrate_paths(simulator, chunk, simulator.model.state_names)
        for courses, parameters, schedule, path_weight in (
            (paths.on_treatment, chunk.parameters, chunk.dosing.on, paths.on_weight_at_grid),
            *((branch.courses, branch.parameters, branch.schedule, branch.weight) for branch in paths.branches),
        ):
            alive = path_weight * simulator.survival(courses)
            inputs = simulator.with_inputs(parameters, schedule, courses.time)
            total += np.where(alive != 0.0, read(courses, inputs) * alive, 0.0).sum(axis=-1)
            weight += alive.sum(axis=-1)
    averages: Array = total / weight
    return averages
