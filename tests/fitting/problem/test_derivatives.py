"""Laws of finite differences: exact for what is straight or a parabola, and nothing moves that is fixed."""

import numpy as np
import pytest

from kinimmune.fitting.problem.derivatives import (
    central_points,
    central_slopes,
    forward_jacobian,
    forward_points,
    slope_between,
)

MATRIX = np.array([[2.0, -1.0, 0.5], [0.0, 3.0, 1.0]])
POINT = np.array([0.3, -0.2, 1.0])


def straight(points):
    return [MATRIX @ point for point in points]


def parabola(points):
    return [MATRIX @ point**2 for point in points]


def test_forward_differences_of_a_straight_function_are_its_matrix_whichever_way_the_steps_go():
    for steps in (np.full(3, 0.25), np.array([0.25, -0.5, 0.125])):
        assert forward_jacobian(straight, POINT, steps) == pytest.approx(MATRIX, abs=1e-14)


def test_fixed_coordinates_are_not_moved_and_have_no_slope():
    points = forward_points(POINT, np.full(3, 0.5), fixed=[1])

    assert len(points) == 3
    assert {point[1] for point in points} == {POINT[1]}
    assert forward_jacobian(straight, POINT, np.full(3, 0.5), fixed=[1])[:, 1].tolist() == [0.0, 0.0]
    assert forward_jacobian(straight, POINT, np.full(3, 0.5), fixed=range(3)).tolist() == np.zeros((2, 3)).tolist()


def test_central_differences_of_a_parabola_are_exact_and_forward_ones_err_by_the_step():
    steps, exact = np.full(3, 0.1), MATRIX * 2.0 * POINT

    central = central_slopes(parabola(central_points(POINT, steps)), steps)

    assert central == pytest.approx(exact, abs=1e-14)
    assert forward_jacobian(parabola, POINT, steps) - exact == pytest.approx(0.1 * MATRIX, abs=1e-14)


def test_the_slope_between_two_points_counts_the_distance_that_is_left_at_a_bound():
    end = POINT + np.array([0.0, 0.07, 0.0])

    assert slope_between(lambda point: MATRIX @ point, POINT, end) == pytest.approx(MATRIX[:, 1], abs=1e-14)
