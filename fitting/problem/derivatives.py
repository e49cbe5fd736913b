"""Finite differences of a vector function that is computed at many points side by side.

Start with `forward_jacobian`.  `forward_points` tells where the function is needed and `forward_slopes` makes the derivative
from its values there, for functions that give more than one vector; `central_points` and `central_slopes` need twice as many
points and err in second order only.  Virtual trials at neighbouring points share their patients and nothing in a residual is a
step function, so plain differences serve.
"""

from collections.abc import Callable, Collection, Sequence

import numpy as np

from kinimmune.models.arrays import Array

ManyPoints = Callable[[Sequence[Array]], Sequence[Array]]
"""Takes points, shape (n,) each, and returns the value at each, shape (m,)."""


def forward_jacobian(function: ManyPoints, point: Array, steps: Array, fixed: Collection[int] = ()) -> Array:
    """Return the Jacobian by forward differences, (f(x + h_j e_j) - f(x)) / h_j.

    Parameters
    ----------
    function
        computes all points at once
    z
        x, shape (n,)
    steps
        h, shape (n,); a negative one makes a backward difference
    fixed
        indices of coordinates that are not moved; their columns are zero

    Returns
    -------
    Array
        shape (m, n)

    Examples
    --------
    >>> forward_jacobian(lambda points: [point**2 for point in points], np.array([1.0, 3.0]), np.array([0.5, 0.5]), fixed=[1])
    array([[2.5, 0. ],
           [0. , 0. ]])
    """
    return forward_slopes(function(forward_points(point, steps, fixed)), steps, fixed)


def forward_points(point: Array, steps: Array, fixed: Collection[int] = ()) -> list[Array]:
    """Return x and every x + h_j e_j; arguments as of `forward_jacobian`."""
    return [point, *_moved(point, steps, fixed)]


def forward_slopes(values: Sequence[Array], steps: Array, fixed: Collection[int] = ()) -> Array:
    """Return the Jacobian, shape (m, n), from the values at `forward_points`."""
    start, *ends = values
    return _columns([end - start for end in ends], steps, fixed, start.size)


def central_points(point: Array, steps: Array, fixed: Collection[int] = ()) -> list[Array]:
    """Return every x + h_j e_j, then every x - h_j e_j; arguments as of `forward_jacobian`."""
    return [*_moved(point, steps, fixed), *_moved(point, -steps, fixed)]


def central_slopes(values: Sequence[Array], steps: Array, fixed: Collection[int] = ()) -> Array:
    """Return the Jacobian (f(x + h_j e_j) - f(x - h_j e_j)) / (2 h_j), shape (m, n), from the values at `central_points`.

    >>> central_slopes([np.array([1.21]), np.array([0.81])], np.array([0.1])).round(9)
    array([[2.]])
    """
    half = len(values) // 2
    differences = [above - below for above, below in zip(values[:half], values[half:], strict=True)]
    return _columns(differences, 2.0 * steps, fixed, values[0].size)


def slope_between(function: Callable[[Array], Array], lower: Array, upper: Array) -> Array:
    """Return the derivative along the one coordinate in which two points differ, (f(upper) - f(lower)) / distance, shape (m,)."""
    return np.asarray((function(upper) - function(lower)) / float(np.sum(upper - lower)), dtype=float)


def _moved(point: Array, steps: Array, fixed: Collection[int]) -> list[Array]:
    return [point + shift for index, shift in enumerate(np.diag(steps)) if index not in fixed]


def _columns(differences: Sequence[Array], widths: Array, fixed: Collection[int], rows: int) -> Array:
    """Return differences over widths as the columns of what is moved, zeros as the others, shape (rows, n)."""
    slopes = np.zeros((rows, widths.size))
    moved = [index for index in range(widths.size) if index not in fixed]
    for index, difference in zip(moved, differences, strict=True):
        slopes[:, index] = difference / widths[index]
    return slopes
