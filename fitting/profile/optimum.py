"""Where a profile starts: the optimum of an objective with its curvature.

Start with `Optimum`.
"""

import math
from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array

SINGULAR = 1e-6
"""Eigenvalue of J'J [per squared prior sd] below which the curvature says nothing."""
CUTOFF = 1e-3
"""Share of the largest singular value below which a direction counts as flat when the tangent is computed."""


@dataclass(frozen=True)
class Optimum:
    """The best fit by one objective; coordinates are z-scores of the n estimated parameters."""

    names: tuple[str, ...]
    """Keys of the parameters."""
    z: Array
    """z-scores, shape (n,)."""
    chi_square: float
    """Sum of squares there."""
    jacobian: Array
    """Derivative of the residuals by the z-scores, shape (m, n)."""
    lower: Array
    """Lower ends of the range in which profiles are traced, shape (n,)."""
    upper: Array
    """Upper ends of that range, shape (n,)."""

    @property
    def covariance(self) -> Array:
        """Inverse of J'J, shape (n, n); directions in which the curvature says nothing get a variance of 1 / `SINGULAR`."""
        values, vectors = np.linalg.eigh(self.jacobian.T @ self.jacobian)
        return np.asarray((vectors / np.maximum(values, SINGULAR)) @ vectors.T, dtype=float)

    def standard_error(self, index: int) -> float:
        """Return the standard error of a coordinate by the curvature, infinite where it has none."""
        variance = float(self.covariance[index, index])
        return math.sqrt(variance) if variance < 0.01 / SINGULAR else math.inf

    def tangent(self, index: int) -> Array:
        """Return the derivative of the optimum by one fixed coordinate, shape (n,); the least change along flat directions."""
        others = [other for other in range(self.z.size) if other != index]
        moved = np.zeros(self.z.size)
        moved[index] = 1.0
        if others:
            moved[others] = -np.linalg.pinv(self.jacobian[:, others], rcond=CUTOFF) @ self.jacobian[:, index]
        return moved
