"""Partial rank correlation: how an output rises with one input while the others are held, in ranks.

Start with `correlate_partially`.  Sources: Iman and Helton 1988, Risk Analysis 8:71; Marino et al. 2008, J Theor Biol 254:178.
"""

from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import NORMAL_95, Array
from kinimmune.models.errors import UsageError


@dataclass(frozen=True)
class PartialRanks:
    """Partial rank correlation of k inputs with t outputs; shape (t, k), not a number for an output that does not vary."""

    coefficient: Array
    lower: Array
    """Lower end of the 95 % interval by Fisher's transformation."""
    upper: Array
    """Upper end of the same."""
    p_value: Array
    """Two-sided p-value of the hypothesis that the coefficient is 0."""


def correlate_partially(inputs: Array, outputs: Array) -> PartialRanks:
    """Return partial rank correlations.

    Inputs and outputs are replaced by their ranks.  The coefficient of input j is the correlation of the residuals of input j
    and of the output after linear regression of both on the other inputs; with P the inverse of the correlation matrix of all
    ranks it is -P_jy / sqrt(P_jj P_yy).  Under no association t = r sqrt(d / (1 - r^2)) has Student's distribution with
    d = n - k - 1 degrees of freedom; atanh(r) has standard error 1 / sqrt(d - 1).

    Parameters
    ----------
    inputs
        shape (n, k), independent draws
    outputs
        shape (n, t)

    Raises
    ------
    UsageError
        for fewer than k + 4 draws
    """
    from scipy.stats import rankdata, t

    n, k = inputs.shape
    freedom = n - k - 1
    if freedom < 3:
        raise UsageError(f"--samples {n}: PRCC of {k} parameters needs at least {k + 4}; ten times the parameters is usual")
    ranks = _standardise(rankdata(inputs, axis=0))
    found = _partial(ranks, _standardise(rankdata(outputs, axis=0)))
    bounded = np.clip(found, -1.0 + 1e-15, 1.0 - 1e-15)
    half_width = NORMAL_95 / np.sqrt(freedom - 1.0)
    statistic = np.abs(bounded) * np.sqrt(freedom / (1.0 - bounded**2))
    return PartialRanks(
        found,
        np.tanh(np.arctanh(bounded) - half_width),
        np.tanh(np.arctanh(bounded) + half_width),
        2.0 * t.sf(statistic, freedom),
    )


def _standardise(ranks: Array) -> Array:
    """Return columns with mean 0 and length 1; not a number for one that does not vary."""
    centred = ranks - ranks.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    scaled: Array = np.divide(centred, length, out=np.full(centred.shape, np.nan), where=length > 0.0)
    return scaled


def _partial(ranks: Array, outputs: Array) -> Array:
    """Return -P_jy / sqrt(P_jj P_yy), shape (t, k), by the blocks of the inverse of the correlation matrix.

    With C the inverse of the inputs' own correlations, b = C r the regression of an output on them and s = 1 - r'b what it
    leaves: P_yy = 1/s, P_jy = -b_j/s and P_jj = C_jj + b_j^2/s.
    """
    inverse = np.linalg.inv(ranks.T @ ranks)
    slope = (inverse @ (ranks.T @ outputs)).T
    left = 1.0 - ((outputs.T @ ranks) * slope).sum(axis=1, keepdims=True)
    whole = np.sqrt(np.maximum(left, 0.0) * np.diag(inverse) + slope**2)
    found: Array = np.divide(slope, whole, out=np.where(np.isfinite(slope), 0.0, np.nan), where=whole > 0.0)
    return found
