"""How the numbers of a study correlate over trials of its size: drawn at a point, published as the targets are, compared with it.

Start with `find_correlations`.  What becomes of them is told in `kinimmune.fitting.problem.decorrelation`.

The covariance is scaled to a unit diagonal: standard errors stay those of the tables, from whichever rule the study names, and
only what numbers share is taken from the drawn trials.  How far the errors stated are from the scatter of drawn trials is told in
`BlockSummary.scatter`.  So numbers that share nothing are fitted as if nobody had asked.
"""

from collections.abc import Sequence

import numpy as np

from kinimmune.fitting.estimation.drawn_trials import draw_trial, simulate_pools
from kinimmune.fitting.estimation.printed_numbers import TargetReader, make_reader
from kinimmune.fitting.estimation.whitening import BlockSummary, describe_row
from kinimmune.fitting.problem.correlation import CorrelatedBlock, Row, find_correlated_studies
from kinimmune.fitting.problem.problem import FitProblem, Outcomes, predict, widen
from kinimmune.fitting.problem.targets import Statistic
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError, NumericalError

DRAWS = 1000
"""Trials drawn: a correlation is then known to .03."""
DRAWS_PER_ROW = 50
"""Trials drawn for each residual of a study at least."""
FEWEST = 5
"""Drawn trials with all numbers for each residual, without which there are no correlations."""
LARGEST_CONDITION = 50.0
"""Condition number up to which two numbers tell different things: that of a correlation of .96.

Of more numbers the smallest eigenvalue of their correlations is asked for, no less than that of such two: the largest grows with
the number of those that share patients, which harms nothing.
"""
STREAM = 30
"""Of the seed, so that these draws are none of other work's."""
DIGITS = 6
"""Decimals of a correlation that are kept."""


def find_correlations(problem: FitProblem, z: Array, seed: int, draws: int = DRAWS) -> tuple[BlockSummary, ...]:
    """Return the correlations of every study of which two targets share patients in a way that matters.

    Parameters
    ----------
    problem
        what is fitted
    z
        where trials are drawn, shape (n_estimated,)
    seed
        of all draws
    draws
        number of trials of a study; more where it has many residuals

    Raises
    ------
    DataError
        when numbers of a study tell nearly the same
    NumericalError
        when drawn trials seldom print all numbers
    """
    wide = widen(problem)
    studies = find_correlated_studies(problem.targets, problem.trials)
    outcomes = predict(wide, [z])[0] if studies else Outcomes({})
    found = []
    for place, study in enumerate(studies):
        own = sorted((item for item in problem.targets if item.study == study), key=lambda item: item.label)
        patients = [item for item in own if item.statistic is Statistic.PATIENTS]
        readers = [make_reader(wide, outcomes, item) for item in (*patients, *(item for item in own if item not in patients))]
        count = max(draws, DRAWS_PER_ROW * sum(item.places for item in readers))
        rows = _draw_rows(wide, z, readers, count, [seed, STREAM, place])
        found.append(_summarise(study, readers, len(patients), rows))
    return tuple(found)


def _draw_rows(problem: FitProblem, z: Array, readers: Sequence[TargetReader], draws: int, seed: list[int]) -> Array:
    """Return the signed residuals of all targets of a study in drawn trials, shape (draws, m)."""
    study = readers[0].target.study
    trial, pools = problem.trial(study), simulate_pools(problem, z, study, seed)
    generator = np.random.default_rng([*seed, len(pools)])
    rows = []
    for _ in range(draws):
        drawn = draw_trial(trial, pools, generator)
        rows.append(np.concatenate([item.read(drawn, generator) for item in readers]))
    return np.array(rows)


def _summarise(study: str, readers: Sequence[TargetReader], patients: int, drawn: Array) -> BlockSummary:
    rows = [(item.target.label, place) for item in readers for place in range(item.places)]
    whole = np.isfinite(drawn).all(axis=1)
    if whole.sum() < FEWEST * len(rows):
        worst = rows[int(np.argmin(np.isfinite(drawn).sum(axis=0)))][0]
        raise NumericalError(
            f"{whole.sum()} of {whole.size} trials like {study} that were drawn at the fit print all its numbers; {worst} most "
            "often lacks: give it the role unfitted, or leave correlations out with --no-correlations"
        )
    matrix, shrinkage = shrink_correlations(drawn[whole])
    below = np.round(matrix[np.tril_indices(len(rows), -1)], DIGITS)
    _require_different(study, rows, matrix)
    carried = sum(item.places for item in readers[:patients])
    block = CorrelatedBlock(study, tuple(rows), carried, tuple(map(float, below)))
    scatter = tuple(map(float, drawn[whole].std(axis=0, ddof=1)))
    return BlockSummary(block, scatter, measure_condition(matrix), shrinkage, int(whole.sum()), int((~whole).sum()))


def shrink_correlations(rows: Array) -> tuple[Array, float]:
    """Return the correlations of m columns over R rows, drawn to 0 by the share m/R, and that share.

    The inverse of a sample's correlations is too large by about m/R on average (the mean of an inverse Wishart matrix), which is
    2 % or less here, most of it where eigenvalues are smallest; the small share keeps those up.  The share that makes the error
    of all correlations together smallest (O. Ledoit and M. Wolf, J Multivar Anal 88:365, 2004) is not taken: among many numbers
    that are independent it would halve the one strong correlation that matters.

    Parameters
    ----------
    rows
        shape (R, m); a column that never changes has no correlation
    """
    away = rows - rows.mean(axis=0)
    spread = np.sqrt((away**2).mean(axis=0))
    scaled = np.divide(away, spread, out=np.zeros_like(away), where=spread > 1e-9)
    count, m = rows.shape
    share = min(m / count, 1.0)
    matrix = (1.0 - share) * (scaled.T @ scaled) / count
    np.fill_diagonal(matrix, 1.0)
    return matrix, share


def measure_condition(matrix: Array) -> float:
    """Return the ratio of the largest to the smallest eigenvalue.

    >>> round(measure_condition(np.array([[1.0, 0.5], [0.5, 1.0]])), 9)
    3.0
    """
    values = np.linalg.eigvalsh(matrix)
    return float(values[-1] / max(values[0], 1e-12))


def _require_different(study: str, rows: Sequence[Row], matrix: Array) -> None:
    values, vectors = np.linalg.eigh(matrix)
    smallest = 2.0 / (LARGEST_CONDITION + 1.0)
    if values[0] >= smallest:
        return
    vector = np.abs(vectors[:, 0])
    one, other = sorted(np.argsort(-vector)[:2].tolist())
    pair = f"{describe_row(rows[one])} and {describe_row(rows[other])}"
    raise DataError(
        f"{pair} tell nearly the same: over trials like {study} drawn at the fit they correlate by {matrix[one, other]:.2f}, and "
        f"the smallest eigenvalue of correlations is {values[0]:.2g}, below {smallest:.2g} (that of two numbers of condition "
        f"{LARGEST_CONDITION:g}); give one of them the role unfitted in targets.csv, or leave correlations out: --no-correlations"
    )
