"""Laws of the way down from a point that is nearly there: the minimum of the optimiser for fewer evaluations."""

import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pytest

from kinimmune.fitting.estimation.optimise import minimise
from kinimmune.fitting.problem.objective import Tolerance
from kinimmune.fitting.profile.descent import descend
from kinimmune.models.errors import NumericalError


@dataclass
class Curved:
    """Residuals of a curved valley: x - 1, c (y - x^2) and z/10, inside a box; nothing beyond a wall of x."""

    steepness: float = 3.0
    wall: float = math.inf
    names = ("x", "y", "z")
    bounds = (np.full(3, -4.0), np.full(3, 4.0))
    tolerance = Tolerance(1e-6, 1.0)
    counted: Counter = field(default_factory=Counter)

    def residuals(self, z):
        self.counted["residuals"] += 1
        if z[0] > self.wall:
            raise NumericalError("beyond the wall")
        return np.array([z[0] - 1.0, self.steepness * (z[1] - z[0] ** 2), 0.1 * z[2]])

    def jacobian(self, z, fixed=()):
        self.counted["jacobian"] += 1
        slopes = np.array([[1.0, 0.0, 0.0], [-2.0 * self.steepness * z[0], self.steepness, 0.0], [0.0, 0.0, 0.1]])
        slopes[:, list(fixed)] = 0.0
        return slopes


@pytest.mark.parametrize("fixed", [(), (0,), (2,)])
def test_it_ends_where_the_optimiser_does_with_one_jacobian(fixed):
    objective, start = Curved(), np.array([0.9, 0.7, 0.2])
    found = descend(objective, start, fixed, objective.tolerance)
    jacobians = objective.counted["jacobian"]
    expected = minimise(Curved(), start, lambda _: None, fixed, objective.tolerance)

    assert found.converged
    assert jacobians == 1
    assert found.chi_square == pytest.approx(expected.chi_square, abs=2e-5)
    assert [found.z[place] for place in fixed] == [start[place] for place in fixed]
    assert found.evaluations < expected.evaluations


def test_far_away_the_optimiser_takes_over_and_finds_the_same():
    objective = Curved(steepness=30.0)
    found = descend(objective, np.array([-3.0, 3.5, 1.0]), (), objective.tolerance)

    assert objective.counted["jacobian"] > 1
    assert found.z[:2] == pytest.approx((1.0, 1.0), abs=0.01)


def test_a_minimum_outside_the_box_is_sought_on_its_edge():
    objective = Curved(steepness=1.0)
    objective.bounds = (np.full(3, -4.0), np.array([0.5, 4.0, 4.0]))
    found = descend(objective, np.array([0.5, 0.3, 0.0]), (), objective.tolerance)

    assert found.z[0] == 0.5
    assert found.chi_square == pytest.approx(0.25, abs=1e-6)


def test_where_there_are_no_residuals_nothing_is_found():
    found = descend(Curved(wall=-10.0), np.zeros(3), (), Tolerance(1e-6, 1.0))

    assert found.chi_square == math.inf
    assert not found.converged


def test_a_step_to_where_there_are_none_is_not_taken():
    objective = Curved(wall=0.95)
    found = descend(objective, np.array([0.5, 0.2, 0.0]), (), objective.tolerance)

    assert found.z[0] <= 0.95
    assert found.chi_square < 0.3
