"""What a setting shows, as plain values.

Start with `View`; `kinimmune.fitting.exploration.views` computes it.
"""

from dataclasses import dataclass

from kinimmune.fitting.estimation.outcome_rows import CurveRow, Numbers


@dataclass(frozen=True)
class ShownNumber:
    """A number of one arm."""

    study: str
    arm: str
    endpoint: str | None
    statistic: str
    month: float | None
    unit: str
    value: float | None
    """None for a median beyond the curve."""


@dataclass(frozen=True)
class ShownRatio:
    """A hazard ratio, with the interval of one trial of the design's size."""

    study: str
    arm: str
    reference_arm: str
    endpoint: str
    value: float | None
    lower: float | None
    upper: float | None
    reason: str
    """Why there is none; empty where there is one."""


@dataclass(frozen=True)
class ShownRisk:
    """Expected patients at risk."""

    study: str
    arm: str
    endpoint: str
    months: Numbers
    at_risk: Numbers


@dataclass(frozen=True)
class ShownTarget:
    """A published number beside that of the virtual trial."""

    label: str
    study: str
    arm: str | None
    endpoint: str | None
    statistic: str
    role: str
    unit: str
    observed: float | None
    lower: float | None
    upper: float | None
    predicted: float | None
    residual: float | None
    """In standard errors, positive where more is predicted; None of curves and patients."""
    deviance: float | None
    residuals: int | None
    """How many squares the deviance is the sum of."""
    reason: str


@dataclass(frozen=True)
class View:
    """Everything that moves with a setting."""

    command: str
    """That predicts the same."""
    patients: int
    failed: int
    """Virtual patients of all arms that could not be integrated."""
    chi_square: float | None
    """Sum of the deviances of what a fit of these tables fits; None where one of them is not known."""
    curves: tuple[CurveRow, ...]
    at_risk: tuple[ShownRisk, ...]
    numbers: tuple[ShownNumber, ...]
    ratios: tuple[ShownRatio, ...]
    targets: tuple[ShownTarget, ...]
