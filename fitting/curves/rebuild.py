"""Patients behind a published survival curve, rebuilt from the curve, its numbers at risk and the number of events.

Start with `rebuild`.  The idea is that of Guyot P, Ades AE, Ouwens MJ, Welton NJ, BMC Medical Research Methodology 2012;12:9,
written anew from its description.  Between two numbers at risk n_j and n_(j+1) an unknown number of patients is censored, at
evenly spaced times; the Kaplan-Meier product S = prod(1 - d_i / n_i), solved for d_i, tells the events; and the number censored
is the one for which n_(j+1) are left.  After the last number at risk it is the one that gives the printed number of events, where
there is one, else that of the earlier rate.  In place of a number of events at each click there is one event at a time here: the
next one happens where the curve has gone half of the way from the product before it to the product after it, S (1 - 1/n).  So a
curve of many small steps, a coarse one with straight lines and one with large falls are followed to within half an event.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from kinimmune.fitting.curves.reading import ReadCurve
from kinimmune.fitting.curves.risk_table import RiskTable
from kinimmune.models.arrays import Array, Bools, real
from kinimmune.models.errors import DataError
from kinimmune.models.trial.observed import estimate_curve


@dataclass(frozen=True)
class RebuiltPatients:
    """Times of a published arm as they may have been."""

    time: Array
    """[unit of the curve], above 0, never decreasing, shape (n,)."""
    event: Bools
    """Whether it is that of an event, else of censoring, shape (n,)."""

    def __post_init__(self) -> None:
        """Refuse what are no patients."""
        if not self.time.size or self.time.shape != self.event.shape or not bool((self.time > 0.0).all()):
            raise DataError("rebuilt patients need a time above 0 and whether it is of an event; give both for each")

    @property
    def events(self) -> int:
        """Number of events."""
        return int(self.event.sum())

    def at_risk(self, time: Array) -> Array:
        """Return how many are at risk just before times [unit]."""
        return real(self.time.size - np.searchsorted(self.time, time, side="left"))

    def survival(self, time: Array) -> Array:
        """Return their Kaplan-Meier estimate at times [unit]."""
        return estimate_curve(self.time, self.event).at(time)

    def farthest_from(self, curve: ReadCurve) -> float:
        """Return the largest difference [1] between their Kaplan-Meier estimate and the curve they were rebuilt from."""
        return float(np.max(np.abs(self.survival(curve.time) - curve.at(curve.time))))


@dataclass(frozen=True)
class _State:
    """How far the rebuilding got."""

    at_risk: int
    product: float
    """Kaplan-Meier product so far [1]."""
    events: tuple[float, ...] = ()
    censored: tuple[float, ...] = ()
    """Times [unit]."""
    is_behind: bool = False
    """Whether too few were left to follow the curve."""


@dataclass(frozen=True)
class _Span:
    """From one number at risk to the next."""

    begin: float
    """[unit]"""
    end: float
    """[unit]; events at it are of the next span, unless this is the last."""
    left_over: int = 0
    """How many must remain at its end."""
    is_last: bool = False


def rebuild(curve: ReadCurve, risk: RiskTable, events: int | None = None) -> RebuiltPatients:
    """Return patients whose Kaplan-Meier estimate and numbers at risk are those that were read.

    Parameters
    ----------
    curve
        consistent with the numbers at risk, as `kinimmune.fitting.curves.consistency` tells
    risk
        numbers at risk; the result has the same
    events
        printed number of events, which decides how many are censored after the last number at risk; None where there is none
    """
    state = _State(int(risk.at_risk[0]), 1.0)
    for index in range(risk.last):
        span = _Span(float(risk.time[index]), float(risk.time[index + 1]), int(risk.at_risk[index + 1]))
        state = _fill(curve, state, span)
    last = _Span(float(risk.time[risk.last]), _find_end(curve, risk), is_last=True)
    state = _fill_last(curve, state, last, events)
    everyone = np.array([*state.events, *state.censored, *[last.end] * state.at_risk])
    is_event = np.arange(everyone.size) < len(state.events)
    order = np.lexsort((~is_event, everyone))
    return RebuiltPatients(everyone[order], is_event[order])


def _find_end(curve: ReadCurve, risk: RiskTable) -> float:
    """Return when the last patients leave: at the end of the curve, and before the time at which nobody is at risk any more."""
    begin = float(risk.time[risk.last])
    if risk.last + 1 == risk.time.size:
        return max(curve.end, begin)
    end = float(risk.time[risk.last + 1])
    return min(curve.end, end - min(curve.time_error, (end - begin) / 2.0)) if curve.end > begin else begin


def _fill(curve: ReadCurve, state: _State, span: _Span) -> _State:
    """Return the state after a span at whose end so many remain: of the numbers censored that lead there the middle one."""
    leave = state.at_risk - span.left_over
    free = replace(span, left_over=0)
    fewest = _search(lambda censored: _walk(curve, state, span, censored).at_risk, span.left_over, leave)
    most = _search(lambda censored: _walk(curve, state, free, censored).at_risk, span.left_over - 1, leave) - 1
    chosen = _walk(curve, state, span, max(fewest, (fewest + most) // 2))
    return chosen if chosen.at_risk == span.left_over else _walk(curve, state, span, fewest)


def _fill_last(curve: ReadCurve, state: _State, span: _Span, events: int | None) -> _State:
    """Return the state at the end of the curve; who is still at risk then is censored there.

    Never so many are censored before that too few are left to follow the curve; a printed number of events is met within that.
    """
    crowd = state.at_risk
    most = crowd - _search(lambda spared: int(_walk(curve, state, span, crowd - spared).is_behind), 0, crowd)
    if events is None:
        rate = len(state.censored) / span.begin if span.begin > 0.0 else 0.0
        censored = min(round(rate * (span.end - span.begin)), most)
    else:
        censored = _search(lambda number: len(_walk(curve, state, span, number).events), events, most)
    return _walk(curve, state, span, censored)


def _search(outcome: Callable[[int], int], wanted: int, most: int) -> int:
    """Return the smallest number from 0 to `most` whose outcome, which falls with it, is at most the wanted one; else `most`."""
    low, high = 0, most
    while low < high:
        middle = (low + high) // 2
        if outcome(middle) <= wanted:
            high = middle
        else:
            low = middle + 1
    return low


def _walk(curve: ReadCurve, state: _State, span: _Span, censored: int) -> _State:
    """Return the state after a span in which so many are censored at evenly spaced times.

    As many events happen as the curve has, while there are patients for them: `spare`, of the `crowd` after the last one.
    """
    leaving = span.begin + (span.end - span.begin) * np.arange(1, censored + 1) / (censored + 1)
    at_risk, product, happened = state.at_risk, state.product, list[float]()
    spare, crowd = at_risk - censored - span.left_over, at_risk
    for until in (*leaving.tolist(), None):
        while spare > 0:
            when = max(curve.first_time_at(product * (1.0 - 0.5 / at_risk)), span.begin, curve.time_error / 2.0)
            if when > (span.end if until is None else until) or (when == span.end and not span.is_last):
                break
            happened.append(when)
            product *= 1.0 - 1.0 / at_risk
            at_risk, spare, crowd = at_risk - 1, spare - 1, at_risk - 1
        at_risk -= until is not None
    is_behind = spare == 0 and crowd > 0 and curve.first_time_at(product * (1.0 - 0.5 / crowd)) <= span.end
    return _State(at_risk, product, (*state.events, *happened), (*state.censored, *leaving.tolist()), is_behind)
