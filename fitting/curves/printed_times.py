"""A read curve at the times of its risk table, which are those of a table of curves.

Start with `list_printed_times`.
"""

from dataclasses import dataclass

from kinimmune.fitting.curves.reading import ReadCurve
from kinimmune.fitting.curves.risk_table import RiskTable
from kinimmune.models.arrays import Bools


@dataclass(frozen=True)
class PrintedTime:
    """What was read at one time of a risk table."""

    month: float
    """[month] of 30.44 days."""
    survival: float
    """[1]"""
    reading_error: float
    """Standard deviation of `survival` [1], 0 at time 0."""
    at_risk: int


def list_printed_times(curve: ReadCurve, risk: RiskTable) -> tuple[PrintedTime, ...]:
    """Return survival at the times of the risk table, those left out at which nobody is at risk after the end of the curve."""
    kept = ~find_left_out(curve, risk)
    time, at_risk = risk.time[kept], risk.at_risk[kept]
    columns = (time, curve.at(time), curve.errors_at(time, at_risk), at_risk)
    return tuple(
        PrintedTime(curve.unit.in_months(float(month)), float(survival), float(error), int(number))
        for month, survival, error, number in zip(*columns, strict=True)
    )


def find_left_out(curve: ReadCurve, risk: RiskTable) -> Bools:
    """Return at which times nobody is at risk after the end of the curve, shape (j,)."""
    left_out: Bools = (risk.at_risk == 0) & (risk.time > curve.end)
    return left_out
