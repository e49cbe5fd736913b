"""Units: what may be added, raised and put into a function, and which texts name a unit."""

import math

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from kinimmune.models.errors import DataError, ModelError
from kinimmune.models.symbolic.components import symbol
from kinimmune.models.symbolic.units import Unit, parse_unit, unit_of

DOSE, WEIGHT, VOLUME, RATE, SHARE, TIME = (symbol(name) for name in ("dose", "weight", "volume", "rate", "share", "t"))
UNITS = {
    "dose": parse_unit("mg"),
    "weight": parse_unit("g"),
    "volume": parse_unit("mL"),
    "rate": parse_unit("1/d"),
    "monthly": parse_unit("1/month"),
    "share": parse_unit("1"),
    "percent": parse_unit("%"),
    "t": parse_unit("d"),
}
NAMED = st.sampled_from(["mg", "mL", "1/d", "nmol/L", "mm**2", "mg/nmol", "1/month"]).map(parse_unit)


@pytest.mark.parametrize(
    ("text", "seconds"), [("s", 1.0), ("h", 3600.0), ("d", 86400.0), ("month", 30.44 * 86400.0), ("1/(1/d)", 86400.0)]
)
def test_times_have_their_length_in_seconds(text, seconds):
    assert parse_unit(text).dimension == (("[time]", 1.0),)
    assert parse_unit(text).size == pytest.approx(seconds * parse_unit("s").size, rel=1e-12)


@pytest.mark.parametrize(
    ("one", "other"),
    [("mg/L", "ug/mL"), ("mL", "cm**3"), ("uL", "mm^3"), ("L/d", "L d**-1"), ("mg / (L * d)", "mg/L/d"), ("1", "mg/mg")],
)
def test_two_spellings_of_one_unit_are_equal(one, other):
    assert parse_unit(one).equals(parse_unit(other))


@pytest.mark.parametrize(("one", "other"), [("mg", "g"), ("1/d", "1/month"), ("mg", "d"), ("1", "%"), ("1/d", "1/h")])
def test_units_of_another_kind_or_size_differ(one, other):
    assert not parse_unit(one).equals(parse_unit(other))


@pytest.mark.parametrize(
    "text",
    # the last ones would keep pint busy, crash it or be read as a unit without a fixed size
    [
        *("", " ", "0", "-d", "mg+d", "2*mg", "1e400 mg", "nan", "parsec_per_fortnight", "import os", "1/d # per day", "d.real"),
        *("()", "1/0", "mg/0", "d/", "((((", "1(1)", "**2", "9**9**9**9", "d**9**9**9", "d**99999999", "degC", "dB"),
    ],
)
def test_a_text_that_names_no_unit_is_refused_with_one_line(text):
    with pytest.raises(DataError, match=r"^(unknown unit|unit) '.*'.*; write") as caught:
        parse_unit(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["m2", "(d^2)^3", "1 mg", "mg (1)", "d**(-1)", "%^2^2", "a!" + " " * 10_000])
def test_numbers_stand_nowhere_but_in_one_exponent_of_a_name(text):
    with pytest.raises(DataError, match=r"^unknown unit '"):
        parse_unit(text)


@given(NAMED, NAMED, st.sampled_from([2.0, 3.0, 0.5, -1.0, 1.0 / 3.0]))
def test_units_multiply_like_numbers(one, other, exponent):
    assert one.times(other).equals(other.times(one))
    assert one.times(other).power(exponent).equals(one.power(exponent).times(other.power(exponent)))
    assert one.power(exponent).power(1.0 / exponent).equals(one)
    assert one.times(one.power(-1.0)).is_number
    assert one.power(0.0).is_number


def test_exponents_that_differ_by_rounding_are_the_same_unit():
    metre = parse_unit("m")
    assert metre.power(0.1).times(metre.power(0.2)).equals(metre.power(0.3))


@given(st.lists(st.tuples(st.sampled_from(sorted(UNITS)), st.integers(-3, 3)), min_size=1, max_size=4))
@settings(max_examples=50)
def test_a_product_has_the_product_of_the_units(factors):
    expression, expected = sp.Integer(1), Unit()
    for name, exponent in factors:
        expression *= symbol(name) ** exponent
        expected = expected.times(UNITS[name].power(float(exponent)))
    found = unit_of(expression, UNITS, "term")
    assert found is not None
    assert found.equals(expected)


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        (DOSE + WEIGHT, "added"),
        (RATE + symbol("monthly"), "added"),
        (1 + VOLUME, "added"),
        (SHARE + symbol("percent"), "added"),
        (RATE * VOLUME - VOLUME, "added"),
        (sp.Max(DOSE, TIME), "added"),
        (sp.exp(DOSE), "the argument 'dose'"),
        (sp.log(VOLUME), "the argument 'volume'"),
        (sp.exp(DOSE / WEIGHT), "the argument 'dose/weight'"),
        (sp.exp(symbol("monthly") * TIME), "the argument"),
        (sp.sin(TIME), "the argument 't'"),
        (2**TIME, "exponent 't'"),
        (SHARE ** (VOLUME / DOSE), "exponent"),
        (VOLUME**SHARE, "symbolic exponent"),
        (RATE * symbol("growht"), "symbol 'growht' is not declared"),
    ],
)
def test_what_does_not_fit_is_refused_naming_the_term(expression, named):
    with pytest.raises(ModelError, match=r"^term 'growth': ") as caught:
        unit_of(expression, UNITS, "term 'growth'")
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("expression", "unit"),
    [
        (VOLUME ** sp.Rational(1, 3), "cm"),
        (sp.sqrt(RATE**2 + 4 * RATE / TIME), "1/d"),
        (VOLUME * sp.exp(-RATE * TIME), "mL"),
        (sp.log(VOLUME / (2 * VOLUME + DOSE * VOLUME / DOSE)), "1"),
        (SHARE**SHARE, "1"),
        (sp.E ** (RATE * TIME), "1"),
        (1000 * DOSE / VOLUME, "mg/mL"),
        (sp.Min(RATE, 1 / TIME), "1/d"),
    ],
)
def test_what_fits_has_the_unit_worked_out_by_hand(expression, unit):
    found = unit_of(expression, UNITS, "term")
    assert found is not None
    assert found.equals(parse_unit(unit))


@pytest.mark.parametrize("zero", [sp.Integer(0), sp.Float(0.0), sp.Integer(0) * DOSE])
def test_zero_fits_every_unit(zero):
    assert unit_of(zero, UNITS, "term") is None
    for name, unit in UNITS.items():
        found = unit_of(sp.Max(zero, symbol(name)), UNITS, "term")
        assert found is not None
        assert found.equals(unit)


def test_a_unit_prints_its_dimensions_and_its_size():
    assert str(parse_unit("m**2/s")) == "[length]^2 [time]^-1"
    assert str(parse_unit("d")) == "86400 [time]^1"
    assert str(Unit()) == "number"
    assert math.isclose(float(str(parse_unit("%")).split()[0]), 0.01)
