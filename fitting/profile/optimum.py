"""Where a profile starts: the optimum of an objective with its curvature.

Start with `Optimum`.
"""

import math
from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array

SINGULAR = 1e-6
"""Eigenvalue of J'J [per squared prior sd] below which the curvature says nothing."""


@dataclass(frozen=True)
class Optimum:
    """Where the profiles of one objective start from."""

    names: tuple[str, ...]
    point: Array
    """shape (n,)"""
    cost: float
    jacobian: Array
    """shape (m, n)"""
    lower: Array
    """Of the range of profiles, shape (n,)"""
    upper: Array

    @property
    def covariance(self) -> Array:
        """Inverse of J'J, shape (n, n); directions in which the curvature says nothing get a variance of 1 / `SINGULAR`."""
        values, vectors = np.linalg.eigh(self.jacobian.T @ self.jacobian)
        inverse: Array = (vectors / np.maximum(values, SINGULAR)) @ vectors.T
        return inverse

    def error(self, place: int) -> float:
        """Return the standard error of a coordinate by the curvature, infinite where it has none."""
        variance = float(self.covariance[place, place])
        return math.sqrt(variance) if variance < 0.01 / SINGULAR else math.inf

    def tangent(self, place: int) -> Array:
        """Return how the optimum moves with one coordinate to first order, shape (n,); by the least change where it is free."""
        others = [at for at in range(self.point.size) if at != place]
        moved = np.zeros(self.point.size)
        moved[place] = 1.0
        if others:
            moved[others] = -np.linalg.pinv(self.jacobian[:, others], rcond=1e-3) @ self.jacobian[:, place]
        return moved
