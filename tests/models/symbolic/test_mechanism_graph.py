"""Who acts on whom is read off the equations, with the direction the biology gives it."""

import pytest

from kinimmune.models.catalogue import load_model
from kinimmune.models.symbolic.mechanism_graph import find_links, list_dynamic_mechanisms


@pytest.fixture(scope="module")
def model():
    return load_model("hcc_trial")


def signs(model):
    return {(link.source, link.target): link.sign for link in find_links(model)}


def test_directions_are_those_of_the_biology(model):
    found = signs(model)
    expected = {
        ("exposure", "kinases"): "raises",
        ("kinases", "mapk"): "lowers",
        ("kinases", "angiogenesis"): "lowers",
        ("kinases", "tregs"): "lowers",
        ("resistance", "mapk"): "raises",
        ("mapk", "tumour"): "raises",
        ("angiogenesis", "tumour"): "raises",
        ("tregs", "effectors"): "lowers",
        ("effectors", "tumour"): "lowers",
        ("tumour", "antigen"): "raises",
        ("tumour", "liver"): "lowers",
        ("liver", "death"): "lowers",
        ("tumour", "death"): "raises",
    }
    assert expected == {pair: found[pair] for pair in expected}


def test_cut_arrow_is_no_link(model):
    assert ("tregs", "effectors") in signs(model)
    assert ("kinases", "tregs") not in signs(
        model.without("treg_proliferation_block", "treg_death_induction", "treg_function_block")
    )


def test_a_mechanism_of_constants_is_not_dynamic(model):
    names = {item.name for item in list_dynamic_mechanisms(model)}
    assert {item.name for item in model.mechanisms} - names == {"untreated_start", "untreated_reference"}
