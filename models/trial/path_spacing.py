"""From which scans those who leave treatment are integrated, and who stands for those who are not.

Start with `choose_scans` and `share_out`.  How many live at a moment of those who left treatment at scan k is a smooth function
of the day of scan k.  So from the fourth scan on every second one is left out where its neighbours are there, and its patients
are shared out over the two nearest scans on either side that are integrated, by the weights of the polynomial through these four
days (Lagrange's; fewer days at the ends).  Sums over patients are exact wherever what is summed is a cubic in the day of leaving;
a weight may be below 0.  What it costs in accuracy is printed by `benchmarks/spaced_paths.py`.
"""

import numpy as np

from kinimmune.models.arrays import Array, Bools, Integers

FIRST_LEFT_OUT = 3
"""First scan (0-based) that may be left out: most patients leave at those before it, and what leaving does is steepest there."""


def choose_scans(begins: Bools) -> Bools:
    """Return from which scans paths are integrated, shape (K, n): all but every second one from `FIRST_LEFT_OUT` on.

    A scan without a path on either side keeps its own.

    Parameters
    ----------
    begins
        where paths have a weight, shape (K, n)

    Examples
    --------
    >>> choose_scans(np.ones((8, 1), dtype=bool))[:, 0].astype(int)
    array([1, 1, 1, 0, 1, 0, 1, 1])
    """
    kept = begins.copy()
    for scan in range(FIRST_LEFT_OUT, begins.shape[0] - 1, 2):
        kept[scan] &= ~(begins[scan - 1] & begins[scan + 1])
    return kept


def share_out(mass: Array, kept: Bools, days: Array) -> Array:
    """Return probabilities of leaving with those of scans that are left out shared out over their neighbours, shape (..., K, n).

    Parameters
    ----------
    mass
        probabilities of leaving at scans, 0 where no path has a weight, shape (..., K, n)
    kept
        of `choose_scans`, shape (K, n)
    days
        of the scans, shape (K,)

    Examples
    --------
    >>> kept = np.array([[True, True, True, False, True, True]]).T
    >>> share_out(np.array([[0.0, 0.0, 0.0, 0.6, 0.0, 0.0]]).T, kept, np.arange(6.0))[:, 0].round(3)
    array([ 0. , -0.1,  0.4,  0. ,  0.4, -0.1])
    """
    shared = np.where(kept, mass, 0.0)
    for scan in range(FIRST_LEFT_OUT, kept.shape[0] - 1, 2):
        who = np.flatnonzero(~kept[scan] & kept[scan - 1] & kept[scan + 1])
        if who.size == 0:
            continue
        nodes, there = _find_nodes(kept[:, who], scan)
        weights = _lagrange(days[nodes], there, float(days[scan]))
        for node, weight in zip(nodes, weights, strict=True):
            shared[..., node, who] += weight * mass[..., scan, who]
    return shared


def _find_nodes(kept: Bools, scan: int) -> tuple[Integers, Bools]:
    """Return the two nearest scans on either side that are kept, and whether there are so many, shape (4, n) each."""
    below, above = kept[: scan - 1][::-1], kept[scan + 2 :]
    beyond = np.argmax(above, axis=0) if above.shape[0] else np.zeros(kept.shape[1], dtype=np.int64)
    one = np.ones(kept.shape[1], dtype=bool)
    nodes = [
        scan - 2 - np.argmax(below, axis=0),
        (scan - 1) * one,
        (scan + 1) * one,
        np.minimum(scan + 2 + beyond, len(kept) - 1),
    ]
    return np.array(nodes), np.array([below.any(axis=0), one, one, above.any(axis=0)])


def _lagrange(days: Array, there: Bools, day: float) -> Array:
    """Return the weights of values at some days in the polynomial through them at another, 0 of those not there, shape (4, n)."""
    weights = there.astype(float)
    for one in range(len(days)):
        for other in range(len(days)):
            if other != one:
                apart = np.where(there[one] & there[other], days[one] - days[other], 1.0)
                weights[one] *= np.where(there[other], (day - days[other]) / apart, 1.0)
    return weights
