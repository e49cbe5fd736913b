"""Parameters, priors and the scales on which they are normal."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.parameters import Parameter, Prior, Scale, Source, Status, values_for
from kinimmune.models.symbolic.scales import invert

POSITIVE = st.floats(1e-300, 1e300)
FRACTION = st.floats(1e-12, 1.0 - 1e-6)
REAL = st.floats(-1e12, 1e12)
VALUES = {Scale.LOGNORMAL: POSITIVE, Scale.LOGITNORMAL: FRACTION, Scale.NORMAL: REAL}
MOVING = sorted(VALUES)


def parameter(name="growth", value=1.0, study=None, **changes):
    whole = {"lower": 0.0, "upper": 10.0, "prior": Prior(Scale.LOGNORMAL, 1.0, 0.5), "origin": ""} | changes
    source = Source("assumption", "here", Status.ASSUMED)
    return Parameter(name, "g", value, "1/d", estimated=True, spread=None, study=study, meaning="growth", source=source, **whole)


@given(st.data(), st.sampled_from(MOVING))
def test_inverse_undoes_transform(data, scale):
    value = data.draw(VALUES[scale])
    assert scale.inverse(scale.transform(value)) == pytest.approx(value, rel=1e-9)


@given(st.sampled_from(MOVING), st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
def test_inverse_rises_and_stays_on_its_scale_however_far_out(scale, one, other):
    low, high = sorted((scale.inverse(one), scale.inverse(other)))
    assert (low, high) == tuple(scale.inverse(coordinate) for coordinate in sorted((one, other)))
    if scale is not Scale.NORMAL:
        assert low >= 0.0
    if scale is Scale.LOGITNORMAL:
        assert high <= 1.0


def test_coordinates_far_out_reach_the_ends_of_a_scale():
    assert [Scale.LOGNORMAL.inverse(end) for end in (-1e6, 1e6)] == [0.0, math.inf]
    assert [Scale.LOGITNORMAL.inverse(end) for end in (-1e6, 1e6)] == [0.0, 1.0]
    assert [Scale.LOGITNORMAL.transform(end) for end in (0.0, 1.0)] == [-math.inf, math.inf]
    assert Scale.LOGNORMAL.transform(0.0) == -math.inf


@pytest.mark.parametrize("scale", MOVING)
def test_many_coordinates_have_the_values_of_each_alone(scale):
    coordinates = np.array([-1e6, -700.0, -2.5, 0.0, 0.1, 30.0, 1e6])
    np.testing.assert_allclose(invert(scale, coordinates), [scale.inverse(item) for item in coordinates.tolist()], rtol=1e-14)


def test_the_logit_of_three_quarters_is_ln_three():
    assert Scale.LOGITNORMAL.transform(0.75) == pytest.approx(math.log(3.0), rel=1e-15)
    assert Scale.LOGITNORMAL.inverse(-math.log(3.0)) == pytest.approx(0.25, rel=1e-15)


@pytest.mark.parametrize(
    ("scale", "value"),
    [(Scale.LOGNORMAL, -1.0), (Scale.LOGITNORMAL, 1.5), (Scale.LOGITNORMAL, -0.1), (Scale.LOGNORMAL, math.nan)],
)
def test_a_value_off_its_scale_is_refused(scale, value):
    with pytest.raises(DataError, match=rf"value {value:g} has no place on the {scale} scale, which goes from 0 to"):
        scale.transform(value)


@given(st.data(), st.sampled_from(MOVING), st.floats(0.01, 2.0), st.floats(-5.0, 5.0))
def test_from_z_undoes_to_z(data, scale, sd, z):
    median = data.draw(st.floats(0.01, 0.99))
    prior = Prior(scale, median, sd)
    assert prior.to_z(prior.from_z(z)) == pytest.approx(z, abs=1e-7)
    assert prior.from_z(0.0) == pytest.approx(median, rel=1e-14)


@given(st.floats(0.01, 2.0), POSITIVE)
def test_two_sd_of_a_lognormal_multiply_its_median(sd, median):
    assume(median < 1e290)
    assert Prior(Scale.LOGNORMAL, median, sd).from_z(2.0) == pytest.approx(median * math.exp(2.0 * sd), rel=1e-12)


def test_a_fixed_prior_does_not_move():
    prior = Prior(Scale.FIXED, 3.0, 0.0)
    assert prior.from_z(2.5) == 3.0
    assert prior.to_z(99.0) == 0.0


@pytest.mark.parametrize(
    ("scale", "median", "sd", "message"),
    [
        (Scale.FIXED, 1.0, 0.1, "fixed needs sd 0"),
        (Scale.LOGNORMAL, 1.0, 0.0, "every other prior a positive sd"),
        (Scale.NORMAL, 1.0, -1.0, "every other prior a positive sd"),
        (Scale.NORMAL, 1.0, math.inf, "with sd inf"),
        (Scale.NORMAL, 1.0, math.nan, "with sd nan"),
        (Scale.LOGNORMAL, 0.0, 1.0, "the median must be positive"),
        (Scale.LOGITNORMAL, 1.0, 1.0, "the median must lie between 0 and 1"),
        (Scale.LOGITNORMAL, 0.0, 1.0, "the median must lie between 0 and 1"),
        (Scale.NORMAL, math.nan, 1.0, "the median must be finite"),
        (Scale.LOGNORMAL, math.inf, 1.0, "the median must be finite"),
    ],
)
def test_a_distribution_that_does_not_exist_is_refused(scale, median, sd, message):
    with pytest.raises(DataError, match=message):
        Prior(scale, median, sd)


@pytest.mark.parametrize("value", [-0.1, 10.1, math.nan, math.inf])
def test_a_value_outside_its_range_is_refused_with_its_place(value):
    with pytest.raises(DataError, match=r"'growth' = .* 1/d lies outside \[0, 10\] \(parameters.csv row 3\); correct"):
        parameter(value=value, origin="parameters.csv row 3")
    with pytest.raises(DataError, match=r"lies outside \[0, 10\]; correct"):
        parameter().at(value)


def test_at_changes_the_value_and_nothing_else():
    moved = parameter(value=1.0).at(2)
    assert moved == parameter(value=2.0)
    assert isinstance(moved.value, float)


def test_a_key_names_the_study_where_there_is_one():
    assert parameter().key == "growth"
    assert parameter(study="sharp").key == "growth:sharp"


def test_each_study_sees_the_shared_values_and_its_own():
    table = (parameter("shift", 3.0), parameter(value=1.0, study="sharp"), parameter(value=2.0, study="asia_pacific"))
    assert values_for(table, "sharp") == {"shift": 3.0, "growth": 1.0}
    assert values_for(table, "asia_pacific") == {"shift": 3.0, "growth": 2.0}
    assert values_for(table, None) == {"shift": 3.0, "growth": 1.0}
    assert values_for((), None) == {}
