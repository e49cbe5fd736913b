"""What every layer counts with: array types (double precision everywhere, shapes told in the docstrings) and one quantile."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]

NORMAL_95 = 1.959963984540054
"""97.5 % quantile of the standard normal distribution: half the width of a 95 % interval [standard errors]."""
