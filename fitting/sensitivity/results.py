"""What a sensitivity study found: plain values that go to JSON and back, and to one table.

Start with `SensitivityResult` (schema `kinimmune.sensitivity/1`); `SENSITIVITY_JSON` and `to_csv` convert it, `read_studies`
finds those of a run.
"""

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.runs.codec import JsonFormat
from kinimmune.fitting.runs.run import Run
from kinimmune.models.arrays import Array

Indices = tuple[float | None, ...]
"""One number per name; None where it does not exist."""
IMPORTANT = 0.1
"""Total index above which a parameter matters."""
NARROW = 0.05
"""Half-width below which the interval of an important total index is narrow enough."""


@dataclass(frozen=True)
class ConvergenceRow:
    """The main indices (ST, mu_star or prcc) from the first rows only."""

    n: int
    values: Indices
    half_widths: Indices
    """Half-widths of their 95 % intervals."""


@dataclass(frozen=True)
class CourseRow:
    """Partial rank correlations at one time; none where the output does not vary, or by less than its numerical error."""

    time: float
    prcc: Indices
    p: Indices


@dataclass(frozen=True)
class InputRow:
    """One parameter that varied."""

    name: str
    group: str
    unit: str
    distribution: str
    """What it was drawn from in words, e.g. `lognormal(0.005, 0.5)`."""


@dataclass(frozen=True)
class LearnedOutput:
    """How well an output was learned that indices are computed from in place of the model's."""

    taught: int
    """Draws it was learned from."""
    unseen: int
    """Draws by which its error was measured, none of them among those."""
    missed: float
    """Mean square of its error on the unseen draws over the variance of the output."""
    error: float
    """Root mean square of that error, in the unit of the output."""


@dataclass(frozen=True)
class SensitivityResult:
    """Everything a sensitivity study found; indices are in the order of `names`, and None where the method has no such index."""

    model: str
    method: str
    output: str
    unit: str
    """Unit of the output; 1 for a plain number."""
    names: tuple[str, ...]
    """Parameters, or groups of them."""
    n: int
    """Base rows (sobol), trajectories (morris), draws (prcc) or parameters (local) the indices are computed from."""
    failed: int
    """Rows in which a point failed and which were drawn again; in a local study parameters without an index."""
    evaluations: int
    """Points that were computed, those of failed rows included."""
    reasons: dict[str, int]
    """Why points failed -> how many."""
    distribution: str
    """`prior`, `range` (some inputs at least) or `posterior`; for local `point`."""
    inputs: tuple[InputRow, ...]
    patients: int | None
    """Virtual patients per arm; None for one individual."""
    seed: int
    value: float | None
    """The output at the values of the tables, or at the fit (local); else its mean."""
    sd: float | None
    """Standard deviation of the output over the inputs; None in a local study."""
    S1: Indices | None = None
    """First-order Sobol indices."""
    S1_conf: Indices | None = None
    """Half-widths of 95 % intervals by bootstrap over rows, as in every field that ends in `_conf`."""
    ST: Indices | None = None
    """Total Sobol indices."""
    ST_conf: Indices | None = None
    S2: tuple[Indices, ...] | None = None
    """Interaction of each pair, above the diagonal."""
    S2_conf: tuple[Indices, ...] | None = None
    mu: Indices | None = None
    """Mean elementary effect: change of the output over the whole of what the input spans; None for a group."""
    mu_star: Indices | None = None
    mu_star_conf: Indices | None = None
    sigma: Indices | None = None
    prcc: Indices | None = None
    prcc_lower: Indices | None = None
    prcc_upper: Indices | None = None
    p: Indices | None = None
    elasticity: Indices | None = None
    """d ln output / d ln parameter."""
    effect: Indices | None = None
    """Change of the output per standard deviation of the prior."""
    low: Indices | None = None
    """Output with the parameter one standard deviation down, or at the lower end of its range."""
    high: Indices | None = None
    convergence: tuple[ConvergenceRow, ...] = ()
    course: tuple[CourseRow, ...] = ()
    course_unit: str = ""
    """`d` or `month`."""
    posterior: str | None = None
    """What a posterior was taken from: `sample` or `gaussian`; None without one, and in files of earlier versions (Gaussian)."""
    posterior_note: str = ""
    """How many draws of which sample, or why it is Gaussian."""
    error: float | None = None
    """How far the output may be off by the error of its computation, at the point where that is largest; None in files of earlier
    versions."""
    gap_note: str = ""
    """Which indices are left out because the output moves there by less than its error; empty where none is."""
    by: str = "model"
    """`model`, or `surrogate`: a learned output; half-widths then contain what it misses."""
    learned: LearnedOutput | None = None
    """How well the output was learned; None by the model where nothing was tried."""
    schema: str = "kinimmune.sensitivity/1"

    @property
    def label(self) -> str:
        """What its files are called."""
        return name_study(self.method, self.output, self.distribution)

    @property
    def failed_share(self) -> float:
        """Share of the rows that were asked for and lost."""
        return self.failed / (self.n if self.method == "local" else self.n + self.failed)

    @property
    def main(self) -> Indices:
        """The index by which names are ordered: ST, mu*, PRCC or effect."""
        found = {"sobol": self.ST, "morris": self.mu_star, "prcc": self.prcc, "local": self.effect}[self.method]
        return found or (None,) * len(self.names)

    @property
    def order(self) -> tuple[int, ...]:
        """Indices of the names, the one with the largest sensitivity index first, those without one last."""
        return tuple(sorted(range(len(self.names)), key=lambda index: -abs(self.main[index] or 0.0)))


def name_study(method: str, output: str, distribution: str) -> str:
    """Return what the files of a study are called.

    >>> name_study("prcc", "hazard_ratio:sharp:os", "posterior")
    'sensitivity-prcc-hazard_ratio-sharp-os-posterior'
    """
    return f"sensitivity-{method}-{output.replace(':', '-')}{'-posterior' if distribution == 'posterior' else ''}"


def as_indices(values: Array) -> Indices:
    """Return numbers, None for each that does not exist."""
    return tuple(float(value) if math.isfinite(value) else None for value in np.asarray(values, dtype=float).tolist())


def enlarge(samples: int) -> int:
    """Return the smallest power of two, or half as much again, that is at least `samples`: Sobol points fill space evenly there.

    >>> enlarge(513), enlarge(768), enlarge(1000)
    (768, 768, 1024)
    """
    power = 1 << max(samples - 1, 0).bit_length()
    return 3 * power // 4 if samples <= 3 * power // 4 and power >= 4 else power


def judge_convergence(result: SensitivityResult) -> str:
    """Return one sentence on whether the intervals of a Sobol study are narrow; empty for another method."""
    if result.ST is None or result.ST_conf is None:
        return ""
    important = [
        (half, name)
        for name, total, half in zip(result.names, result.ST, result.ST_conf, strict=True)
        if total is not None and half is not None and total > IMPORTANT
    ]
    if not important:
        return f"no total index is above {IMPORTANT:g}"
    half, name = max(important)
    told = f"the widest interval of a total index above {IMPORTANT:g} has half-width {half:.3f} ({name})"
    if half < NARROW:
        return f"{told}: below {NARROW:g}"
    enough = enlarge(max(result.n + 1, math.ceil(result.n * (half / NARROW) ** 2)))
    return f"{told}: not below {NARROW:g}; about --samples {enough} would do"


SENSITIVITY_JSON = JsonFormat(SensitivityResult, "is no SensitivityResult", "run the study again with --force")


def read_studies(run: Run) -> tuple[SensitivityResult, ...]:
    """Return the sensitivity studies a run has, by name; raises `DataError` for a file that cannot be read."""
    files = sorted((run.path / "results").glob("sensitivity-*.json"))
    return tuple(SENSITIVITY_JSON.load(run.read(f"results/{file.name}"), file) for file in files)


PER_NAME = ("S1", "S1_conf", "ST", "ST_conf", "mu", "mu_star", "mu_star_conf", "sigma", "prcc", "prcc_lower", "prcc_upper",
            "p", "elasticity", "effect", "low", "high")  # fmt: skip
"""Fields with one number per name."""


def to_csv(result: SensitivityResult) -> str:
    """Return everything as rows: quantity, name, other (of a pair), n, time, value; a number that does not exist is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["quantity", "name", "other", "n", "time", "value"])
    writer.writerows(["" if cell is None else cell for cell in row] for row in _list_rows(result))
    return text.getvalue()


Cells = tuple[str | int | float | None, ...]


def _list_rows(result: SensitivityResult) -> Iterable[Cells]:
    for quantity in PER_NAME:
        for name, value in zip(result.names, getattr(result, quantity) or (), strict=False):
            yield quantity, name, None, result.n, None, value
    yield from _list_pairs(result)
    main = {"sobol": "ST", "morris": "mu_star", "prcc": "prcc"}.get(result.method, "")
    for step in result.convergence:
        for name, value, half in zip(result.names, step.values, step.half_widths, strict=True):
            yield main, name, None, step.n, None, value
            yield f"{main}_conf", name, None, step.n, None, half
    for moment in result.course:
        for name, value, p in zip(result.names, moment.prcc, moment.p, strict=True):
            yield "prcc", name, None, result.n, moment.time, value
            yield "p", name, None, result.n, moment.time, p


def _list_pairs(result: SensitivityResult) -> Iterable[Cells]:
    for quantity, table in (("S2", result.S2), ("S2_conf", result.S2_conf)):
        for name, row in zip(result.names, table or (), strict=False):
            for other, value in zip(result.names, row, strict=True):
                if value is not None:
                    yield quantity, name, other, result.n, None, value
