"""Rules of quadrature on even nodes: the mass of a smooth density above a node, and below a point between nodes.

Start with `correct_mass`.  Both are made for densities as smooth as the normal one of a reading, whose nodes are `FINENESS`
standard deviations apart, by least squares over waves.
"""

from functools import cache

import numpy as np

from kinimmune.models.arrays import Array
from kinimmune.models.kernel.scan_arrays import EDGE, PAD

FINENESS = 0.4
"""Distance of nodes in standard deviations of a reading: probabilities are right to 2e-6."""


@cache
def correct_mass() -> tuple[float, float, float, float]:
    """Return the weights c_k in the integral of g above a node: g_0 / 2 + sum_(j>0) g_j + sum_k c_k (g_k - g_(-k)).

    For waves exp(i theta j), in least squares weighted by what a normal density of `1 / FINENESS` nodes has of each:
    sum_k 2 c_k sin(k theta) = 1 / theta - cot(theta / 2) / 2.
    """
    theta, weight = _waves()
    wanted = 1.0 / theta - 0.5 / np.tan(0.5 * theta)
    sines = 2.0 * np.sin(np.outer(theta, np.arange(1, PAD + 1)))
    first, second, third, fourth = np.linalg.lstsq(weight[:, None] * sines, weight * wanted)[0].tolist()
    return first, second, third, fourth


def share_below(place: Array) -> Array:
    """Return how much each node counts in an integral up to a point between nodes 0 and 1, shape (n, 2 EDGE).

    Of the nodes from 1 - EDGE to EDGE; those below count in full, those above do not.  For waves, as in `correct_mass`,
    sum_(j<=EDGE) s_j exp(i theta j) = exp(i theta p) / (i theta).

    Parameters
    ----------
    place
        of the point, from 0 to below 1, shape (n,)
    """
    theta, weight = _waves()
    nodes = np.arange(1 - EDGE, EDGE + 1)
    wanted = np.exp(1j * np.outer(place, theta)) / (1j * theta) - np.exp(0.5j * theta) / (2j * np.sin(0.5 * theta))
    return np.asarray((nodes <= 0) + np.concatenate([wanted.real, wanted.imag], axis=1) * np.tile(weight, 2) @ _invert_waves().T)


@cache
def _invert_waves() -> Array:
    """Return what turns weighted waves into weights of the nodes of `share_below`, shape (2 EDGE, 2 waves)."""
    theta, weight = _waves()
    waves = weight[:, None] * np.exp(1j * np.outer(theta, np.arange(1 - EDGE, EDGE + 1)))
    return np.linalg.pinv(np.concatenate([waves.real, waves.imag]))


@cache
def _waves() -> tuple[Array, Array]:
    """Return waves [1/node] and how much a normal density of `1 / FINENESS` nodes has of each."""
    theta = np.pi * (np.arange(200) + 0.5) / 200
    return theta, np.exp(-0.5 * (theta / FINENESS) ** 2)
