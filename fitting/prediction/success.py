"""How probable a significant benefit is: power at one hazard ratio, and its mean over what is not known, the assurance.

Start with `find_assurance`.  A trial succeeds when the two-sided log-rank test of its two arms has p < alpha and the hazard ratio
is below 1, at one of its analyses.

The score U of the log-rank test over the root of its information I is nearly normal with variance 1, I the sum over events of
p (1 - p), p the share of the patients at risk who are in the treated arm.  Near HR = 1 its mean is ln HR sqrt(I), as if ln HR had
the error se = 1/sqrt(I), with equal arms and d events 2/sqrt(d) (D. Schoenfeld, The asymptotic properties of nonparametric tests
for comparing survival distributions, Biometrika 68:316, 1981).  Draws have the mean of the statistic itself, E[U]/sqrt(I),
whatever the ratio.
"""

import math
from dataclasses import dataclass

from scipy.special import ndtr

from kinimmune.fitting.prediction.spending import AnalysisPlan, find_crossing
from kinimmune.models.arrays import Array


@dataclass(frozen=True)
class Chance:
    """A probability, and its Monte Carlo error."""

    probability: float
    error: float | None
    """None where there is one point."""


def find_assurance(means: Array, plan: AnalysisPlan, size: float) -> tuple[Chance, ...]:
    """Return the mean over draws of the probability of a success up to each analysis; its Monte Carlo error is sd/sqrt(size).

    A. O'Hagan, J. W. Stevens and M. J. Campbell, Assurance in clinical trial design, Pharmaceutical Statistics 4:187, 2005.

    Parameters
    ----------
    means
        of the standardised statistic of a benefit at each analysis, a row a draw, shape (k, K)
    plan
        K analyses
    size
        independent draws they count for

    Examples
    --------
    >>> import numpy as np
    >>> from kinimmune.fitting.prediction.spending import Spending, plan_analyses
    >>> plan = plan_analyses(0.05, (), Spending.OBRIEN_FLEMING)
    >>> mean = -math.log(0.7) * math.sqrt(247.0) / 2.0  # 247 events, equal arms
    >>> round(find_assurance(np.array([[mean]]), plan, 1.0)[-1].probability, 2)
    0.8
    """
    chances = find_crossing(plan, means).T
    return tuple(Chance(float(row.mean()), _spread(row, size)) for row in chances)


def find_below(log_ratios: Array, errors: Array, bound: float, size: float) -> tuple[Chance, Chance]:
    """Return how probable a hazard ratio below a bound is: in the population, and as one trial reports it.

    The first is the share of draws; its error is that of a binomial share moved towards one half by one draw on either side, so
    that it is not zero where all draws agree.  The second is the mean of Phi((ln bound - ln HR)/se).

    Parameters
    ----------
    log_ratios, errors
        ln HR of each draw and its error as a trial reports it, shape (k,)
    bound
        a hazard ratio
    size
        independent draws they count for
    """
    limit = math.log(bound)
    share = float((log_ratios < limit).mean())
    moved = (share * size + 1.0) / (size + 2.0)
    known = Chance(share, math.sqrt(moved * (1.0 - moved) / size) if log_ratios.size > 1 else None)
    reported = ndtr((limit - log_ratios) / errors)
    return known, Chance(float(reported.mean()), _spread(reported, size))


def _spread(values: Array, size: float) -> float | None:
    return float(values.std()) / math.sqrt(size) if values.size > 1 else None
