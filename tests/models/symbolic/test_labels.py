"""Labels: what a reader sees stands on the model, has a default, and changes no equation."""

from dataclasses import replace

import pytest

from kinimmune.fitting.problem.digest import digest_equations
from kinimmune.models.catalogue import load_model, model_names
from kinimmune.models.kernel.cache import identify_model
from kinimmune.models.symbolic.components import Definition, Input, Mechanism, State, Term, symbol

NAMES = ("melanoma", "hcc_trial")
X = symbol("x")


def rename(part):
    return replace(part, label=f"{part.label} (renamed)")


def relabel(model):
    """Return the model with another label on everything it is made of."""
    mechanisms = tuple(
        replace(
            rename(mechanism),
            states=tuple(map(rename, mechanism.states)),
            inputs=tuple(map(rename, mechanism.inputs)),
            definitions=tuple(map(rename, mechanism.definitions)),
            terms=tuple(map(rename, mechanism.terms)),
        )
        for mechanism in model.mechanisms
    )
    return replace(model, mechanisms=mechanisms, outputs=tuple(map(rename, model.outputs)))


@pytest.mark.parametrize(
    "part",
    [
        State("new_cells", "N", "1", "cells", X),
        Input("new_cells", "N", "1", "cells"),
        Definition("new_cells", "N", "1", X, "cells"),
        Term("new_cells", "x", X, "cells"),
        Mechanism("new_cells", "cells"),
    ],
)
def test_a_part_without_a_label_is_called_by_its_name(part):
    assert part.label == "New cells"
    assert replace(part, label="NK cells").label == "NK cells"


def test_a_derived_label_keeps_what_is_written_large():
    assert Mechanism("NKG2D_block", "block").label == "NKG2D block"


@pytest.mark.parametrize("name", model_names())
def test_no_two_quantities_of_a_model_have_one_label(name):
    model = load_model(name)
    assert len(set(model.labels.values())) == len(model.labels)
    assert len({item.label for item in model.mechanisms}) == len(model.mechanisms)


@pytest.mark.parametrize("name", model_names())
def test_terms_of_one_interaction_have_one_label(name):
    model = load_model(name)
    assert len({(term.name, term.label) for term in model.terms}) == len({term.name for term in model.terms})
    assert list(model.interaction_labels) == list(model.interactions)


@pytest.mark.parametrize("name", model_names())
def test_labels_are_one_line_without_the_name_of_a_variable(name):
    model = load_model(name)
    for label in (*model.labels.values(), *model.interaction_labels.values(), *(item.label for item in model.mechanisms)):
        assert label == " ".join(label.split())
        assert "_" not in label


@pytest.mark.parametrize("name", NAMES)
def test_labels_change_neither_equations_nor_digest_nor_kernel(name):
    model = load_model(name)
    other = relabel(model)
    assert set(other.labels.values()).isdisjoint(model.labels.values())
    assert digest_equations(other) == digest_equations(model)
    assert other.rates == model.rates
    assert identify_model(other, None) == identify_model(model, None)


def test_cut_and_switched_models_keep_their_labels():
    model = load_model("melanoma")
    for other in (model.without("il15_gate"), model.with_switches("il15_gate")):
        assert other.labels == model.labels
        assert other.interaction_labels["mica_shedding"] == "MICA/B shedding"


def test_units_of_every_name_stand_on_the_model():
    units = load_model("melanoma").units
    assert [units[name] for name in ("cd4_nkg2d_cells", "dose_rate", "free_concentration", "rise", "growth")] == [
        "1/uL", "mg/d", "nmol/L", "1", "1/d",
    ]  # fmt: skip
