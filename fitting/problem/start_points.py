"""Where the optimiser starts.

Start with `start_points`.
"""

import math

import numpy as np

from kinimmune.fitting.problem.problem import FitProblem
from kinimmune.models.arrays import Array


def start_points(problem: FitProblem, starts: int, seed: int) -> list[Array]:
    """Return where the optimiser starts: the prior medians, then Sobol points within one prior standard deviation of them.

    A start that was given for a parameter takes the place of its prior median.
    """
    from scipy.stats import qmc

    given = {change.key: change.start for change in problem.changes if change.start is not None}
    centre = np.array([item.prior.to_z(given[item.key]) if item.key in given else 0.0 for item in problem.estimated])
    size = centre.size
    if starts == 1:
        return [centre]
    exponent = math.ceil(math.log2(starts - 1)) if starts > 2 else 0
    design = qmc.Sobol(size, scramble=True, rng=np.random.default_rng([seed, 1])).random_base2(exponent)
    return [centre, *(centre + (2.0 * row - 1.0) for row in design[: starts - 1])]
