"""A cheap stand-in for a target whose residuals are linear in numbers that can be learned one by one.

Start with `SurrogateTarget`, which says what a target is made of, and `Emulator`, which stands for it.  The numbers of a fit are
the residuals of its targets as the tables have them: each depends on the parameters of its own study and arm alone, and is
smoother than what is left of it once correlations are taken out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from kinimmune.fitting.sampling.density import DensityValues
from kinimmune.fitting.sampling.gaussian_process import GaussianProcess, learn_process
from kinimmune.fitting.workflow.task import Json, TaskFunction
from kinimmune.models.arrays import Array, Bools

DEPTH, DECAY, MOST_NOISE = 10.0, 4.0, 6.0
"""A point counts fully until its log probability lies the first number below the best, then with noise that grows on the scale
of the second, by exp of the third at most."""
MEASURED = 20
"""Points of a task."""


class MeasuredTarget(Protocol):
    """Anything whose numbers can be computed."""

    def measure(self, points: Array) -> DensityValues:
        """Return the numbers at all points, shape (k, n), in the place of residuals; infinite rows where there are none."""
        ...


@dataclass(frozen=True)
class RowForm:
    """How the residuals of a target follow from its m numbers y: W y, then the point where it has a prior of unit width."""

    mixing: Array
    """W, shape (r, m)."""
    lower: Array
    """Lowest value of every coordinate, shape (n,)."""
    upper: Array
    """Highest value of every coordinate, shape (n,)."""
    prior: bool
    """Whether the coordinates themselves are residuals too."""

    @property
    def plain(self) -> Json:
        """The form as an input of a task; `RowForm.from_plain` is the way back."""
        return {**{name: getattr(self, name).tolist() for name in ("mixing", "lower", "upper")}, "prior": self.prior}

    @staticmethod
    def from_plain(plain: Json) -> "RowForm":
        """Return the form that was made plain."""
        mixing, lower, upper = (np.array(plain[name], dtype=float) for name in ("mixing", "lower", "upper"))
        return RowForm(mixing, lower, upper, bool(plain["prior"]))

    def contains(self, points: Array) -> Bools:
        """Return which points lie within the bounds, shape (k,)."""
        return np.asarray(np.all((points >= self.lower) & (points <= self.upper), axis=1))

    def residuals(self, numbers: Array, points: Array) -> Array:
        """Return the residuals at points, shape (k, r) or (k, r + n); infinite rows outside the bounds and without numbers."""
        known = np.all(np.isfinite(numbers), axis=1) & self.contains(points)
        rows = np.where(known[:, None], numbers, 0.0) @ self.mixing.T
        rows = np.concatenate([rows, points], axis=1) if self.prior else rows
        rows[~known] = np.inf
        return np.asarray(rows, dtype=float)

    def log_probability(self, numbers: Array, points: Array) -> Array:
        """Return the log density up to a constant, shape (k,)."""
        return DensityValues(self.residuals(numbers, points)).log_probability


@dataclass(frozen=True)
class SurrogateTarget:
    """A target as tasks find it."""

    measure: TaskFunction
    """Builds the target from its inputs and hands it to `measure_points`."""
    search: TaskFunction
    """Builds the target from its inputs and hands it to `kinimmune.fitting.sampling.search.search_optimum`."""
    inputs: Json
    """Inputs from which it builds it."""
    context: Json
    """What it needs and the outcome does not depend on."""
    form: RowForm


@dataclass(frozen=True)
class Emulator:
    """Learned numbers of a target; N points taught them."""

    form: RowForm
    points: Array
    """Shape (N, n)."""
    processes: tuple[GaussianProcess | float, ...]
    """Each number, as a learned function or a constant."""
    temper: float = 1.0
    """By how much the log probability is divided."""

    @property
    def plain(self) -> Json:
        """The emulator as an input of a task; `Emulator.from_plain` is the way back."""
        processes = [item if isinstance(item, float) else item.plain for item in self.processes]
        return {"form": self.form.plain, "points": self.points.tolist(), "processes": processes, "temper": self.temper}

    @staticmethod
    def from_plain(plain: Json) -> "Emulator":
        """Return the emulator that was made plain."""
        processes = tuple(item if isinstance(item, float) else GaussianProcess.from_plain(item) for item in plain["processes"])
        return Emulator(RowForm.from_plain(plain["form"]), np.array(plain["points"]), processes, float(plain["temper"]))

    def predict(self, points: Array) -> Array:
        """Return what stands for the numbers at points, shape (k, m)."""
        columns = [
            np.full(len(points), item) if isinstance(item, float) else item.evaluate(points, self.points)
            for item in self.processes
        ]
        return np.stack(columns, axis=1)

    def evaluate(self, points: Array) -> DensityValues:
        """Return the residuals of the tempered stand-in: a `TargetDensity`, which a sampler can walk on."""
        return DensityValues(self.form.residuals(self.predict(points), points) / np.sqrt(self.temper))

    def log_probability(self, points: Array) -> Array:
        """Return what stands for the log density of the target, not tempered, shape (k,)."""
        return self.form.log_probability(self.predict(points), points)

    def tempered(self, temper: float) -> "Emulator":
        """Return the same with another temperature."""
        return replace(self, temper=temper)


def measure_points(target: MeasuredTarget, inputs: Json) -> Json:
    """Compute the numbers of a target at some points: what the function of such a task does once it has its target.

    Returns
    -------
    Json
        `numbers`, a row a point, None where they could not be computed; `failures`
    """
    values = target.measure(np.array(inputs["points"]))
    known = np.all(np.isfinite(values.residuals), axis=1)
    rows = [row if found else None for row, found in zip(values.residuals.tolist(), known.tolist(), strict=True)]
    return {"numbers": rows, "failures": list(values.failures)}


def learn_number(inputs: Json) -> Json:
    """Learn one number: the function of a task.

    Its inputs are `points` (N, n), `values` (N,), `noise` (N,), `columns` and `seed`.
    """
    points, values, noise = (np.array(inputs[name], dtype=float) for name in ("points", "values", "noise"))
    return {"process": learn_process(points, values, noise, tuple(inputs["columns"]), int(inputs["seed"])).plain}


SAMPLE_LEARN = TaskFunction("sample.learn", learn_number)


def grade_noise(log_probability: Array) -> Array:
    """Return by how much less than others points of low probability need be met, shape (k,); 1 near the best.

    >>> grade_noise(np.array([0.0, -10.0, -14.0])).round(3).tolist()
    [1.0, 1.0, 2.718]
    """
    depth = log_probability.max() - log_probability
    return np.asarray(np.exp(np.clip((depth - DEPTH) / DECAY, 0.0, MOST_NOISE)), dtype=float)


def find_columns(numbers: Array, moved: Sequence[tuple[int, int, int]]) -> list[tuple[int, ...]]:
    """Return the coordinates each number depends on, told by pairs of points that differ in one.

    Parameters
    ----------
    numbers
        at the points, shape (k, m)
    moved
        places of two points and the coordinate they differ in

    Examples
    --------
    >>> find_columns(np.array([[1.0, 2.0], [1.5, 2.0], [1.0, 3.0]]), [(0, 1, 0), (0, 2, 1)])
    [(0,), (1,)]
    """
    found: list[set[int]] = [set() for _ in range(numbers.shape[1])]
    for first, second, coordinate in moved:
        differing = np.flatnonzero(numbers[first] != numbers[second])
        for number in differing.tolist():
            found[number].add(coordinate)
    return [tuple(sorted(columns)) for columns in found]
