"""Residuals made independent by known correlations: laws of linear algebra."""

import numpy as np
import pytest

from kinimmune.fitting.problem.correlation import CorrelatedBlock, find_correlated_studies
from kinimmune.fitting.problem.decorrelation import decorrelate, decorrelating_matrix
from kinimmune.fitting.problem.read_targets import read_fitted_targets, read_targets, read_tried_trials
from kinimmune.fitting.problem.targets import Statistic
from kinimmune.models.errors import DataError
from kinimmune.models.tables.rows import Tables

MATRIX = np.array([[1.0, 0.6, 0.2], [0.6, 1.0, -0.3], [0.2, -0.3, 1.0]])
PLACES = {"a": slice(0, 1), "b": slice(1, 3), "c": slice(3, 4)}


def make_block(carried=0):
    return CorrelatedBlock("s", (("a", 0), ("b", 0), ("c", 0)), carried, tuple(MATRIX[np.tril_indices(3, -1)]))


def refuse_patients(label):
    raise AssertionError(label)


def test_the_sum_of_squares_is_that_of_the_inverse_correlations():
    """That is r' R^-1 r, and the second residual of a median as it was."""
    data = np.array([1.0, -2.0, 0.7, 0.4])
    found = decorrelate([make_block()], PLACES, data, refuse_patients)

    signed = data[[0, 1, 3]]
    assert found[[0, 1, 3]] @ found[[0, 1, 3]] == pytest.approx(signed @ np.linalg.solve(MATRIX, signed), rel=1e-12)
    assert found[2] == 0.7
    np.testing.assert_allclose(decorrelating_matrix([make_block()], PLACES) @ data, found, atol=1e-12)


def test_of_fewer_numbers_the_correlations_are_their_own():
    found = decorrelate([make_block()], {"a": slice(0, 1), "c": slice(1, 2)}, np.array([1.0, 0.4]), refuse_patients)
    rest = MATRIX[np.ix_([0, 2], [0, 2])]
    assert found @ found == pytest.approx(np.array([1.0, 0.4]) @ np.linalg.solve(rest, [1.0, 0.4]), rel=1e-12)
    alone = decorrelate([make_block()], {"b": slice(0, 2)}, np.array([3.0, 1.0]), refuse_patients)
    np.testing.assert_array_equal(alone, [3.0, 1.0])


def test_numbers_beside_patients_are_what_is_left_of_them_given_the_patients():
    """The mean and variance of a normal distribution given its first coordinate; the patients' own residuals stay."""
    data = np.array([1.0, -2.0, 0.7, 0.4])
    patients = np.array([0.5])
    found = decorrelate([make_block(carried=1)], PLACES, data, lambda label: patients if label == "a" else refuse_patients(label))

    assert found[0] == 1.0
    rest = MATRIX[1:, 1:] - np.outer(MATRIX[1:, 0], MATRIX[1:, 0])
    left = data[[1, 3]] - MATRIX[1:, 0] * 0.5
    assert found[1] ** 2 + found[3] ** 2 == pytest.approx(left @ np.linalg.solve(rest, left), rel=1e-12)


def test_correlations_of_no_distribution_are_refused():
    with pytest.raises(DataError, match=r"correlations of study 's' are those of no distribution; fit again"):
        CorrelatedBlock("s", (("a", 0), ("b", 0)), 0, (1.1,))
    with pytest.raises(DataError, match=r"do not fit its 2 residuals"):
        CorrelatedBlock("s", (("a", 0), ("b", 0)), 0, (0.1, 0.2))


def test_medians_of_death_and_progression_alone_are_left_as_they_are():
    """So a fit to them keeps its bits; a ratio beside them shares patients with both arms, disease control with its own."""
    trials = read_tried_trials("hcc_trial", Tables())
    fitted = read_fitted_targets("hcc_trial", Tables())
    medians = [item for item in fitted if item.statistic is Statistic.MEDIAN]
    assert len(medians) == 8
    assert find_correlated_studies(medians, trials) == ()
    assert find_correlated_studies(fitted, trials) == ("sharp", "asia_pacific")
    control = [item for item in fitted if item.statistic is Statistic.CONTROL_RATE]
    assert find_correlated_studies(control, trials) == ()
    ratio = [item for item in read_targets(model="hcc_trial") if item.label == "hazard_ratio:sharp:ttp"]
    assert find_correlated_studies([*medians, *ratio], trials) == ("sharp",)
    assert find_correlated_studies(ratio, trials) == ()
