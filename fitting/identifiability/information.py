"""What a Jacobian of data residuals tells of estimates: their dependence on each number, its share of the variance, the spectrum.

Start with `sensitivity` and `spectrum`.  Coordinates are z-scores, so J'J is compared with 1, the information of a prior.
"""

from collections.abc import Sequence

import numpy as np

from kinimmune.fitting.estimation.laplace import posterior_precision
from kinimmune.models.arrays import Array


def sensitivity(jacobian: Array, hessian: Array) -> Array:
    """Return how estimates answer to the data, H^-1 J', shape (n, m).

    Element (i, k): change of estimate i [prior sd] when number k rises by one standard error, that is when residual k falls by 1
    (I. Andrews, M. Gentzkow and J. M. Shapiro, Quarterly Journal of Economics 132:1553, 2017, with priors as further moments).

    Parameters
    ----------
    jacobian
        Jacobian J of the data residuals, shape (m, n)
    hessian
        Hessian H of half the sum of squares of data and priors, shape (n, n): J'J + 1 where residuals are straight or zero.  With
        so few numbers they are neither, and J'J + 1 misses refits by half.
    """
    return np.asarray(np.linalg.solve(hessian, jacobian.T), dtype=float)


def symmetrise(columns: Sequence[Sequence[float]], jacobian: Array) -> tuple[Array, bool]:
    """Return the Hessian from its columns, and whether it is positive definite; J'J + 1 in its place where it is not."""
    raw = np.array(columns)
    hessian = (raw + raw.T) / 2.0
    if np.linalg.eigvalsh(hessian)[0] > 0.0:
        return hessian, True
    return posterior_precision(jacobian), False


def gather_answers(answers: Array, rows: Sequence[slice]) -> Array:
    """Return how estimates answer to each number, shape (n, n_targets): of data with several residuals, to all rising together.

    Parameters
    ----------
    answers
        from `sensitivity`, shape (n, m)
    rows
        places of the residuals of each target; of a median the first is the number's and the second none
    """
    columns = [answers[:, own.start] if own.stop - own.start <= 2 else answers[:, own].mean(axis=1) for own in rows]
    return np.column_stack(columns)


def informativeness(answers: Array, rows: Sequence[slice]) -> Array:
    """Return the share of the variance of each estimate that each number brings, rows summing to 1, shape (n, n_targets).

    Numbers are independent with unit standard errors, so the variance the data bring is the sum of squared sensitivities (I.
    Andrews, M. Gentzkow and J. M. Shapiro, American Economic Review: Insights 2:139, 2020).

    Parameters
    ----------
    answers
        from `sensitivity`, shape (n, m), and where numbers are correlated from `share_out`
    rows
        places of the residuals of each target
    """
    by_target = np.column_stack([(answers[:, own] ** 2).sum(axis=1) for own in rows])
    total = by_target.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(by_target, total, out=np.zeros_like(by_target), where=total > 0.0), dtype=float)


def share_out(answers: Array, correlations: Array) -> Array:
    """Return A R^(1/2), whose squares add to the variance A R A' that numbers with correlations R bring, shape (n, m).

    With the symmetric root no number goes before another, and no share is negative (V. Zuber and K. Strimmer, Stat Appl Genet Mol
    Biol 10:34, 2011).
    """
    values, vectors = np.linalg.eigh(correlations)
    return np.asarray(answers @ (vectors * np.sqrt(values)) @ vectors.T, dtype=float)


def spectrum(jacobian: Array) -> tuple[Array, Array]:
    """Return eigenvalues of J'J, largest first, and their vectors as rows, the largest element of each positive."""
    values, vectors = np.linalg.eigh(jacobian.T @ jacobian)
    rows = vectors.T[::-1]
    signs = np.sign(rows[np.arange(values.size), np.argmax(np.abs(rows), axis=1)])
    return np.maximum(values[::-1], 0.0), rows * signs[:, None]


def effective_parameters(eigenvalues: Array) -> float:
    """Return the number of parameters the data determine, tr[J'J (J'J + 1)^-1], from the eigenvalues of J'J.

    >>> effective_parameters(np.array([1.0, 0.0]))
    0.5
    """
    return float(np.sum(eigenvalues / (1.0 + eigenvalues)))
