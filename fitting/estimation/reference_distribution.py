"""The distribution that the score Q of hazard ratios would have were the model exactly true and its fitted medians matched.

Start with `draw_reference`.  Q of a model stands beside it: what lies far above it speaks against the model, and what lies far
below is no merit but a warning, since a true model would miss the reported ratios by their sampling error.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.estimation.drawn_trials import draw_trial, simulate_pools
from kinimmune.fitting.estimation.printed_numbers import print_number
from kinimmune.fitting.estimation.scores import list_scored
from kinimmune.fitting.problem.problem import FitProblem
from kinimmune.fitting.problem.targets import Target
from kinimmune.models.arrays import Array
from kinimmune.models.trial.design import Trial

TRIALS = 2000
"""Drawn trials; the standard error of a probability of .02 is then .003."""
POOL = 4096
"""Patients of each arm that trials draw from, with replacement; with eight times as many the mean of Q of `hcc_trial` is the same
within its Monte Carlo error."""
QUANTILES = (0.025, 0.25, 0.5, 0.75, 0.975)
_FEWEST = 10
"""Trials per median and one, below which the adjustment for the medians would fit itself."""


@dataclass(frozen=True)
class ReferenceDistribution:
    """Q of trials drawn from the model, about what the model expects given their medians."""

    scores: tuple[float, ...]
    """Q of each drawn trial of every study together, increasing."""
    explained: Mapping[str, float]
    """Name of a ratio -> share of the variance of its logarithm that the fitted medians of its study explain."""
    left_out: int
    """Drawn trials in which a median was not reached or an arm had no event."""

    def __post_init__(self) -> None:
        """Refuse scores that cannot be a sorted sample of sums of squares."""
        if not self.scores or self.scores[0] < 0.0 or any(a > b for a, b in zip(self.scores, self.scores[1:], strict=False)):
            raise ValueError("scores must be increasing sums of squares, at least one")

    @property
    def mean(self) -> float:
        """Mean of Q."""
        return math.fsum(self.scores) / len(self.scores)

    def quantiles(self, shares: Sequence[float] = QUANTILES) -> tuple[float, ...]:
        """Return quantiles of Q."""
        return tuple(map(float, np.quantile(self.scores, shares)))

    def probability_below(self, score: float) -> float:
        """Return P(Q <= score).

        >>> ReferenceDistribution((0.5, 1.0, 2.0, 4.0), {}, 0).probability_below(1.0)
        0.5
        """
        return float(np.searchsorted(self.scores, score, side="right")) / len(self.scores)


def draw_reference(
    problem: FitProblem, z: Array, published: Sequence[Target], seed: int, trials: int = TRIALS, pool: int = POOL
) -> ReferenceDistribution | None:
    """Return the distribution of Q were the model at a point exactly true and its fitted medians matched.

    Trials of the published sizes are drawn from the model patient by patient, each with the medians and Cox hazard ratios that
    its report would print.  ln ratios are adjusted by least squares for ln of the drawn medians of its study that were fitted; Q
    is the sum over ratios of (what is left / standard error of the published ratio)^2.

    Parameters
    ----------
    problem
        what was fitted
    z
        the point, usually the optimum, shape (n_estimated,)
    published
        published numbers; the hazard ratios whose intervals were read are those of Q, as `list_scored` has them
    seed
        of everything drawn
    trials
        drawn trials of each study
    pool
        patients of each arm that are integrated, and from which trials are drawn with replacement

    Returns
    -------
    ReferenceDistribution or None
        None where no hazard ratio was published with an interval that was read, and where too few drawn trials reach their
        medians or have events in both arms
    """
    scored = list_scored(published, [trial.study for trial in problem.trials], problem.endpoints)
    own = {trial.study: [item for item in scored if item.study == trial.study] for trial in problem.trials}
    studies = [trial for trial in problem.trials if own[trial.study]]
    if not studies:
        return None
    drawn = [
        _draw_study(problem, z, trial, own[trial.study], _Size(trials, pool, [seed, place]))
        for place, trial in enumerate(studies)
    ]
    known = np.all([np.isfinite(item).all(axis=1) for item in drawn], axis=0)
    if known.sum() < _FEWEST * max(item.shape[1] + 1 for item in drawn):
        return None
    total = np.zeros(int(known.sum()))
    explained: dict[str, float] = {}
    for trial, statistics in zip(studies, drawn, strict=True):
        ratios = own[trial.study]
        medians, logs = statistics[known, len(ratios) :], statistics[known, : len(ratios)]
        left = logs - expect_given(logs, medians)
        errors = np.array([target.printed_log_error for target in ratios])
        total += np.sum((left / errors) ** 2, axis=1)
        shares = 1.0 - left.var(axis=0) / logs.var(axis=0)
        explained |= {target.label: float(share) for target, share in zip(ratios, shares, strict=True)}
    return ReferenceDistribution(tuple(np.sort(total).tolist()), explained, int(np.sum(~known)))


def expect_given(values: Array, given: Array) -> Array:
    """Return the least-squares expectation of values, shape (k, m), linear in what is given, shape (k, p).

    What is given and does not vary explains nothing.

    Raises
    ------
    ValueError
        with fewer than ten rows for each coefficient
    """
    rows, columns = given.shape
    if rows < _FEWEST * (columns + 1):
        raise ValueError(f"{rows} drawn trials cannot be adjusted for {columns} medians; draw at least {_FEWEST * (columns + 1)}")
    design = np.column_stack([np.ones(rows), given - given.mean(axis=0)])
    return np.asarray(design @ np.linalg.lstsq(design, values, rcond=None)[0])


@dataclass(frozen=True)
class _Size:
    """How much is drawn of a study, and from which seed."""

    trials: int
    pool: int
    seed: list[int]


def _draw_study(problem: FitProblem, z: Array, trial: Trial, ratios: Sequence[Target], size: _Size) -> Array:
    """Return ln ratios and ln fitted medians of drawn trials of a study, shape (trials, n_ratios + n_medians)."""
    pools = simulate_pools(problem, z, trial.study, size.seed, size.pool)
    generator = np.random.default_rng([*size.seed, len(trial.arms)])
    printed = (*ratios, *(target for target in problem.targets if target.study == trial.study))
    rows = []
    for _ in range(size.trials):
        drawn = draw_trial(trial, pools, generator)
        rows.append([print_number(target, drawn) for target in printed])
    return np.log(rows)
