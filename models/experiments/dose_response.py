"""The concentration of half an effect (IC50), read off a series of concentrations as an experimenter would.

Start with `crossing_concentration`; `concentrations` is the series; `log_ic50` is for a fit.
"""

import math

import numpy as np

from kinimmune.models.arrays import Array

LOWEST, HIGHEST = 1.0, 1e6
"""Ends of the series [nmol/L]: far below every IC50, far above what dissolves."""
STEPS = 61
"""Concentrations in the series."""


def concentrations() -> Array:
    """Return the series [nmol/L], ten concentrations a decade."""
    return np.geomspace(LOWEST, HIGHEST, STEPS)


def crossing_concentration(series: Array, response: Array, level: float) -> Array:
    """Return the lowest concentration at which a response crosses a level, shape (n,); infinite where it never does.

    Between two concentrations the response is a straight line over ln concentration.

    Parameters
    ----------
    series
        concentrations, increasing, shape (k,)
    response
        shape (k, n); above the level at the lowest concentration or below it
    level
        such as one half of the untreated response
    """
    side = np.sign(response - level)
    beyond = side != side[0]
    after = np.argmax(beyond, axis=0)
    columns = np.arange(response.shape[1])
    before = np.maximum(after - 1, 0)
    low, high = response[before, columns], response[after, columns]
    fraction = np.divide(level - low, high - low, out=np.zeros(columns.size), where=high != low)
    crossing = np.exp(np.log(series[before]) + fraction * np.log(series[after] / series[before]))
    return np.where(beyond.any(axis=0), crossing, math.inf)


def log_ic50(series: Array, logarithm: Array) -> Array:
    """Return ln(IC50): of the concentration at which ln(number over untreated) reaches ln(1/2), shape (n,).

    Where none does, the line goes on beyond the highest concentration with slope one, so that a fit finds its way back.

    Parameters
    ----------
    series
        concentrations, increasing, shape (k,)
    logarithm
        ln of the number of cells over untreated, shape (k, n)
    """
    half = math.log(1.0 / 2.0)
    ic50 = crossing_concentration(series, logarithm, half)
    beyond = math.log(series[-1]) + np.maximum(logarithm[-1] - half, 0.0)
    return np.where(np.isfinite(ic50), np.log(np.where(np.isfinite(ic50), ic50, 1.0)), beyond)
