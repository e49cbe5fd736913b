"""What a notebook shows of a model: every equation, every state, nothing unescaped."""

import html
import re
from dataclasses import replace

import pytest

from kinimmune.models.catalogue import load_model, model_names


@pytest.mark.parametrize("name", model_names())
def test_every_state_has_its_equation_and_its_row(name):
    model = load_model(name)
    latex, page = model._repr_latex_(), model._repr_html_()

    assert latex.count(r"\frac{d}{dt}") == len(model.states)
    assert latex.count("{") == latex.count("}")
    assert page.count("<tr>") == 1 + len(model.states)
    assert all(html.escape(state.label) in page for state in model.states)


def test_texts_of_a_model_are_no_markup():
    page = replace(load_model("gompertz"), title="<script>alert(1)</script>")._repr_html_()

    assert "<script>" not in page
    assert set(re.findall(r"</?(\w+)>", page)) == {"p", "b", "table", "tr", "th", "td"}
