"""What reports of many drawn trials would print: Kaplan-Meier medians and Cox hazard ratios, all trials at once.

Start with `find_medians` and `fit_log_ratios`.  Rows are trials, columns their patients.
"""

import numpy as np

from kinimmune.models.arrays import Array, Bools, Integers

STEPS = 30
"""Most Newton steps; a handful is enough where both arms have events."""
_CLOSE = 1e-10
"""Step of ln ratio at which it is found."""
_WIDEST_STEP = 1.0
"""Of ln ratio, so that a first step does not leave the reach of the next."""


def find_medians(time: Array, event: Bools) -> Array:
    """Return the median of each row's product-limit curve, infinite where it stays above one half.

    The smallest time with S(t) <= 1/2 (E. L. Kaplan and P. Meier, J Am Stat Assoc 53:457, 1958); who is censored at the time of
    an event was at risk of it.

    Parameters
    ----------
    time
        observed times, shape (k, n)
    event
        whether each ends in an event, shape (k, n)
    """
    order = _order(time, event)
    time, event = np.take_along_axis(time, order, axis=1), np.take_along_axis(event, order, axis=1)
    left = time.shape[1] - np.arange(time.shape[1])
    reached = np.cumprod(1.0 - event / left, axis=1) <= 0.5 + 1e-12
    first = np.take_along_axis(time, reached.argmax(axis=1)[:, None], axis=1)[:, 0]
    return np.where(reached.any(axis=1), first, np.inf)


def fit_log_ratios(time: Array, event: Bools, treated: Bools) -> Array:
    """Return Cox's ln hazard ratio of the treated in each row, ties by Efron's method; nan where an arm has no event.

    The root of sum over events of z - r A/(r A + B), with r the ratio and A and B the treated and the others at risk, from which
    the l-th of d events at one time takes the share l/d of those that tie (B. Efron, J Am Stat Assoc 72:557, 1977).

    Parameters
    ----------
    time, event
        as in `find_medians`
    treated
        whether each patient is in the treated arm, shape (k, n)
    """
    order = _order(time, event)
    time, event = np.take_along_axis(time, order, axis=1), np.take_along_axis(event, order, axis=1)
    treated = np.take_along_axis(treated, order, axis=1)
    at_risk = _count_at_risk(time, event, treated)
    weight = event.astype(float)
    events = np.sum(weight * treated, axis=1)
    known = (events > 0.0) & (events < weight.sum(axis=1))
    found = np.zeros(time.shape[0])
    for _ in range(STEPS):
        share = _share_of_treated(found, *at_risk)
        score = events - np.sum(weight * share, axis=1)
        slope = np.sum(weight * share * (1.0 - share), axis=1)
        step = np.clip(
            np.divide(score, slope, out=np.zeros_like(score), where=known & (slope > 0.0)), -_WIDEST_STEP, _WIDEST_STEP
        )
        found = found + step
        if np.all(np.abs(step) < _CLOSE):
            break
    return np.where(known, found, np.nan)


def _share_of_treated(log_ratio: Array, treated: Array, others: Array) -> Array:
    weighed = np.exp(log_ratio)[:, None] * treated
    return np.asarray(weighed / np.maximum(weighed + others, 1e-300))


def _order(time: Array, event: Bools) -> Integers:
    """Return the order of each row in time, events before what is censored at the same time."""
    first = np.argsort(~event, axis=1, kind="stable")
    then = np.argsort(np.take_along_axis(time, first, axis=1), axis=1, kind="stable")
    return np.take_along_axis(first, then, axis=1)


def _count_at_risk(time: Array, event: Bools, treated: Bools) -> tuple[Array, Array]:
    """Return how many treated and others are at risk at each event, by Efron's method; rows are in order, shape (k, n) each."""
    k, n = time.shape
    begins = np.ones((k, n), dtype=bool)
    begins[:, 1:] = time[:, 1:] != time[:, :-1]
    place = np.arange(n)
    start = np.maximum.accumulate(np.where(begins, place, 0), axis=1)
    following = np.ones((k, n), dtype=bool)
    following[:, :-1] = begins[:, 1:]
    end = np.minimum.accumulate(np.where(following, place + 1, n)[:, ::-1], axis=1)[:, ::-1]
    tied = _between(event, start, end)
    passed = np.divide(_between(event, start, np.broadcast_to(place, (k, n))), tied, out=np.zeros((k, n)), where=tied > 0)
    last = np.full((k, n), n)
    of_treated, of_others = (
        _between(arm, start, last) - passed * _between(event & arm, start, end) for arm in (treated, ~treated)
    )
    return of_treated, of_others


def _between(what: Bools, start: Integers, end: Integers) -> Array:
    """Return how often something is true between two places of its row, the first included, shape (k, n)."""
    total = np.concatenate([np.zeros((what.shape[0], 1)), np.cumsum(what, axis=1)], axis=1)
    return np.asarray(np.take_along_axis(total, end, axis=1) - np.take_along_axis(total, start, axis=1))
