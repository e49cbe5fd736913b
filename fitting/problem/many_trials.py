"""Virtual trials at many points of which some cannot be computed.

Start with `predict_each`.
"""

from collections.abc import Sequence

from kinimmune.fitting.problem.problem import FitProblem, Outcomes, predict
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError, NumericalError

COMPUTATION_ERRORS = (NumericalError, DataError, ArithmeticError, ValueError)
"""What a virtual trial can raise far from its priors: patients that cannot be integrated, arms without events, and scipy's word
for numbers that are not finite."""


def predict_each(problem: FitProblem, points: Sequence[Array]) -> list[Outcomes | Exception]:
    """Return the virtual trial at every point, or what kept it from being run; one that fails does not stop the others.

    All points run side by side; where one of them fails, both halves run again on their own.

    Parameters
    ----------
    problem
        the virtual trial
    points
        z-scores, shape (n,) each
    """
    try:
        return list(predict(problem, points))
    except COMPUTATION_ERRORS as error:
        if len(points) == 1:
            return [error]
    half = len(points) // 2
    return [*predict_each(problem, points[:half]), *predict_each(problem, points[half:])]


def format_point(z: Array) -> str:
    """Return a point for a message, z-scores with three decimals.

    >>> import numpy as np
    >>> format_point(np.array([0.5, -1.0]))
    '(0.500, -1.000)'
    """
    return f"({', '.join(f'{score:.3f}' for score in z)})"
