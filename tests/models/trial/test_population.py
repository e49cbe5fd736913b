"""Virtual patients: low-discrepancy scores and the values they stand for."""

import math

import numpy as np
import pytest
from scipy.stats import kstest, norm

from kinimmune.models.errors import UsageError
from kinimmune.models.symbolic.parameters import Parameter, Prior, Scale, Source, Spread, Status
from kinimmune.models.trial.population import Population, draw_individuals, draw_population, individual_values, varying


def parameter(name, spread=None, study=None, value=0.5):
    prior, source = Prior(Scale.FIXED, value, 0.0), Source("assumption", "here", Status.ASSUMED)
    return Parameter(name, name, value, "1", 0.0, 10.0, prior, False, spread, study, name, source)


TABLE = (
    parameter("growth", Spread(Scale.LOGNORMAL, "growth_spread"), "sharp"),
    parameter("growth", Spread(Scale.LOGNORMAL, "growth_spread"), "asia_pacific"),
    parameter("growth_spread", value=1.3),
    parameter("share", Spread(Scale.LOGITNORMAL, 0.7)),
    parameter("shared"),
    parameter("offset", Spread(Scale.NORMAL, 2.0)),
)
VALUES = {"growth": 0.005, "growth_spread": 1.3, "share": 0.2, "shared": 4.0, "offset": -1.0}
ROWS = ("growth", "growth_spread", "share", "shared", "offset")


def test_parameters_that_vary_are_named_once_in_the_order_of_the_table():
    assert varying(TABLE) == ("growth", "share", "offset")
    assert varying(()) == ()


@pytest.mark.parametrize("draw", [draw_population, draw_individuals])
def test_the_same_seed_gives_the_same_patients_and_another_seed_others(draw):
    first, again, other = draw(TABLE, 64, 7), draw(TABLE, 64, 7), draw(TABLE, 64, 8)
    assert first.scores.tobytes() == again.scores.tobytes()
    assert not np.any(first.scores == other.scores)
    assert (first.patients, first.seed, first.names) == (64, 7, ("growth", "share", "offset"))


def test_seed_zero_is_a_seed():
    assert draw_population(TABLE, 8, 0).scores.tobytes() == draw_population(TABLE, 8, 0).scores.tobytes()


@pytest.mark.parametrize("seed", range(4))
def test_sobol_scores_are_standard_normal_far_closer_than_random_ones(seed):
    scores = draw_population(TABLE, 1024, seed).scores
    # random scores would have errors of 1/sqrt(1024) = .03 and .02
    np.testing.assert_allclose(scores.mean(axis=1), 0.0, atol=3e-3)
    np.testing.assert_allclose(scores.std(axis=1), 1.0, atol=1e-2)
    assert np.all(np.abs(np.corrcoef(scores)[np.triu_indices(3, 1)]) < 0.02)
    assert np.all(np.isfinite(scores))


def test_every_quantile_class_of_a_power_of_two_holds_one_patient():
    scores = draw_population(TABLE, 256, 3).scores
    for row in scores:
        np.testing.assert_array_equal(np.sort((norm.cdf(row) * 256).astype(int)), np.arange(256))


def test_individuals_are_independent_and_standard_normal():
    scores = draw_individuals(TABLE, 3000, 11).scores
    assert kstest(scores.ravel(), "norm").pvalue > 0.01
    assert np.all(np.abs(np.corrcoef(scores)[np.triu_indices(3, 1)]) < 4.0 / math.sqrt(3000))


@pytest.mark.parametrize("patients", [0, -4, 3, 100, 1023])
def test_a_number_that_is_no_power_of_two_is_refused(patients):
    with pytest.raises(UsageError, match=rf"number of patients {patients}: must be a power of two, such as 256"):
        draw_population(TABLE, patients, 1)


@pytest.mark.parametrize("patients", [1, 2])
def test_the_smallest_populations_exist(patients):
    assert draw_population(TABLE, patients, 1).scores.shape == (3, patients)


def test_without_spread_all_patients_are_the_typical_one():
    alone = (parameter("shared"),)
    population = draw_population(alone, 4, 1)
    assert population.patients == 4
    np.testing.assert_array_equal(individual_values(alone, {"shared": 4.0}, population), np.full((1, 4), 4.0))


def test_a_patient_at_score_zero_has_the_typical_values():
    population = Population(("growth", "share", "offset"), np.zeros((3, 1)), 0)
    np.testing.assert_allclose(individual_values(TABLE, VALUES, population)[:, 0], [VALUES[name] for name in ROWS], rtol=1e-15)


def test_one_score_is_one_sd_on_the_scale_of_the_spread():
    one = individual_values(TABLE, VALUES, Population(("growth", "share", "offset"), np.ones((3, 1)), 0))[:, 0]
    odds = 0.2 / 0.8 * math.exp(0.7)
    np.testing.assert_allclose(one, [0.005 * math.exp(1.3), 1.3, odds / (1.0 + odds), 4.0, 1.0], rtol=1e-14)


def test_a_spread_given_by_name_follows_the_value_of_that_parameter():
    population = draw_population(TABLE, 512, 5)
    for sd in (0.5, 1.3):
        growth = individual_values(TABLE, VALUES | {"growth_spread": sd}, population)[0]
        assert np.std(np.log(growth)) == pytest.approx(sd, rel=0.01)
        assert np.median(growth) == pytest.approx(0.005, rel=0.01)


def test_scores_far_out_and_a_typical_value_at_the_end_of_its_scale_stay_on_the_scale():
    far = Population(("growth", "share", "offset"), np.array([[-1e4, 1e4], [-1e4, 1e4], [0.0, 0.0]]), 0)
    values = individual_values(TABLE, VALUES, far)
    np.testing.assert_array_equal(values[0], [0.0, math.inf])
    np.testing.assert_array_equal(values[2], [0.0, 1.0])
    none = individual_values(TABLE, VALUES | {"growth": 0.0}, draw_population(TABLE, 4, 1))
    np.testing.assert_array_equal(none[0], np.zeros(4))
