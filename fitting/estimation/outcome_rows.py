"""Outcomes of the arms of a virtual trial as rows of a result.

Start with `PredictedRow` and `CurveRow`.
"""

from dataclasses import dataclass

Numbers = tuple[float, ...]


@dataclass(frozen=True)
class ResponseRow:
    """Response by RECIST; what comes after `fraction` is None in results from before it was told."""

    study: str
    arm: str
    fraction: float
    """Share with a confirmed objective response."""
    control: float | None = None
    """Share with disease control: alive at the first scan, which shows no progression; None in a model without progression."""
    duration_median: float | None = None
    """Median duration of confirmed responses [month], from the first scan that shows one to progression or death; None where it
    is not reached or fewer than eight virtual patients respond."""


@dataclass(frozen=True)
class EventRow:
    """Expected number of events by the cut-off."""

    study: str
    arm: str
    endpoint: str
    expected: float


@dataclass(frozen=True)
class PredictedRow:
    """A median or hazard ratio of the virtual trial, whether or not anything was published beside it."""

    study: str
    arm: str | None
    """Of a ratio the treated arm; None in results of schema 1, where a study compares only one."""
    endpoint: str
    statistic: str
    value: float | None
    """[month], or a ratio; None where there is none."""
    reference_arm: str | None = None
    """Of a ratio the control; None of a median."""


@dataclass(frozen=True)
class CurveRow:
    """A survival curve; months, and the probability at each; of PFS a scan has two rows, before it and after it."""

    study: str
    arm: str
    endpoint: str
    months: Numbers
    survival: Numbers


@dataclass(frozen=True)
class ObservedRow:
    """A published curve, or that of a trial's patients, with its numbers at risk."""

    study: str
    arm: str
    endpoint: str
    statistic: str
    """`curve`: read off a figure, at the times of its risk table; `patients`: the product-limit curve, a step an event."""
    role: str
    """`fit`, `unfitted` or `held_out`."""
    months: Numbers
    survival: Numbers
    """At `months`."""
    risk_months: Numbers
    at_risk: Numbers
    """Patients at risk at `risk_months`."""


@dataclass(frozen=True)
class ScoreReference:
    """The distribution of the score Q over drawn trials, were the model exactly true and its fitted medians matched."""

    mean: float
    lower: float
    """2.5 % quantile."""
    median: float
    upper: float
    """97.5 % quantile."""
    probability_below: float
    """Share of the drawn trials whose Q is not above the model's: far below one half is a warning, not a merit."""
    trials: int


@dataclass(frozen=True)
class ContrastResult:
    """A treated arm of a study beside the control, and one endpoint."""

    study: str
    endpoint: str
    hazard_ratio: float | None
    """Over the whole follow-up; None where an arm has no events within it."""
    months: Numbers
    hazard_ratio_course: Numbers
    """Ratio of the arms' hazards around each time."""
    rmst_difference: float
    """Restricted mean survival time, treated minus control [month], to `rmst_horizon`."""
    rmst_horizon: float
    """[month]"""
    arm: str | None = None
    """The treated arm; None for the only one of the study."""
    reason: str = ""
    """Why there is no hazard ratio; empty where there is one."""


@dataclass(frozen=True)
class QuadratureRow:
    """How far a prediction moves over sets of virtual patients."""

    name: str
    """As outputs are named: `median:STUDY:ARM:ENDPOINT`, `hazard_ratio:STUDY:ENDPOINT`."""
    value: float
    sd: float
    """Standard deviation over seeds, same number of patients."""


@dataclass(frozen=True)
class StopRuleRow:
    """A fit's predictions under one stop rule."""

    rule: str
    predictions: dict[str, float | None]
    """Output name -> value."""
    chi_square_data: float
    refitted: bool
