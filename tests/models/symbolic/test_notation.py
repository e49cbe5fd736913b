"""Printed symbols: what is accepted can be set by the typesetter, whatever it is, and the others are refused in linear time."""

import pytest
import typst
from hypothesis import given, settings
from hypothesis import strategies as st

from kinimmune.models.catalogue import load_model, model_names
from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.notation import LONGEST, require_notation

UNFINISHED = [
    "g_",
    "a/",
    "hat()",
    "_a",
    "^2",
    "a__b",
    "a_b_c",
    "a^",
    "()",
    "(a",
    "a)",
    "+",
    "-",
    "a +",
    "/a",
    "a//b",
    "a_(b",
    "a^(",
]
FUNCTIONS = [
    "hat",
    "hat x",
    "hat(x",
    "upright",
    'upright("a"',
    "ln(",
    "exp(",
    "root(3, x)",
    "frac(a, b)",
    "sum",
    "alphabeta",
    "ab",
    "a1",
]
SIGNS = ["a.b", "#x", "a & b", "a \\ b", "$x$", "a;b", "a,b", "[a]", "{a}", "a:b", "x'", "a=b", "a\tb", "\u200b", "é", "\u03a2"]
NUMBERS = ["1.", ".5", "1..2", "1a", '"', '""', '"a', "", " "]


def compiles(symbol):
    try:
        typst.compile(f"#set page(width: 20cm, height: 5cm)\n$ {symbol} $".encode(), format="svg")
    except typst.TypstError:
        return False
    return True


@pytest.mark.parametrize("symbol", [*UNFINISHED, *FUNCTIONS, *SIGNS, *NUMBERS])
def test_what_is_no_notation_is_refused_in_one_line(symbol):
    with pytest.raises(DataError, match=r"symbol '.*' of parameter 'x'") as caught:
        require_notation(symbol, "parameter 'x'")
    assert "write single letters" in str(caught.value)


@pytest.mark.parametrize("name", model_names())
def test_every_symbol_of_the_library_is_accepted(name):
    model = load_model(name)
    for item in (*model.parameters, *model.states, *model.inputs, *model.definitions, *model.outputs):
        assert require_notation(item.symbol, item.name) == item.symbol


letters = st.sampled_from(["a", "Q", "alpha", "Omega", "\u03b1", "7", "0.25", '"IL-15"', "ln", "exp"])


def grow(inner):
    return st.one_of(
        st.builds("{}_{}".format, letters, letters),
        st.builds("{}^{}".format, letters, letters),
        st.builds("{}_{}^({})".format, letters, letters, inner),
        st.builds("({})".format, inner),
        st.builds("hat({})".format, inner),
        st.builds('upright("{}")'.format, st.sampled_from(["TMZ", "a b"])),
        st.builds("{} {}".format, letters, inner),
        st.builds("{} + {}".format, inner, inner),
        st.builds("{} / ({})".format, letters, inner),
        st.builds("-{}".format, letters),
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(symbol=st.recursive(letters, grow, max_leaves=6).filter(lambda text: len(text) <= LONGEST))
def test_what_is_accepted_can_be_set(symbol):
    try:
        require_notation(symbol, "s")
    except DataError:
        return
    assert compiles(symbol), symbol


@settings(max_examples=150, deadline=None, derandomize=True)
@given(symbol=st.lists(st.sampled_from([*'ag_^/()+- "1.\u03b1\u03c2', "hat", "ln"]), min_size=1, max_size=9).map("".join))
def test_no_odd_text_that_is_accepted_fails_at_the_typesetter(symbol):
    try:
        require_notation(symbol, "s")
    except DataError:
        return
    assert compiles(symbol), symbol


@pytest.mark.parametrize(
    "symbol", ["1" * 60 + "!", "(" * 79, "a" * 79, '"' + "a " * 39, "a_" * 39, "-" * 79, "1" * 100_000, "(" * 100_000]
)
def test_a_text_made_to_take_for_ever_is_refused(symbol):
    with pytest.raises(DataError, match="symbol '"):
        require_notation(symbol, "s")
