"""The stages of a posterior by a surrogate: points are measured, numbers learned, ensembles walk; each is kept as tasks.

Start with `Stages`; `kinimmune.fitting.sampling.surrogate_posterior` goes through them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.sampling.block import run_block
from kinimmune.fitting.sampling.chains import Chains, EnsembleSettings, SamplingTarget, run_ensembles
from kinimmune.fitting.sampling.emulator import MEASURED, SAMPLE_LEARN, Emulator, SurrogateTarget, find_columns, grade_noise
from kinimmune.fitting.sampling.gaussian_process import GaussianProcess
from kinimmune.fitting.sampling.surrogate import NormalApproximation, fit_surrogate
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.task import Json, Task, TaskChain, TaskFunction
from kinimmune.models.arrays import Array
from kinimmune.models.errors import NumericalError, UsageError

TEMPER = 1.2
"""By how much the surrogate's log density is divided, so that a tail that was learned too thin still gets draws."""
OVER_DISPERSION, FREEDOM = 1.25, 8.0
"""Width of the first points over that of the normal approximation, and degrees of freedom of their Student distribution."""
BASES = 3
"""Points from which each coordinate is moved to see which numbers depend on it."""
SECOND = 0.5
"""Points of the second round, and those that are added where it fails, over those of the first."""
PROBES = 64
"""Points all over the prior where the target is computed."""
SEARCHES = 4
"""Searches for other optima, from pairs of points on either side of the prior's centre."""


@dataclass(frozen=True)
class SurrogateSettings:
    """How much is learned and drawn."""

    ensembles: EnsembleSettings
    """Of the walk on the surrogate."""
    points: int
    """Points of the first round."""
    draws: int
    """Draws at which the target itself is computed."""
    searches: int = SEARCHES
    """Searches for other optima from all over the prior, where there is one."""

    def __post_init__(self) -> None:
        """Refuse too few."""
        if self.draws < 500:
            raise UsageError(f"--draws {self.draws}: at least 500, so that 400 count as independent; 1000 is usual")

    def require(self, parameters: int) -> "SurrogateSettings":
        """Return itself, or refuse what cannot teach a function of so many parameters."""
        self.ensembles.require(parameters)
        least = (parameters + 1) * (parameters + 2) // 2
        if self.points < least:
            raise UsageError(f"--points {self.points}: at least {least}, as a quadratic of {parameters} parameters has")
        return self


@dataclass(frozen=True)
class Measured:
    """Points at which the target was computed."""

    points: Array
    """Shape (k, n)."""
    numbers: Array
    """Shape (k, m); infinite rows where they could not be."""

    @property
    def known(self) -> "Measured":
        """Those that could be computed."""
        sound = np.all(np.isfinite(self.numbers), axis=1)
        return Measured(self.points[sound], self.numbers[sound])

    def join(self, other: "Measured") -> "Measured":
        """Return these and others."""
        return Measured(np.concatenate([self.points, other.points]), np.concatenate([self.numbers, other.numbers]))

    def take(self, places: Array) -> "Measured":
        """Return some of them."""
        return Measured(self.points[places], self.numbers[places])


def survey_walk(inputs: Json) -> Json:
    """Learn the quadratics by which walks on a surrogate are proposed: the function of a task."""
    return fit_surrogate(Emulator.from_plain(inputs["emulator"]), inputs)


SAMPLE_WALK_SURVEY = TaskFunction("sample.walk_survey", survey_walk)


def advance_walk(inputs: Json) -> Json:
    """Carry an ensemble on a surrogate on by a block of steps: the function of a task."""
    return run_block(Emulator.from_plain(inputs["emulator"]), inputs)


SAMPLE_WALK = TaskFunction("sample.walk", advance_walk)


@dataclass(frozen=True)
class Optima:
    """Optima of a target that were found from all over its prior."""

    points: Array
    """Shape (j, n)."""
    heights: Array
    """Log density of the target there, shape (j,)."""
    evaluations: int
    """Evaluations of the target it took."""


@dataclass(frozen=True)
class Stages:
    """A target and what its surrogate is learned with."""

    target: SurrogateTarget
    normal: NormalApproximation
    names: tuple[str, ...]
    settings: SurrogateSettings
    runtime: Runtime

    @property
    def seed(self) -> int:
        """The seed of everything drawn."""
        return self.settings.ensembles.seed

    def survey(self) -> tuple[Measured, list[tuple[int, ...]]]:
        """Return the points of the first round, and the coordinates each number depends on."""
        random = np.random.default_rng([self.seed, 1])
        count, size = self.settings.points, self.normal.mean.size
        tails = np.sqrt(random.chisquare(FREEDOM, count) / FREEDOM)[:, None]
        spread = OVER_DISPERSION * (random.standard_normal((count, size)) / tails) @ self.normal.factor.T
        points = self.normal.mean + spread
        points = points[self.target.form.contains(points)]
        bases = points[:BASES]
        steps = np.diag(np.sqrt(np.diag(self.normal.covariance)))
        moved = (bases[:, None, :] + np.where(self._has_room(bases, steps), steps, -steps)).reshape(-1, size)
        measured = self.measure(np.concatenate([points, moved]), "first")
        pairs = [(base, len(points) + base * size + place, place) for base in range(len(bases)) for place in range(size)]
        sound = np.all(np.isfinite(measured.numbers), axis=1)
        told = [pair for pair in pairs if sound[pair[0]] and sound[pair[1]]]
        if sound.sum() < size + 2 or {place for _, _, place in told} != set(range(size)):
            raise NumericalError(
                f"only {int(sound.sum())} of {sound.size} points about the fit could be computed; "
                "look at failures.csv and at the ranges of the parameters"
            )
        return measured, find_columns(measured.numbers, told)

    def _has_room(self, bases: Array, steps: Array) -> Array:
        """Return whether each coordinate of each point can be moved upwards, shape (bases, n, 1)."""
        inside = [[self.target.form.contains((base + step)[None])[0] for step in steps] for base in bases]
        return np.array(inside)[:, :, None]

    def measure(self, points: Array, label: str) -> Measured:
        """Return the numbers at points."""
        parts = [points[first : first + MEASURED] for first in range(0, len(points), MEASURED)]
        tasks = [
            Task(
                self.target.measure,
                f"sample-measure-{label}-{number:03d}",
                {**self.target.inputs, "points": part.tolist()},
                self.target.context,
            )
            for number, part in enumerate(parts)
        ]
        outcomes = self.runtime.run([TaskChain(task) for task in tasks])
        rows = [row for (outcome,) in outcomes for row in outcome["numbers"]]
        width = self.target.form.mixing.shape[1]
        return Measured(points, np.array([[np.inf] * width if row is None else row for row in rows]).reshape(len(points), width))

    def learn(self, measured: Measured, columns: Sequence[tuple[int, ...]], number: int) -> Emulator:
        """Return the target's numbers as functions learned from points."""
        known = measured.known
        noise = grade_noise(self.target.form.log_probability(known.numbers, known.points))
        values = known.numbers.T
        moving = [place for place, own in enumerate(columns) if own and np.ptp(values[place]) > 0.0]
        points = known.points.tolist()
        tasks = [
            Task(
                SAMPLE_LEARN,
                f"sample-learn-{number}-{place:03d}",
                {"points": points, "values": values[place].tolist(), "noise": noise.tolist(), "columns": list(columns[place]),
                 "seed": self.seed},
            )
            for place in moving
        ]  # fmt: skip
        outcomes = self.runtime.run([TaskChain(task) for task in tasks])
        learned = {place: outcome["process"] for place, (outcome,) in zip(moving, outcomes, strict=True)}
        processes = tuple(
            GaussianProcess.from_plain(learned[place]) if place in learned else float(values[place, 0])
            for place in range(len(columns))
        )
        return Emulator(self.target.form, known.points, processes)

    def walk(self, emulator: Emulator, size: EnsembleSettings, number: int) -> Chains:
        """Return a walk on the tempered surrogate."""
        inputs = {"emulator": emulator.tempered(TEMPER).plain}
        target = SamplingTarget(SAMPLE_WALK_SURVEY, SAMPLE_WALK, inputs, {}, f"sample-walk-{number}")
        return run_ensembles(target, self.normal, size, self.runtime)

    def search(self) -> Optima:
        """Return optima of the target found from all over its prior; none where it has none."""
        count = self.settings.searches if self.target.form.prior else 0
        half = np.random.default_rng([self.seed, 3]).standard_normal((-(-count // 2), self.normal.mean.size))
        starts = np.stack([half, -half], axis=1).reshape(-1, self.normal.mean.size)[:count]
        form = self.target.form.plain
        tasks = [
            Task(
                self.target.search,
                f"sample-search-{number}",
                {**self.target.inputs, "form": form, "start": start.tolist()},
                self.target.context,
            )
            for number, start in enumerate(starts)
        ]
        outcomes = [outcome for (outcome,) in self.runtime.run([TaskChain(task) for task in tasks])]
        points = np.array([outcome["point"] for outcome in outcomes]).reshape(-1, self.normal.mean.size)
        costs = np.array([outcome["cost"] for outcome in outcomes], dtype=float)
        return Optima(points, -0.5 * costs, sum(outcome["evaluations"] for outcome in outcomes))

    def draw_probes(self) -> Array:
        """Return points all over the prior; none where the target has none."""
        if not self.target.form.prior:
            return np.empty((0, self.normal.mean.size))
        drawn = np.random.default_rng([self.seed, 2]).standard_normal((PROBES, self.normal.mean.size))
        return drawn[self.target.form.contains(drawn)]

    def choose_worst(self, at: Measured, emulator: Emulator) -> Measured:
        """Return the points that teach most: of those that matter where the surrogate's log density is worst."""
        known = at.known
        truth = self.target.form.log_probability(known.numbers, known.points)
        error = np.abs(truth - np.maximum(emulator.log_probability(known.points), -1e6))
        weight = error / grade_noise(truth)
        return known.take(np.sort(np.argsort(-weight)[: int(SECOND * self.settings.points)]))
