"""A model as data: the same model after a round trip, and nothing but a model from a text."""

import json
import math
import time
from dataclasses import replace
from pathlib import Path

import pytest
import sympy as sp
from plain_models import make_model, small_gompertz

from kinimmune.fitting.problem.digest import digest_equations
from kinimmune.models.catalogue import load_model, model_names
from kinimmune.models.errors import DataError, KinimmuneError, ModelError
from kinimmune.models.kernel.cache import identify_model
from kinimmune.models.symbolic.components import Definition, symbol
from kinimmune.models.symbolic.expression_data import ExpressionReader, write_expression
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.model_data import read_model, write_model

HERE = Path("model.json")
LONG = 60.0
"""Far more than any text may take on a busy machine [s]; what these tests guard against never ends."""


@pytest.mark.parametrize("name", model_names())
def test_a_library_model_is_the_same_after_a_round_trip(name):
    model = load_model(name)
    event = None if model.trial is None else model.trial.log_diameter
    again = read_model(write_model(model), HERE)
    assert again == model
    assert identify_model(again, event) == identify_model(model, event)
    assert again.rates == model.rates
    assert [sp.srepr(rate) for rate in again.rates.values()] == [sp.srepr(rate) for rate in model.rates.values()]


def test_the_horizon_of_a_model_is_kept_and_is_no_part_of_its_equations():
    """A file from before it has none; with another the compiled module is the same."""
    told = replace(small_gompertz(), usual_days=28.0)
    model = replace(told, usual_days=None)
    assert "usual_days" not in write_model(model)
    assert read_model(write_model(told), HERE).usual_days == 28.0
    assert identify_model(told, None) == identify_model(model, None)
    assert digest_equations(told) == digest_equations(model)


@pytest.mark.parametrize("days", [0.0, -3.0, math.inf, math.nan])
def test_a_horizon_that_is_no_number_of_days_is_refused(days):
    """When the model is built, and when it is read from a file."""
    with pytest.raises(ModelError, match=r"^model 'gompertz': usual_days is .*; give a number of days above 0, or none$"):
        replace(small_gompertz(), usual_days=days)


def test_every_operator_and_kind_of_number_survives():
    text = "max(x,1/3)*exp(-x)+min(x,2)**(2/3)+log(x)+tanh(x)*Abs(x)+sign(x)+sin(x)+cos(x)+tan(x)+sinh(x)+cosh(x)+atan(x)"
    expression = sp.parse_expr(
        text.replace("max", "Max").replace("min", "Min"), {"x": symbol("x")}, transformations=sp.parsing.sympy_parser.T[:6]
    )
    expression = expression + sp.pi * sp.Float(0.1 + 0.2) + sp.Heaviside(symbol("x")) + sp.Integer(10) ** 40 + sp.Float(5e-324)
    tree = json.loads(json.dumps(write_expression(expression, "here")))
    assert sp.srepr(ExpressionReader().read(tree, "here")) == sp.srepr(expression)


def test_a_factored_equation_survives():
    model = make_model("plain", {"x": "-x"}, {"x": 1.0})
    x, day = symbol("x"), symbol("per_day")
    factored = sp.Mul(2, day / day + x, evaluate=False)
    assert factored.is_Mul
    kept = OdeModel("plain", "plain", model.mechanisms, model.parameters, (Definition("twice", "y", "1", factored, "test"),))
    assert read_model(write_model(kept), HERE) == kept


def test_what_the_kernel_cannot_compute_is_not_kept():
    model = make_model("plain", {"x": "-x"}, {"x": 1.0}, outputs={"y": "besselj(0, x)"})
    with pytest.raises(ModelError, match=r"^model 'plain'.* 'besselj' cannot be kept as data; write the equation with \+"):
        write_model(model)


def deep(levels):
    tree = "volume"
    for _ in range(levels):
        tree = ["exp", tree]
    return tree


def grow(levels):
    """Return definitions of which each is twice as large as the one before once it is put in."""
    first = {"name": "d0", "symbol": "d", "unit": "1", "expression": 1, "reason": ""}
    more = [{**first, "name": f"d{n}", "expression": ["+", f"d{n - 1}", ["^", f"d{n - 1}", 2]]} for n in range(1, levels)]
    return [first, *more]


def with_rate(tree):
    def change(content):
        content["mechanisms"][0]["terms"][0]["expression"] = tree

    return change


def with_name(name):
    def change(content):
        content["mechanisms"][0]["states"][0]["name"] = name

    return change


def with_definitions(definitions):
    def change(content):
        content["mechanisms"][0]["definitions"] = definitions

    return change


CIRCLE = [
    {"name": "a", "symbol": "a", "unit": "1", "expression": "b", "reason": ""},
    {"name": "b", "symbol": "b", "unit": "1", "expression": "a", "reason": ""},
]

HOSTILE = {
    "unknown operator": (with_rate(["__import__", "os"]), "unknown operator '__import__'"),
    "operator that is no text": (with_rate([["+"], 1]), "unknown operator"),
    "empty list": (with_rate([]), "unknown operator"),
    "no expression": (with_rate({"+": 1}), "is no expression"),
    "yes": (with_rate(True), "is no expression"),
    "depth": (with_rate(deep(300)), "beyond level 100"),
    "nodes": (with_rate(["+", *["volume"] * 200_000]), "more than 60000"),
    "tower": (with_rate(["^", 9, ["^", 9, 9]]), "simpler form"),
    "tower of sums": (with_rate(["^", ["+", "volume", "t"], 10**9]), "exponent 1000000000 is larger"),
    "huge number": (with_rate(10**70), "more than 64 digits"),
    "hidden exponent": (with_rate(["^", "volume", ["+", ["*", -1, "t"], "t", 10**9]]), "simpler form"),
    "keyword": (with_name("lambda"), "'lambda' is no name"),
    "no identifier": (with_name("a b; import os"), "is no name"),
    "dunder": (with_name("__class__"), "is no name"),
    "number as a name": (with_name(3), "3 is no text"),
    "circle": (with_definitions(CIRCLE), "in a circle"),
    "growth": (with_definitions(grow(200)), "once definitions are put in"),
    "typst": (lambda content: content["parameters"][0].update(symbol='#read("/etc/passwd")'), "no plain notation"),
    "unknown key": (lambda content: content.update(code="import os"), "unknown key 'code'"),
    "missing key": (lambda content: content.pop("mechanisms"), "mechanisms is missing"),
    "no list": (lambda content: content.update(mechanisms="none"), "mechanisms is no list"),
    "no object": (lambda content: content.update(mechanisms=[1]), "is no object"),
    "text for a number": (lambda content: content["parameters"][0].update(value="one"), "value: 'one' is no number"),
    "not a number": (lambda content: content["parameters"][0].update(value=float("nan")), "is no number"),
    "unknown scale": (lambda content: content["parameters"][0]["prior"].update(scale="cauchy"), "'cauchy'"),
    "too many": (lambda content: content.update(parameters=content["parameters"] * 1000), "more than 1000"),
    "other schema": (lambda content: content.update(schema="kinimmune.model/9"), "no model of the form"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_no_model_is_refused_in_one_line(case):
    change, message = HOSTILE[case]
    content = json.loads(write_model(small_gompertz()))
    change(content)
    began = time.monotonic()
    with pytest.raises(KinimmuneError) as raised:
        read_model(json.dumps(content), HERE)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 500
    assert time.monotonic() - began < LONG


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "1" * 5000, '{"schema": "kinimmune.model/1"}'])
def test_a_text_that_is_no_model_is_refused(text):
    with pytest.raises(DataError, match=r"^model.json"):
        read_model(text, HERE)
