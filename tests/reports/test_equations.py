"""Typeset equations say what the symbolic model says, and no symbol reaches typst that is more than notation."""

import re
from dataclasses import replace

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.components import symbol
from kinimmune.models.symbolic.notation import require_notation
from kinimmune.reports.model.equations import abbreviate, collect_symbols, list_equations
from kinimmune.reports.typesetting.blocks import EquationRow
from kinimmune.reports.typesetting.typst_math import typeset

A, B, C = (sp.Symbol(name, real=True) for name in "abc")
LETTERS = {"a": "a", "b": "b", "c": 'c_"x"'}


@pytest.fixture(scope="module")
def model():
    return load_model("hcc_trial")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (A * B, "a thin b"),
        (A / (B + C), 'frac(a, b + c_"x")'),
        (-A * (1 - B), "-a thin (1 - b)"),
        (A - B * C, 'a - b thin c_"x"'),
        (-A - B, "-a - b"),
        (A * (B - C) / 2, 'frac(a thin (b - c_"x"), 2)'),
        (sp.sqrt(A + 1), "sqrt(1 + a)"),
        ((A + B) ** 2, "(a + b)^(2)"),
        (1 / A**2, "frac(1, a^(2))"),
        (A * sp.exp(-B * (1 - C)), 'a thin e^(-b thin (1 - c_"x"))'),
        (sp.log(A / B), "ln(frac(a, b))"),
        (sp.Max(A, B), "max(a, b)"),
        (sp.Float(0.25) * A, "0.25 thin a"),
        (sp.Integer(0), "0"),
    ],
)
def test_expression_is_typeset_as_on_paper(expression, expected):
    assert expected == typeset(expression, LETTERS)


def test_symbol_that_is_a_product_is_bracketed_in_a_power():
    assert typeset(A**2, {"a": 'E_"ind" W'}) == '(E_"ind" W)^(2)'


def test_function_without_notation_is_refused():
    with pytest.raises(DataError, match="has no notation in equations"):
        typeset(sp.sin(A), LETTERS)


@pytest.mark.parametrize(
    "notation", ["g", "σ_g", 'g_"N"', '"CL"', 'theta_"PDGFR-β"', 'upright("dose")', 'E_"ind" W', "X / (E + X)"]
)
def test_plain_notation_passes(notation):
    assert require_notation(notation, "x") == notation


@pytest.mark.parametrize(
    "notation",
    [
        "",
        "#x",
        "std.read(x)",
        "read(x)",
        'g_"N',
        "a)(",
        '"a\\"b"',
        "a$b",
        "sys",
        "x" * 81,
        "a\nb",
        "1.5.2",
        "e^[x]",
        'a"b".c',
        "@ref",
    ],
)
def test_anything_else_is_refused(notation):
    with pytest.raises(DataError, match="is no plain notation"):
        require_notation(notation, "x")


@given(st.text(alphabet='abstd.read()"#[]$_ ', max_size=12))
def test_accepted_notation_names_no_variable_and_starts_no_code(text):
    try:
        accepted = require_notation(text, "x")
    except DataError:
        return
    outside = "".join(accepted.split('"')[::2])
    assert not set("#[]$.") & set(outside)
    assert all(len(word) == 1 or word in ("eta", "beta") for word in re.findall("[a-z]+", outside))


def test_parts_put_back_give_the_expression(model):
    expressions = [item.expression for item in model.definitions] + [state.initial for state in model.states]
    varying = {symbol(state.name) for state in model.states}
    short, parts = abbreviate(expressions, varying)
    values = {symbol(item.name): sp.Float(item.value, 40) for item in model.parameters}
    for name, part in parts:
        values[name] = part.xreplace(values)
    for before, after in zip(expressions, short, strict=True):
        others = {item: sp.Float("0.37", 40) for item in (before.free_symbols | after.free_symbols) - values.keys()}
        difference = (before - after).xreplace(values).xreplace(others)
        assert abs(difference.evalf(30)) < sp.Float("1e-25") * (1 + abs(before.xreplace(values).xreplace(others).evalf(30)))


def test_no_abbreviation_is_needed_below_the_limit():
    assert abbreviate([A + B * C], [A]) == ((A + B * C,), ())


def test_every_mechanism_definition_state_and_term_stands_once(model):
    blocks = list_equations(model)
    assert len(blocks) == len(model.mechanisms)
    assert sum(len(block.definitions) for block in blocks) == len(model.definitions)
    assert sum(len(block.starts) for block in blocks) == len(model.states)
    assert sum(len(block.rates) for block in blocks) == len(model.terms)


def test_terms_of_a_rate_carry_their_sign_and_reason(model):
    block = next(block for block in list_equations(model) if block.title == "Angiogenesis")
    assert block.rates == (
        EquationRow(
            "frac(dif v, dif t)",
            "=",
            'k_v thin (1 - b_"VEGFR-2") thin (1 - b_"PDGFR-β")',
            "vessels form as far as VEGF and PDGF still signal",
        ),
        EquationRow("", "-", "k_v thin v", "unsupported vessels regress"),
    )


def test_state_without_arrows_has_rate_zero(model):
    cut = model.without("vessel_growth", "vessel_regression")
    block = next(block for block in list_equations(cut) if block.title == "Angiogenesis")
    assert block.rates == (EquationRow("frac(dif v, dif t)", "=", "0", "every arrow was cut"),)


def test_symbol_from_a_table_is_checked(model):
    wrong = replace(model.parameters[0], symbol="#panic()")
    with pytest.raises(DataError, match=f"symbol '#panic\\(\\)' of '{wrong.name}' of model 'hcc_trial' is no plain notation"):
        collect_symbols(replace(model, parameters=(wrong, *model.parameters[2:])))
