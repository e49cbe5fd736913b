"""Correlations between the numbers of a study, which share its patients.

Start with `CorrelatedBlock`, one study, and `find_correlated_studies`.  `kinimmune.fitting.estimation.correlations` finds them by
drawing trials, `kinimmune.fitting.problem.decorrelation` applies them.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy.linalg import cholesky

from kinimmune.fitting.problem.digest import digest
from kinimmune.fitting.problem.targets import Statistic, Target
from kinimmune.models.arrays import Array, real
from kinimmune.models.errors import DataError
from kinimmune.models.trial.design import Endpoint, Trial

Row = tuple[str, int]
"""Label of a target and the place of one of its residuals: 0 of a number, that of the interval of a curve or of patients."""


@dataclass(frozen=True)
class CorrelatedBlock:
    """Correlations of the signed residuals of one study."""

    study: str
    rows: tuple[Row, ...]
    """Residuals, shape (m,): those of patients first, then the others; each by label and place."""
    carried: int
    """Number of rows of patients.  Their own residuals stay as they are; what others share with them is taken out of those."""
    below: tuple[float, ...]
    """Correlations below the diagonal, row by row, shape (m (m - 1)/2,)."""

    def __post_init__(self) -> None:
        """Refuse correlations that are none."""
        m = len(self.rows)
        if len(self.below) != m * (m - 1) // 2 or not 0 <= self.carried <= m:
            raise DataError(f"correlations of study '{self.study}' do not fit its {m} residuals; fit again with --force")
        if not np.linalg.eigvalsh(self.matrix)[0] > 0.0:
            raise DataError(f"correlations of study '{self.study}' are those of no distribution; fit again with --force")

    @property
    def matrix(self) -> Array:
        """The correlations, shape (m, m)."""
        lower = np.zeros((len(self.rows),) * 2)
        lower[np.tril_indices(len(self.rows), -1)] = self.below
        return lower + lower.T + np.eye(len(self.rows))

    def factor(self, kept: Sequence[int]) -> Array:
        """Return the Cholesky factor of the correlations of some rows, lower, shape (k, k).

        It is that of those rows alone, so that a fit to fewer targets takes the same correlations.
        """
        return real(cholesky(self.matrix[np.ix_(kept, kept)], lower=True))


def digest_correlations(blocks: Sequence[CorrelatedBlock]) -> str:
    """Return the digest of blocks, as results and runs name them."""
    return digest({"correlations": [_plain(block) for block in blocks]})


def _plain(block: CorrelatedBlock) -> dict[str, Any]:
    return asdict(block)


def find_correlated_studies(targets: Sequence[Target], trials: Sequence[Trial]) -> tuple[str, ...]:
    """Return the studies of which two targets share patients in a way that matters.

    Medians of OS and TTP of one arm correlate by at most .15 and are taken as independent, and so are numbers of different arms;
    of patients of several endpoints each has its own likelihood.
    """
    found = []
    for trial in trials:
        own = [target for target in targets if target.study == trial.study]
        if any(_matter(one, other, trial) for one, other in combinations(own, 2)):
            found.append(trial.study)
    return tuple(found)


def _matter(one: Target, other: Target, trial: Trial) -> bool:
    if not set(one.arms(trial)) & set(other.arms(trial)):
        return False
    medians = all(item.statistic is Statistic.MEDIAN and item.endpoint is not Endpoint.PFS for item in (one, other))
    return not medians and not all(item.statistic is Statistic.PATIENTS for item in (one, other))
