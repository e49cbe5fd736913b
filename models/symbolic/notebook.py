"""A model as a notebook shows it: its equations in LaTeX, its states as a table.

Start with `model_latex` and `model_html`; `OdeModel` calls them.
"""

from html import escape
from typing import TYPE_CHECKING

import sympy as sp

if TYPE_CHECKING:
    from kinimmune.models.symbolic.model import OdeModel


def model_latex(model: "OdeModel") -> str:
    r"""Return the rates of a model as aligned equations, `$$\begin{aligned} ... \end{aligned}$$`; names are those of the code."""
    rows = [rf"\frac{{d}}{{dt}} {_latex(sp.Symbol(name))} &= {_latex(rate)}" for name, rate in model.rates.items()]
    return "$$\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}$$"


def model_html(model: "OdeModel") -> str:
    """Return title and states of a model as an HTML table; every text of the model is escaped."""
    header = "<tr><th>state</th><th>name</th><th>unit</th><th>meaning</th></tr>"
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in (state.label, state.name, state.unit, state.meaning))}</tr>"
        for state in model.states
    )
    size = f"{len(model.states)} states, {len(model.parameter_names)} parameters, {len(model.mechanisms)} mechanisms"
    return f"<p><b>{escape(model.title)}</b> ({escape(model.name)}): {size}</p><table>{header}{rows}</table>"


def _latex(expression: sp.Expr) -> str:
    return str(sp.latex(expression, mode="plain"))
