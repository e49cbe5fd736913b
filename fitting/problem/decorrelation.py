"""Residuals of numbers that share patients made independent of each other, by the correlations of a problem.

Start with `decorrelate`.  Standard errors stay what the tables say they are; only what numbers have in common is taken out.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.linalg import solve_triangular

from kinimmune.fitting.problem.correlation import CorrelatedBlock
from kinimmune.fitting.problem.patient_summary import CELLS
from kinimmune.models.arrays import Array

Carried = Callable[[str], Array]
"""Label of a target that is patients -> its residuals in the few intervals by which others are correlated with it."""


def decorrelate(blocks: Sequence[CorrelatedBlock], places: Mapping[str, slice], data: Array, carried: Carried) -> Array:
    """Return L^-1 r for the signed residuals r of each block, L the Cholesky factor of their correlations; others as they are.

    Rows of patients come first in L and are left out of what is returned: their residuals are those of their own likelihood, and
    what is left of the others is what these tell beyond it.

    Parameters
    ----------
    blocks
        of a problem; of targets the problem does not have their rows are left out
    places
        label of each target -> the places of its residuals in `data`
    data
        residuals, or what tells their information, shape (n_data,) or (n_data, k)
    carried
        called for targets that are patients
    """
    found = data.copy()
    for block in blocks:
        kept = [row for row, (label, _) in enumerate(block.rows) if label in places]
        patients = [block.rows[row] for row in kept if row < block.carried]
        rows = [block.rows[row] for row in kept[len(patients) :]]
        others = [places[label].start + place for label, place in rows]
        if others:
            found[others] = _take_out(block.factor(kept), data[others], patients, carried)
    return found


def _take_out(factor: Array, others: Array, patients: Sequence[tuple[str, int]], carried: Carried) -> Array:
    known = {label: carried(label) for label in dict.fromkeys(label for label, _ in patients)}
    above = np.array([known[label][place] for label, place in patients]).reshape(len(patients), *others.shape[1:])
    whitened: Array = solve_triangular(factor, np.concatenate([above, others]), lower=True)
    return whitened[len(patients) :]


def decorrelating_matrix(blocks: Sequence[CorrelatedBlock], places: Mapping[str, slice]) -> Array:
    """Return W, which makes independent residuals of those of the tables, W r, shape (n_data, n_data); patients aside."""
    size = max((own.stop for own in places.values()), default=0)
    return decorrelate(blocks, places, np.eye(size), lambda _: np.zeros((CELLS, size)))
