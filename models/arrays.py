"""What every layer counts with: array types (double precision everywhere, shapes told in the docstrings) and one quantile."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]

NORMAL_95 = 1.959963984540054
"""97.5 % quantile of the standard normal distribution: half the width of a 95 % interval [standard errors]."""


def real(values: ArrayLike) -> Array:
    """Return values as an array of doubles; an array of doubles is returned itself.

    >>> real([1, 2])
    array([1., 2.])
    """
    return np.asarray(values, dtype=np.float64)
