"""Many coordinates at once, back from the scale on which a distribution is normal.

Start with `invert`; `Scale.inverse` does the same for one coordinate.
"""

import numpy as np
from scipy.special import expit

from kinimmune.models.arrays import Array, real
from kinimmune.models.symbolic.parameters import Scale


def invert(scale: Scale, coordinates: Array) -> Array:
    """Return the values at coordinates of a scale, shape as given; an end of the scale where they are too far out.

    >>> invert(Scale.LOGITNORMAL, np.array([-np.inf, 0.0]))
    array([0. , 0.5])
    """
    if scale is Scale.LOGNORMAL:
        with np.errstate(over="ignore"):  # too far out is infinite, as in `Scale.inverse`
            return real(np.exp(coordinates))
    return real(expit(coordinates)) if scale is Scale.LOGITNORMAL else coordinates
