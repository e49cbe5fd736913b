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
