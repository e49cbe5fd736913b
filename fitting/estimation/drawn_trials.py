"""Trials of the published size, drawn patient by patient: who dies when, whose progression is seen when, who responds.

Start with `simulate_pools` and `draw_trial`, for many trials at one point, or `simulate_trial` for one.  Patients come from
`kinimmune.models.trial.microsimulation`, each with parameters of its own; entry is staggered and the dates of visits scatter.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from kinimmune.fitting.problem.problem import FitProblem, arm_cohort, to_horizon
from kinimmune.models.arrays import Array, Bools, Integers
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.design import Endpoint, Trial
from kinimmune.models.trial.follow_up import FollowUp
from kinimmune.models.trial.microsimulation import SimulatedPatients, simulate_patients
from kinimmune.models.trial.observed import ProductLimit, estimate_curve
from kinimmune.models.trial.population import draw_individuals

POOL = 8192
"""Individuals of an arm from whom the patients of many trials are drawn: correlations are then known to .01 on their account."""
CHUNK = 2048
"""Individuals simulated together, to keep memory small."""


@dataclass(frozen=True)
class DrawnArm:
    """Patients of one arm of a drawn trial; times [d] from each one's entry, shape (n,) each."""

    trial: Trial
    death: Array
    """Infinite beyond the horizon."""
    progression: Array
    """Scheduled date of the scan that showed it, infinite if none did."""
    visit: Array
    """Day on which that scan was made, infinite as well."""
    responded: Bools
    """Whether a response was confirmed on treatment and before progression."""
    entry: Array
    """Uniform; tells the share of the accrual period by `FollowUp.followed`."""

    def __post_init__(self) -> None:
        """Refuse columns that differ in length."""
        assert len({column.shape for column in (self.death, self.progression, self.visit, self.responded, self.entry)}) == 1

    @property
    def n(self) -> int:
        """Number of patients."""
        return self.death.size

    def first(self, count: int) -> "DrawnArm":
        """Return the first patients, as many as a number was published of."""
        if count >= self.n:
            return self
        return DrawnArm(
            self.trial,
            self.death[:count],
            self.progression[:count],
            self.visit[:count],
            self.responded[:count],
            self.entry[:count],
        )

    def observe(self, endpoint: Endpoint, *, at_visits: bool = False) -> tuple[Array, Bools]:
        """Return times [d] and whether each ends in an event, under the trial's follow-up.

        Parameters
        ----------
        endpoint
            death, progression (death censors) or either
        at_visits
            whether progression counts on the day of the visit, as in a figure, in place of its scan's planned date
        """
        limit, seen = self.follow_up(endpoint).followed(self.entry), self.visit if at_visits else self.progression
        if endpoint is Endpoint.OS:
            return np.minimum(self.death, limit), self.death <= limit
        if endpoint is Endpoint.PFS:
            first = np.minimum(self.death, seen)
            return np.minimum(first, limit), first <= limit
        end = np.minimum(self.death, limit)
        return np.minimum(seen, end), seen <= end

    def estimate(self, endpoint: Endpoint, *, at_visits: bool = False) -> ProductLimit:
        """Return the product-limit curve of an endpoint; arguments as of `observe`."""
        return estimate_curve(*self.observe(endpoint, at_visits=at_visits))

    def follow_up(self, endpoint: Endpoint) -> FollowUp:
        """Return how long patients of the trial are followed for an endpoint."""
        return self.trial.follow_up[endpoint]

    def calendar(self, endpoint: Endpoint) -> Array:
        """Return the days from the first entry of the trial to each patient's event, infinite without; death censors alone."""
        event = self.death if endpoint is Endpoint.OS else np.minimum(self.death, self.progression)
        if endpoint is Endpoint.TTP:
            event = np.where(self.progression <= self.death, self.progression, math.inf)
        span = self.follow_up(endpoint)
        return np.asarray(span.longest - span.followed(self.entry) + event, dtype=float)


DrawnTrial = Mapping[str, DrawnArm]
"""Arm -> its patients, of one study."""


def simulate_trial(problem: FitProblem, z: Array, study: str, seed: list[int]) -> dict[str, DrawnArm]:
    """Return one trial at a point with as many patients as were randomised, individuals drawn anew."""
    trial = problem.trial(study)
    drawn = {}
    for place, name in enumerate(_list_arms(problem, study)):
        own = [*seed, place]
        everybody = np.arange(trial.arm(name).n)
        pool = _simulate_arm(problem, z, (study, name), everybody.size, own)
        drawn[name] = enrol_patients(trial, pool, everybody, np.random.default_rng([*own, 2]))
    return drawn


@dataclass(frozen=True)
class Pool:
    """Individuals of one arm, shape (m,) each; what each goes through is drawn, when it enters is not."""

    death: Array
    progression: Array
    responded: Bools


Pools = Mapping[str, Pool]
"""Arm -> individuals, of one study."""


def simulate_pools(problem: FitProblem, z: Array, study: str, seed: list[int], size: int = POOL) -> dict[str, Pool]:
    """Return individuals of every arm of a study at a point, from whom `draw_trial` draws trials."""
    return {
        name: _simulate_arm(problem, z, (study, name), size, [*seed, place])
        for place, name in enumerate(_list_arms(problem, study))
    }


def draw_trial(trial: Trial, pools: Pools, generator: np.random.Generator) -> dict[str, DrawnArm]:
    """Return a trial of the published size: patients drawn with replacement from the individuals of each arm, entry anew."""
    drawn = {}
    for name, pool in pools.items():
        who = generator.integers(pool.death.size, size=trial.arm(name).n)
        drawn[name] = enrol_patients(trial, pool, who, generator)
    return drawn


def _list_arms(problem: FitProblem, study: str) -> list[str]:
    return [arm for own, arm in problem.arms if own == study]


def enrol_patients(trial: Trial, pool: Pool, who: Integers, generator: np.random.Generator) -> DrawnArm:
    """Return some individuals as patients of a trial, each with a date of entry and its own visits."""
    progression = pool.progression[who]
    late = trial.scan_jitter * generator.standard_normal(who.size)
    # a visit comes after the start, and before the next one's date
    visit = np.maximum(progression + np.clip(late, -0.45 * trial.scan_interval, 0.45 * trial.scan_interval), 1.0)
    return DrawnArm(trial, pool.death[who], progression, visit, pool.responded[who], generator.random(who.size))


def _simulate_arm(problem: FitProblem, z: Array, place: tuple[str, str], size: int, seed: list[int]) -> Pool:
    """Return so many individuals of an arm, followed to the end of the longest follow-up."""
    trial = problem.trial(place[0])
    longest = max(problem.simulator.horizon, *(span.longest for span in trial.follow_up.values()))
    wide = to_horizon(problem, longest / DAYS_PER_MONTH)
    parts = []
    for first in range(0, size, CHUNK):
        number = int(np.random.default_rng([*seed, first]).integers(2**31))
        people = draw_individuals(problem.parameters, min(CHUNK, size - first), number)
        cohort = arm_cohort(replace(wide, population=people), z, *place)
        drawn = simulate_patients(wide.simulator, cohort, [*seed, first, 1])
        parts.append(Pool(drawn.death, drawn.progression, find_responders(drawn)))
    return Pool(
        np.concatenate([part.death for part in parts]),
        np.concatenate([part.progression for part in parts]),
        np.concatenate([part.responded for part in parts]),
    )


def find_responders(drawn: SimulatedPatients) -> Bools:
    """Return who has a response confirmed by two scans in a row, alive, on treatment and without progression at the second."""
    return np.asarray(drawn.response < np.minimum(np.minimum(drawn.death, drawn.progression), drawn.stop))
