"""Fits beside each other: plain values that go to JSON and back (schema `kinimmune.compare/1`).

Start with `Comparison`.  Every row has a cell for each run, in the order of `Comparison.runs`; the first run is the reference of
all differences.
"""

import json
from dataclasses import dataclass
from typing import Literal

from kinimmune.fitting.runs.codec import JsonFormat

Values = tuple[float | None, ...]
"""One a run; None where the run has none, or where it cannot be compared."""


def subtract(values: Values) -> Values:
    """Return how far each value lies above the first; None of the first itself, and where one of the two is not there.

    >>> subtract((2.0, 3.5, None))
    (None, 1.5, None)
    """
    first, *others = values
    return (None, *(None if first is None or other is None else other - first for other in others))


@dataclass(frozen=True)
class ComparedRun:
    """A run that is compared."""

    label: str
    """What it is called in the comparison: the name of its folder, or its path where that is not the only one of its name."""
    path: str
    model: str
    status: str
    """How far the run got."""
    fit: str
    """`converged`, or why the fit is not."""
    seed: int
    patients: int
    flags: tuple[str, ...]
    """What makes its fit doubtful; empty where nothing does."""


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same in all runs."""

    what: str
    """Such as `seed`, `stop rule of sharp` or `prior of growth`."""
    values: tuple[str, ...]
    """One a run, `-` where it has none."""


@dataclass(frozen=True)
class Refusal:
    """Why measures of a run do not stand beside those of the reference."""

    run: str
    """Its label."""
    measures: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Measure:
    """One number about each fit as a whole."""

    name: str
    values: Values
    differences: Values
    """Value minus that of the reference; None of the reference itself."""


@dataclass(frozen=True)
class NumberCell:
    """A published number in one run."""

    role: Literal["fitted", "unfitted", "transport"]
    observed: float | None
    """None of curves, patients and ranges."""
    lower: float | None
    upper: float | None
    predicted: float | None
    residual: float | None
    """Raw: in standard errors, for medians of TTP and PFS the signed root of the deviance."""
    null_prediction: float | None
    deviance: float | None = None
    """Sum of the squares of its residuals: what a curve and patients have in place of a residual."""
    n_residuals: int | None = None


@dataclass(frozen=True)
class NumberRow:
    """A published number beside the prediction of each run."""

    name: str
    """As outputs are named: `median:STUDY:ARM:ENDPOINT`, `hazard_ratio:STUDY[:ARM]:ENDPOINT`."""
    cells: tuple[NumberCell | None, ...]
    differences: Values
    """Prediction minus that of the reference, in the number's unit."""


@dataclass(frozen=True)
class ParameterCell:
    """A parameter in one run."""

    value: float
    lower: float | None
    """Of the 95 % interval; None where the parameter was not estimated."""
    upper: float | None
    prior: str
    estimated: bool
    at_bound: bool
    changed: str
    """What was told of it at the call, such as `held at 0.01`; empty for nothing."""


@dataclass(frozen=True)
class ParameterRow:
    """A parameter that one of the runs estimates."""

    name: str
    unit: str
    cells: tuple[ParameterCell | None, ...]
    differences: Values
    """Value minus that of the reference on the scale of its prior there (of ln or logit)."""
    in_errors: Values
    """The same in standard errors of the reference; None where that does not estimate it."""


@dataclass(frozen=True)
class Comparison:
    """Fits beside each other."""

    runs: tuple[ComparedRun, ...]
    """The first is the reference."""
    differences: tuple[Difference, ...]
    """What differs between the runs themselves; empty where nothing does."""
    refusals: tuple[Refusal, ...]
    measures: tuple[Measure, ...]
    numbers: tuple[NumberRow, ...]
    """Published numbers, those that a run was fitted to first."""
    transport: tuple[NumberRow, ...]
    """Predictions for an arm that was left out of the fit."""
    parameters: tuple[ParameterRow, ...]
    cautions: tuple[str, ...]
    """What the numbers cannot say."""
    schema: Literal["kinimmune.compare/1"] = "kinimmune.compare/1"

    def __post_init__(self) -> None:
        """Refuse rows that have not a cell for each run."""
        widths = {len(row.values) for row in self.differences} | {len(row.values) for row in self.measures}
        widths |= {len(row.cells) for row in (*self.numbers, *self.transport)} | {len(row.cells) for row in self.parameters}
        if len(self.runs) < 2 or widths - {len(self.runs)}:
            raise ValueError("a comparison has at least two runs, and every row a cell for each of them")


COMPARISON_JSON = JsonFormat(Comparison, "is no comparison", "compare the runs again with `kinimmune compare`")


def describe_comparison(comparison: Comparison) -> dict[str, object]:
    """Return a comparison as plain values, as `--json` prints it."""
    plain: dict[str, object] = json.loads(COMPARISON_JSON.dump(comparison))
    return plain
