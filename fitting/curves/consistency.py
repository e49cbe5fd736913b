"""Whether a read curve and the numbers at risk under it can be of the same patients.

Start with `require_consistent`; `require_possible_events` does the same for a printed number of events.
"""

import numpy as np

from kinimmune.fitting.curves.reading import ReadCurve
from kinimmune.fitting.curves.risk_table import RiskTable
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError

BEYOND = 0.02
"""How far the last number at risk may stand beyond the end of the curve [share of its length]."""
NEAREST_END = 0.25
"""Where the numbers at risk of a table without unit may end [share of the curve's length]: tables are printed along the whole
axis, and one in the next larger unit ends within 1 / 4.3 (months under weeks), 1 / 7 (weeks under days) or less of it."""
DOUBTFUL = 4.0
"""Reading errors beyond which a difference is none of reading."""


def require_consistent(curve: ReadCurve, risk: RiskTable) -> None:
    """Raise a `DataError` when the risk table has another length than the curve, or survival falls more than patients leave.

    If all n_j - n_(j+1) who leave between two times had the event, S falls to n_(j+1) / n_j of itself; with any other order and
    share of events it falls less.
    """
    _require_same_length(curve, risk)
    _require_somebody_alive(curve, risk)
    lowest, highest = _bound(curve, risk.time)
    for index in range(risk.time.size - 1):
        before, after = int(risk.at_risk[index]), int(risk.at_risk[index + 1])
        if highest[index + 1] * before < lowest[index] * after or (before == 0 and highest[index + 1] < lowest[index]):
            raise _refuse_fall(curve, risk, index)
    if risk.at_risk[-1] == 0 and float(curve.at(np.array([curve.end]))[0]) < lowest[-1]:
        raise DataError(
            f"nobody is at risk from {curve.unit.word} {risk.time[-1]:.4g} on ({risk.place(risk.time.size - 1)}), but the curve "
            "falls after it; correct the number or the unit"
        )


def _require_same_length(curve: ReadCurve, risk: RiskTable) -> None:
    """Raise a `DataError` when the risk table goes beyond the curve, or ends so early that its unit must be another."""
    reach = (1.0 + BEYOND) * curve.end
    beyond = np.flatnonzero((risk.time > reach) & (risk.at_risk > 0))
    if beyond.size:
        first = int(beyond[0])
        raise DataError(
            f"{risk.at_risk[first]} are at risk at {curve.unit.word} {risk.time[first]:.4g} ({risk.place(first)}), but the curve "
            f"ends at {curve.end:.4g}; read the curve to its end or correct the unit"
        )
    if risk.written_in is None and risk.time[-1] < NEAREST_END * curve.end:
        raise DataError(
            f"the numbers at risk end at {risk.time[-1]:.4g} ({risk.place(risk.time.size - 1)}) and the curve at "
            f"{curve.unit.word} {curve.end:.4g}; no header names the unit of {risk.file}: write it there, such as 'time [months]'"
        )


def _require_somebody_alive(curve: ReadCurve, risk: RiskTable) -> None:
    """Raise a `DataError` when patients are at risk where the curve has come to 0 before; who dies at that time still is."""
    dead = np.flatnonzero((curve.just_before(risk.time) == 0.0) & (risk.at_risk > 0))
    if dead.size:
        first = int(dead[0])
        raise DataError(
            f"survival is 0 at {curve.unit.word} {risk.time[first]:.4g}, where {risk.at_risk[first]} are at risk "
            f"({risk.place(first)}); correct the points, or write 0 there: at 0 nobody is left"
        )


def require_possible_events(curve: ReadCurve, risk: RiskTable, events: int) -> None:
    """Raise a `DataError` when a curve and its numbers at risk do not allow a printed number of events, reading errors included.

    Most events for a fall to p of S are n_j (1 - p), censored patients leaving after them; fewest n_(j+1) (1/p - 1), they before.
    """
    fewest, most = _find_range(curve, risk)
    if not fewest <= events <= most:
        raise DataError(
            f"--events {events}: the curve and the numbers at risk ({risk.file}) allow {np.ceil(fewest):.0f} to "
            f"{np.floor(most):.0f}; correct one of them"
        )


def _find_range(curve: ReadCurve, risk: RiskTable) -> tuple[float, float]:
    """Return the fewest and the most events that are possible."""
    used = slice(0, risk.last + 1)
    time = np.append(risk.time[used], max(curve.end, risk.time[risk.last]))
    at_risk = np.append(risk.at_risk[used], 0)
    survival = np.append(curve.just_before(time[:-1]), curve.at(time[-1:]))  # as numbers at risk are those just before
    ratio = np.divide(survival[1:], survival[:-1], out=np.ones(time.size - 1), where=survival[:-1] > 0.0)
    most = at_risk[:-1] * (1.0 - ratio)
    fewest = np.divide(at_risk[1:] * (1.0 - ratio), ratio, out=at_risk[1:].astype(float), where=ratio > 0.0)
    errors = curve.errors_at(time, at_risk)
    of_fall = at_risk[:-1] * np.hypot(errors[1:], ratio * errors[:-1])
    spread = np.divide(of_fall, survival[:-1], out=np.zeros(time.size - 1), where=survival[:-1] > 0.0)
    margin = 1.0 + DOUBTFUL * float(np.sqrt(np.sum(spread**2)))
    return max(float(fewest.sum()) - margin, 0.0), min(float(most.sum()) + margin, float(at_risk[0]))


def _bound(curve: ReadCurve, time: Array) -> tuple[Array, Array]:
    """Return the lowest and the highest survival at times [unit] that reading errors in both directions allow."""
    margin = np.where(time == 0.0, 0.0, DOUBTFUL * curve.error.value)
    lowest, highest = curve.bounds_at(time)
    return np.maximum(np.where(time == 0.0, 1.0, lowest) - margin, 0.0), np.minimum(highest + margin, 1.0)


def _refuse_fall(curve: ReadCurve, risk: RiskTable, index: int) -> DataError:
    before, after = int(risk.at_risk[index]), int(risk.at_risk[index + 1])
    upper, lower = curve.at(risk.time[[index, index + 1]])
    needed = before * (1.0 - lower / upper) if upper > 0.0 else 0.0
    return DataError(
        f"from {curve.unit.word} {risk.time[index]:.4g} to {risk.time[index + 1]:.4g} survival falls from {upper:.3g} to "
        f"{lower:.3g}, which needs {needed:.0f} events among {before} at risk, but only {before - after} leave "
        f"({risk.place(index + 1)}); correct the number or the points"
    )
