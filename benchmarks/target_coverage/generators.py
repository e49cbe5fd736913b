"""Truths, and trials drawn at them: by the model that is fitted, or by one that is wrong in a way the fit knows nothing of.

Start with `GENERATORS` and `draw_truth`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from kinimmune.fitting.estimation.drawn_trials import CHUNK, DrawnArm, Pool, enrol_patients, find_responders
from kinimmune.fitting.problem.problem import FitProblem, arm_cohort, to_horizon
from kinimmune.models.arrays import Array
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.cohort import ArmCohort
from kinimmune.models.trial.microsimulation import SimulatedPatients, simulate_patients
from kinimmune.models.trial.population import draw_individuals
from kinimmune.models.trial.simulator import TrialSimulator

FRAILTY = 0.6
"""Standard deviation of ln of what multiplies the hazards of death and of new lesions of one patient."""
SHIFT = 1.0
"""Standard deviation between patients of ln of the kinase shift, or of a toy's killing."""
AFTER_PROGRESSION = 1.0 / 365.0
"""Hazard of death [1/d] that a progression adds, as if its new lesions were a burden of their own."""

Change = Callable[[TrialSimulator, ArmCohort, np.random.Generator], ArmCohort]
"""Takes patients and returns them as the wrong model has them."""


def _leave(_: TrialSimulator, cohort: ArmCohort, __: np.random.Generator) -> ArmCohort:
    return cohort


def _multiply(simulator: TrialSimulator, cohort: ArmCohort, factors: Mapping[str, Array]) -> ArmCohort:
    values, names = cohort.parameters.copy(), simulator.model.parameter_names
    known = [name for name in factors if name in names]
    if not known:
        raise SystemExit(f"model '{simulator.model.name}' has none of {', '.join(factors)}; take another generator")
    for name in known:
        values[names.index(name)] *= factors[name]
    return replace(cohort, parameters=values)


def _share_frailty(simulator: TrialSimulator, cohort: ArmCohort, generator: np.random.Generator) -> ArmCohort:
    frailty = np.exp(FRAILTY * generator.standard_normal(cohort.patients) - 0.5 * FRAILTY**2)
    return _multiply(simulator, cohort, {"baseline_hazard": frailty, "new_lesion_rate": frailty})


def _vary_shift(simulator: TrialSimulator, cohort: ArmCohort, generator: np.random.Generator) -> ArmCohort:
    factors = np.exp(SHIFT * generator.standard_normal(cohort.patients))
    return _multiply(simulator, cohort, {"kinase_shift": factors, "kill": factors})


@dataclass(frozen=True)
class Generator:
    """How patients go other ways than the model has them."""

    change: Change = _leave
    after_progression: float = 0.0
    """Hazard of death [1/d] added from the scan that shows progression on."""


GENERATORS: Mapping[str, Generator] = {
    "model": Generator(),
    "frailty": Generator(_share_frailty),
    "shift": Generator(_vary_shift),
    "lesions": Generator(after_progression=AFTER_PROGRESSION),
}


def draw_truth(problem: FitProblem, generator: np.random.Generator) -> Array:
    """Return a point drawn from the priors, within the bounds of the tables."""
    lowest = np.array([item.prior.to_z(item.lower) for item in problem.estimated])
    highest = np.array([item.prior.to_z(item.upper) for item in problem.estimated])
    while True:
        z = generator.standard_normal(len(problem.estimated))
        if np.all((z > lowest) & (z < highest)):
            return z


def simulate_arm(problem: FitProblem, z: Array, place: tuple[str, str], size: int, how: tuple[str, list[int]]) -> Pool:
    """Return individuals of an arm by a generator, whose name and seed are `how`."""
    generator, seed = GENERATORS[how[0]], how[1]
    trial = problem.trial(place[0])
    longest = max(span.longest for span in trial.follow_up.values())
    wide = to_horizon(problem, longest / DAYS_PER_MONTH)
    parts = []
    for first in range(0, size, CHUNK):
        rng = np.random.default_rng([*seed, first])
        people = draw_individuals(problem.parameters, min(CHUNK, size - first), int(rng.integers(2**31)))
        cohort = arm_cohort(replace(wide, population=people), z, *place)
        drawn = simulate_patients(wide.simulator, generator.change(wide.simulator, cohort, rng), [*seed, first, 1])
        parts.append(_make_pool(_hasten(drawn, generator.after_progression, rng)))
    return Pool(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("death", "progression", "responded")))


def _make_pool(drawn: SimulatedPatients) -> Pool:
    return Pool(drawn.death, drawn.progression, find_responders(drawn))


def _hasten(drawn: SimulatedPatients, rate: float, rng: np.random.Generator) -> SimulatedPatients:
    """Return patients who die the sooner once they have progressed."""
    if rate == 0.0:
        return drawn
    return replace(drawn, death=np.minimum(drawn.death, drawn.progression + rng.exponential(1.0 / rate, drawn.death.size)))


def simulate_trials(problem: FitProblem, z: Array, name: str, seed: list[int]) -> dict[str, dict[str, DrawnArm]]:
    """Return every trial with as many patients as were randomised, study -> arm -> its patients."""
    drawn: dict[str, dict[str, DrawnArm]] = {trial.study: {} for trial in problem.trials}
    for place, (study, arm) in enumerate(problem.arms):
        trial = problem.trial(study)
        pool = simulate_arm(problem, z, (study, arm), trial.arm(arm).n, (name, [*seed, place]))
        everybody = np.arange(pool.death.size)
        drawn[study][arm] = enrol_patients(trial, pool, everybody, np.random.default_rng([*seed, place, 2]))
    return drawn


def simulate_many(problem: FitProblem, z: Array, name: str, size: int, seed: list[int]) -> dict[tuple[str, str], DrawnArm]:
    """Return arms of so many patients that what they show is the generator's truth."""
    found = {}
    for place, (study, arm) in enumerate(problem.arms):
        pool = simulate_arm(problem, z, (study, arm), size, (name, [*seed, place, 7]))
        rng = np.random.default_rng([*seed, place, 8])
        found[study, arm] = enrol_patients(problem.trial(study), pool, np.arange(size), rng)
    return found


def is_finite(value: float | None) -> bool:
    """Return whether there is such a number."""
    return value is not None and math.isfinite(value)
