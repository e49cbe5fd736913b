"""A posterior by a learned surrogate: few evaluations of the target, weighted so that the surrogate leaves no trace.

Start with `draw_by_surrogate`.  The numbers of the target are learned as Gaussian processes from points about the normal
approximation, then from more where the surrogate has its mass.  Ensembles walk on the surrogate, its log density divided by a
temperature so that it is wider than the target; at draws of them the target itself is computed, and weights make them draws from
the target.  Where that is not to be trusted, the points at which the surrogate is worst teach it too, and it is tried again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kinimmune.fitting.sampling.block import run_block
from kinimmune.fitting.sampling.chains import Chains, EnsembleSettings, SamplingTarget, ThinnedDraws, run_ensembles, thin
from kinimmune.fitting.sampling.diagnostics import choose_burn_in, describe, diagnose, find_faults
from kinimmune.fitting.sampling.emulator import MEASURED, SAMPLE_LEARN, Emulator, SurrogateTarget, find_columns, grade_noise
from kinimmune.fitting.sampling.gaussian_process import GaussianProcess
from kinimmune.fitting.sampling.importance import Weights, smooth_weights, weighted_quantiles
from kinimmune.fitting.sampling.surrogate import NormalApproximation, fit_surrogate
from kinimmune.fitting.sampling.surrogate_checks import SurrogateReport, TriedDraws, check_surrogate, find_unreached, name_tail
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.slots import one_blas_thread
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
FIRST_STEPS = 250
"""Steps of the walk that finds the points of the second round."""
PROBES = 64
"""Points all over the prior where the target is computed."""
SEARCHES = 4
"""Searches for other optima, from pairs of points on either side of the prior's centre."""
ATTEMPTS = 3
"""How often the surrogate is tried."""
LEVELS = (0.025, 0.5, 0.975)


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


@dataclass(frozen=True)
class SurrogateDraws:
    """Draws from a target with their weights; k draws of n coordinates."""

    emulator: Emulator
    chains: Chains
    """Of the walk on the surrogate; `evaluations` and `failed` are the target's."""
    burn_in: int
    """Steps of it that are left out."""
    places: ThinnedDraws
    """Where the draws lie in the chains."""
    points: Array
    """Shape (k, n)."""
    log_probability: Array
    """Of the target, shape (k,)."""
    weights: Weights
    report: SurrogateReport
    faults: tuple[str, ...]
    """What speaks against the sample, in words; empty where nothing does."""


def draw_by_surrogate(
    target: SurrogateTarget,
    normal: NormalApproximation,
    names: Sequence[str],
    settings: SurrogateSettings,
    runtime: Runtime,
) -> SurrogateDraws:
    """Return weighted draws from a target, with what its own diagnostics say of them.

    Parameters
    ----------
    target
        whose residuals are linear in numbers that are learned
    normal
        normal approximation of the target
    names
        of its coordinates
    settings
        how much is learned and drawn
    runtime
        where tasks are kept and computed

    Raises
    ------
    NumericalError
        when too few points can be computed
    """
    settings.require(normal.mean.size)
    with one_blas_thread():  # as in every task, so that sums come out the same
        return _draw(_Work(target, normal, tuple(names), settings, runtime))


def _draw(work: "_Work") -> SurrogateDraws:
    settings, normal, runtime = work.settings, work.normal, work.runtime
    measured, columns = work.survey()
    first = replace(settings.ensembles, steps=FIRST_STEPS, block=FIRST_STEPS)
    found = work.walk(work.learn(measured, columns, 0), first, 0)
    share = int(SECOND * settings.points) // first.ensembles
    drawn = found.positions[thin(found, first.steps // 2, share).indices].reshape(-1, normal.mean.size)
    measured = measured.join(work.measure(drawn, "second"))
    optima = work.search()
    size = settings.ensembles
    for attempt in range(1, ATTEMPTS + 1):
        emulator = work.learn(measured, columns, attempt)
        tried, at = work.try_out(emulator, work.walk(emulator, size, attempt), measured, optima)
        tried = replace(tried, report=replace(tried.report, attempts=attempt))
        if not tried.faults or attempt == ATTEMPTS or tried.report.unreached is not None:
            break
        runtime.tell(f"surrogate: {'; '.join(tried.faults[:2])}; it learns more")
        measured = measured.join(work.choose_worst(at, emulator))
        size = replace(size, steps=2 * size.steps, block=2 * size.block)
    return tried


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
class _Work:
    """A target and what its surrogate is learned with."""

    target: SurrogateTarget
    normal: NormalApproximation
    names: tuple[str, ...]
    settings: SurrogateSettings
    runtime: Runtime

    @property
    def seed(self) -> int:
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

    def try_out(self, emulator: Emulator, chains: Chains, measured: Measured, optima: Optima) -> tuple[SurrogateDraws, Measured]:
        """Return draws from a surrogate with the target's weights, and every point at which the target was computed for them."""
        burn_in = choose_burn_in(chains.positions, chains.log_probability)
        places = thin(chains, burn_in, self.settings.draws // len(chains.positions))
        points = chains.positions[places.indices].reshape(-1, self.normal.mean.size)
        kept = chains.positions[:, burn_in:]
        beyond = np.concatenate([_find_outermost(kept), self._draw_probes()])
        at = self.measure(np.concatenate([points, beyond]), f"tried-{len(measured.points)}")
        truth, surrogate = self.target.form.log_probability(at.numbers, at.points), emulator.log_probability(at.points)
        split = len(points)
        tried = TriedDraws(points, truth[:split], surrogate[:split], truth[split:], surrogate[split:])
        weights = smooth_weights(tried.truth - tried.surrogate / TEMPER)
        report = self._report(tried, weights, len(measured.points), optima)
        failed = sum(int(np.sum(~np.isfinite(some.numbers[:, 0]))) for some in (measured, at))
        evaluated = replace(chains, evaluations=len(measured.points) + len(at.points) + optima.evaluations, failed=failed)
        faults = (*check_surrogate(report), *self._find_walk_faults(kept))
        return SurrogateDraws(emulator, evaluated, burn_in, places, points, tried.truth, weights, report, faults), at

    def _draw_probes(self) -> Array:
        """Return points all over the prior; none where the target has none."""
        if not self.target.form.prior:
            return np.empty((0, self.normal.mean.size))
        drawn = np.random.default_rng([self.seed, 2]).standard_normal((PROBES, self.normal.mean.size))
        return drawn[self.target.form.contains(drawn)]

    def _report(self, tried: TriedDraws, weights: Weights, training: int, optima: Optima) -> SurrogateReport:
        error, tail = name_tail(tried.find_tail_errors(), self.names)
        own = smooth_weights(tried.surrogate - tried.surrogate / TEMPER)
        sd = np.sqrt(np.average((tried.points - tried.points.mean(axis=0)) ** 2, axis=0, weights=weights.values))
        moved = [
            np.abs(weighted_quantiles(column, weights.values, LEVELS) - weighted_quantiles(column, own.values, LEVELS)).max()
            for column in tried.points.T
        ]
        return SurrogateReport(
            training=training,
            draws=len(tried.points),
            temper=TEMPER,
            k_hat=weights.k_hat,
            effective=weights.effective,
            tail_error=error,
            tail=tail,
            excess=float(tried.excess.max(initial=0.0)),
            bias=float(np.max(np.array(moved) / sd)),
            attempts=1,
            searches=len(optima.points),
            unreached=find_unreached(tried, weights, optima.points, optima.heights),
        )

    def _find_walk_faults(self, kept: Array) -> tuple[str, ...]:
        """Return what speaks against the convergence of the walk, in words."""
        diagnoses = [(name, diagnose(kept[..., place])) for place, name in enumerate(self.names)]
        found = [fault for name, diagnosis in diagnoses for fault in find_faults(diagnosis, name, kept.shape[1])]
        return tuple(f"on the surrogate {describe(fault)}" for fault in found)

    def choose_worst(self, at: Measured, emulator: Emulator) -> Measured:
        """Return the points that teach most: of those that matter where the surrogate's log density is worst."""
        known = at.known
        truth = self.target.form.log_probability(known.numbers, known.points)
        error = np.abs(truth - np.maximum(emulator.log_probability(known.points), -1e6))
        weight = error / grade_noise(truth)
        return known.take(np.sort(np.argsort(-weight)[: int(SECOND * self.settings.points)]))


def _find_outermost(kept: Array) -> Array:
    """Return the points of a walk with the lowest and the highest value of every coordinate, shape (2 n, n)."""
    flat = kept.reshape(-1, kept.shape[-1])
    return np.concatenate([flat[flat.argmin(axis=0)], flat[flat.argmax(axis=0)]])
