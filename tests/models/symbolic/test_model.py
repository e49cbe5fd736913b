"""The symbolic core: what makes a closed model, and what cutting an arrow means."""

import random
from dataclasses import replace

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import ModelError, UsageError, nearest
from kinimmune.models.symbolic.components import TIME, Definition, Input, Mechanism, State, Term, symbol
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter, Prior, Scale, Source, Status

RATE, CELLS, DEAD, BLOCK, DRUG = (symbol(name) for name in ("rate", "cells", "dead", "block", "drug"))
ZERO, ONE = sp.Integer(0), sp.Integer(1)


def parameter(name, unit="1/d", study=None):
    source = Source("assumption", "here", Status.ASSUMED)
    return Parameter(name, name, 1.0, unit, 0.0, 9.0, Prior(Scale.FIXED, 1.0, 0.0), False, None, study, name, source)


def state(name="cells", unit="1", initial=ONE):
    return State(name, name, unit, name, initial)


def definition(name="block", expression=DRUG, unit="1", neutral=ZERO):
    return Definition(name, name, unit, expression, name, neutral)


DYING = -RATE * (1 - BLOCK) * CELLS
RATES = (parameter("rate"),)
WHOLE = {
    "states": (state(), state("dead", initial=ZERO)),
    "definitions": (definition(),),
    "terms": (Term("death", "cells", DYING, "die"), Term("death", "dead", -DYING, "die"), Term("birth", "cells", RATE, "born")),
    "inputs": (Input("drug", "drug", "1", "drug"),),
}


def make(parameters=RATES, outputs=(), **parts):
    """Return cells that die into `dead` unless the drug blocks it, with parts of the mechanism exchanged."""
    return OdeModel("toy", "Toy", (Mechanism("life", "life", **(WHOLE | parts)),), parameters, outputs)


@pytest.fixture(scope="module")
def hcc():
    return load_model("hcc_trial")


def test_rates_are_the_sums_of_their_terms():
    model = make()
    assert sp.expand(model.rates["cells"] - (RATE - RATE * (1 - BLOCK) * CELLS)) == 0
    assert model.rates["cells"] + model.rates["dead"] == RATE
    assert model.expand(model.rates["dead"]) == RATE * (1 - DRUG) * CELLS
    assert make(terms=()).rates == {"cells": 0, "dead": 0}


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            {"terms": (Term("death", "cells", -symbol("rat") * CELLS, "r"),)},
            r"term 'death' of 'cells': symbol 'rat' is not declared; declare it as state, parameter or input",
        ),
        ({"states": (state(initial=symbol("start")),), "terms": ()}, r"initial value of 'cells': symbol 'start' is not declared"),
        (
            {"states": (state(initial=TIME * RATE),), "terms": ()},
            r"initial value of 'cells' depends on t, which changes with time",
        ),
        ({"states": (state(initial=DRUG),), "terms": ()}, r"initial value of 'cells' depends on drug, which changes with time"),
        ({"states": (state(initial=BLOCK),), "terms": ()}, r"initial value of 'cells' depends on drug, which changes with time"),
        ({"states": (state(), state("dead", initial=CELLS))}, r"initial value of 'dead' depends on cells, .*; write it in param"),
        ({"definitions": (definition(expression=symbol("durg")),)}, r"definition 'block': symbol 'durg' is not declared"),
        ({"outputs": (definition("share", symbol("cell")),)}, r"output 'share': symbol 'cell' is not declared"),
        ({"outputs": (definition("one"), definition("two", symbol("one")))}, r"output 'two': symbol 'one' is not declared"),
        ({"terms": (Term("death", "cells", -RATE, "r"), Term("death", "ded", RATE, "r"))}, r"'death' adds to 'ded', which is no"),
        ({"states": (state(), state("dead"), state("cells"))}, r"'cells' is both state and state; rename one"),
        ({"parameters": (parameter("rate"), parameter("cells"))}, r"'cells' is both state and parameter; rename one"),
        ({"inputs": (Input("rate", "r", "1", "r"), Input("drug", "d", "1", "d"))}, r"'rate' is both input and parameter"),
        ({"definitions": (definition(), definition("dead"))}, r"'dead' is both state and definition"),
        ({"outputs": (definition("block"),)}, r"'block' is both definition and output"),
        ({"states": (state(), state("dead"), state("t"))}, r"'t' is both time and state"),
        ({"definitions": (definition(expression=BLOCK),)}, r"definitions block depend on each other in a circle; break it"),
        (
            {"definitions": (definition(expression=symbol("b")), definition("b", symbol("c")), definition("c", BLOCK))},
            r"definitions b, block, c depend on each other in a circle; break it with a state",
        ),
        (
            {"terms": (Term("death", "cells", -CELLS, "r"),)},
            r"term 'death' of 'cells': unit is number, expected 1.15741e-05 \[time\]\^-1; correct",
        ),
        ({"states": (state(unit="mg"), state("dead"))}, r"initial value of 'cells': unit is number, expected 1e-06 \[mass\]\^1"),
        ({"definitions": (definition(unit="d"),)}, r"definition 'block': unit is number, expected 86400 \[time\]\^1"),
        ({"outputs": (definition("share", CELLS, "mg"),)}, r"output 'share': unit is number, expected"),
        (
            {"terms": (Term("death", "cells", -RATE * (CELLS + RATE), "r"),)},
            r"'death' of 'cells': '\w+' .* are added but differ",
        ),
        (
            {"parameters": (parameter("rate", study="sharp"), parameter("rate", "1/month", "asia_pacific"))},
            r"parameter 'rate' has two units; give every study's in one",
        ),
        ({"terms": (Term("death", "cells", -sp.Symbol("rate") * CELLS, "r"),)}, r"symbol 'rate' was made by other means"),
    ],
)
def test_a_model_that_is_not_closed_or_not_sound_is_refused(parts, message):
    with pytest.raises(ModelError, match=r"^model 'toy'.*" + message):
        make(**parts)


def test_definitions_may_stand_in_any_order():
    chain = [definition("a", DRUG), definition("b", symbol("a")), definition("c", symbol("b") * symbol("a")), definition()]
    for seed in range(6):
        mixed = random.Random(seed).sample(chain, len(chain))
        model = make(definitions=tuple(mixed))
        names = [item.name for item in model.definitions]
        assert names.index("a") < names.index("b") < names.index("c")
        assert model.expand(symbol("c")) == DRUG**2


def test_cutting_a_term_cuts_what_leaves_and_what_enters():
    cut = make().without("death")
    assert cut.rates == {"cells": RATE, "dead": 0}
    assert cut.removed == ("death",)


def test_cutting_a_definition_sets_it_to_its_neutral_value():
    cut = make().without("block")
    assert sp.expand(cut.expand(cut.rates["dead"])) == RATE * CELLS
    assert make().removed == ()


def test_cuts_commute_and_cutting_nothing_changes_nothing():
    model = make()
    assert model.without() == model
    assert model.without("birth").without("block").rates == model.without("block", "birth").rates


def test_a_name_that_is_no_arrow_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match=r"^model 'toy' has no arrow 'deth'; did you mean 'death'\?$"):
        make().without("birth", "deth")
    with pytest.raises(UsageError, match=r"has no arrow 'xyzzy'; allowed: block, death, birth"):
        make().without("xyzzy")
    fixed = make(definitions=(definition(neutral=None),))
    assert fixed.interactions == ("death", "birth")
    with pytest.raises(UsageError, match=r"has no arrow 'block'"):
        fixed.without("block")
    with pytest.raises(UsageError, match=r"has no arrow 'deth'; did you mean 'death'\?"):
        make().with_switches("deth")


def test_nearest_lists_what_is_allowed_when_nothing_is_near():
    assert nearest("growht", ["growth", "kappa"]) == "did you mean 'growth'?"
    assert nearest("xyzzy", ["growth", "kappa"]) == "allowed: growth, kappa"
    assert nearest("xyzzy", []) == "allowed: none"


def test_every_arrow_of_the_trial_model_can_be_cut_alone_and_a_switch_at_zero_is_the_cut(hcc):
    switched = hcc.with_switches(*hcc.interactions)
    rates = {name: switched.expand(rate) for name, rate in switched.rates.items()}
    for arrow in hcc.interactions:
        cut = hcc.without(arrow)
        off = {symbol(f"keep_{name}"): ONE if name != arrow else ZERO for name in hcc.interactions}
        for name, rate in cut.rates.items():
            here, there = cut.expand(rate), rates[name].xreplace(off)
            assert here == there or sp.expand(here - there) == 0 or sp.simplify(here - there) == 0


def test_without_the_arrows_of_the_drug_the_dose_appears_in_no_rate_of_the_patient(hcc):
    blind = hcc.without(*(arrow for arrow in hcc.interactions if arrow.startswith("occupancy_")))
    drug = {"concentration", "induction"}
    reached = {name for name, rate in blind.rates.items() if blind.expand(rate).free_symbols & {symbol(part) for part in drug}}
    assert reached == drug
    assert symbol("dose_rate") in hcc.rates["concentration"].free_symbols


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_mechanisms_terms_and_definitions_changes_nothing(hcc, seed):
    shuffle = random.Random(seed)

    def mixed(items):
        return tuple(shuffle.sample(items, len(items)))

    mechanisms = [replace(item, terms=mixed(item.terms), definitions=mixed(item.definitions)) for item in hcc.mechanisms]
    other = replace(hcc, mechanisms=mixed(mechanisms))
    assert {name: other.expand(rate) for name, rate in other.rates.items()} == {
        name: hcc.expand(rate) for name, rate in hcc.rates.items()
    }
    assert [other.expand(item.expression) for item in other.outputs] == [hcc.expand(item.expression) for item in hcc.outputs]
