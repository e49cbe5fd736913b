"""The array types of the package: double precision everywhere, shapes told in the docstrings."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]


def real(values: ArrayLike) -> Array:
    """Return values as an array of doubles; an array of doubles is returned itself.

    >>> real([1, 2])
    array([1., 2.])
    """
    return np.asarray(values, dtype=np.float64)
