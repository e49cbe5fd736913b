"""A model in plain values and plain text: what `kinimmune show` prints.

Start with `describe` and `print_model`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import sympy as sp

from kinimmune.cli.terminal import format_number, print_table
from kinimmune.models.symbolic.components import Mechanism, symbol
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter, Prior, Scale, values_for
from kinimmune.models.tables.drugs import list_used_kinases
from kinimmune.models.tables.evidence import Kinase

Json = dict[str, Any]


def describe(model: OdeModel, kinases: Iterable[Kinase]) -> Json:
    """Return everything there is to know about a model, ready for JSON (schema `kinimmune.show/1`)."""
    return {
        "schema": "kinimmune.show/1",
        "model": model.name,
        "title": model.title,
        "usual_days": model.usual_days,
        "inputs": [{"name": item.name, "unit": item.unit, "meaning": item.meaning} for item in model.inputs],
        "states": _states(model),
        "mechanisms": [_mechanism(item) for item in model.mechanisms],
        "outputs": [
            {"name": item.name, "unit": item.unit, "expression": str(item.expression), "meaning": item.reason}
            for item in model.outputs
        ],
        "arrows": list(model.interactions),
        "parameters": [_parameter(item) for item in model.parameters],
        "kinases": _kinases(model, kinases),
    }


def _states(model: OdeModel) -> list[Json]:
    values = {symbol(name): sp.Float(value) for name, value in values_for(model.parameters, None).items()}
    return [
        {
            "name": state.name,
            "unit": state.unit,
            "meaning": state.meaning,
            "initial": str(state.initial),
            "initial_value": float(model.expand(state.initial).xreplace(values)),
        }
        for state in model.states
    ]


def _mechanism(mechanism: Mechanism) -> Json:
    return {
        "name": mechanism.name,
        "reason": mechanism.reason,
        "states": [state.name for state in mechanism.states],
        "definitions": [
            {
                "name": item.name,
                "unit": item.unit,
                "expression": str(item.expression),
                "reason": item.reason,
                "neutral": None if item.neutral is None else str(item.neutral),
            }
            for item in mechanism.definitions
        ],
        "terms": [
            {"name": term.name, "state": term.state, "expression": str(term.expression), "reason": term.reason}
            for term in mechanism.terms
        ],
    }


def _parameter(item: Parameter) -> Json:
    return {
        "name": item.key,
        "value": item.value,
        "unit": item.unit,
        "lower": item.lower,
        "upper": item.upper,
        "prior": None if item.prior.scale is Scale.FIXED else _prior(item.prior),
        "estimated": item.estimated,
        "spread": None if item.spread is None else {"scale": item.spread.scale.value, "sd": item.spread.sd},
        "trial_spread": item.trial_spread,
        "study": item.study,
        "arm": item.arm,
        "drug": item.drug,
        "meaning": item.meaning,
        "status": item.source.status.value,
        "source": item.source.key,
        "locator": item.source.locator,
        "note": item.source.note,
    }


def _prior(prior: Prior) -> Json:
    return {"scale": prior.scale.value, "median": prior.median, "sd": prior.sd}


def _kinases(model: OdeModel, kinases: Iterable[Kinase]) -> list[Json]:
    """Return the kinases when the model uses any: what each drives, None when it drives nothing here."""
    keys = ("drug", "name", "ic50", "unit", "drives")
    return [{key: getattr(item, key) for key in keys} for item in list_used_kinases(model, kinases)]


def print_model(content: Mapping[str, Any]) -> None:
    """Print a description of a model on stdout: equations by mechanism, then tables of every number."""
    print(f"{content['model']}: {content['title']}")
    if content["usual_days"] is not None:
        print(f"followed for {content['usual_days']:g} days where --days is not given")
    print("\n".join(equation_lines(content)))
    if content["outputs"]:
        print("\noutputs")
    for item in content["outputs"]:
        print(f"  {item['name']} = {item['expression']}  [{item['unit']}]\n      {item['meaning']}")
    print()
    inputs = [(item["name"], item["unit"], "given", item["meaning"]) for item in content["inputs"]]
    states = [
        (item["name"], item["unit"], format_number(item["initial_value"]), item["meaning"], item["initial"])
        for item in content["states"]
    ]
    print_table("States at the start", ("state", "unit", "value", "meaning", "expression"), states, ("value",))
    if inputs:
        print_table("Inputs", ("input", "unit", "value", "meaning"), inputs)
    parameters = [_parameter_cells(item) for item in content["parameters"]]
    columns = ("parameter", "value", "unit", "fitted", "prior (median, sd)", "spread (sd)", "status", "source", "meaning")
    print_table("Parameters", columns, parameters, ("value",))
    _print_kinases(content["kinases"])


def _parameter_cells(item: Mapping[str, Any]) -> tuple[str, ...]:
    prior, spreads = item["prior"], list(_describe_spreads(item))
    return (
        item["name"],
        format_number(item["value"]),
        item["unit"],
        "yes" if item["estimated"] else "no",
        "fixed" if prior is None else f"{prior['scale']} ({format_number(prior['median'])}, {format_number(prior['sd'])})",
        ", ".join(spreads) or "-",
        item["status"],
        f"{item['source']}, {item['locator']}",
        item["meaning"],
    )


def _describe_spreads(item: Mapping[str, Any]) -> Iterator[str]:
    """Yield how patients differ in a parameter, and trials on the scale of its prior."""
    if item["spread"] is not None:
        yield f"{item['spread']['scale']} ({item['spread']['sd']})"
    if item["trial_spread"] is not None:
        yield f"between trials ({format_number(item['trial_spread'])})"


def _print_kinases(kinases: Sequence[Mapping[str, Any]]) -> None:
    if not kinases:
        return
    rows = [(item["name"], format_number(item["ic50"]), item["unit"], item["drives"] or "nothing") for item in kinases]
    print_table("Kinases", ("kinase", "IC50", "unit", "drives"), rows, ("IC50",))
    idle = [item["name"] for item in kinases if item["drives"] is None]
    print(f"Kinases that drive nothing in this model: {', '.join(idle) or 'none'}")


def equation_lines(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the equations of a description, mechanism by mechanism; an arrow that can be cut is marked with its name."""
    units = {state["name"]: state["unit"] for state in content["states"]}
    for mechanism in content["mechanisms"]:
        yield ""
        yield f"{mechanism['name']}: {mechanism['reason']}"
        for item in mechanism["definitions"]:
            arrow = "" if item["neutral"] is None else f"; arrow, {item['neutral']} when cut"
            yield f"  {item['name']} = {item['expression']}  [{item['unit']}]"
            yield f"      {item['reason']}{arrow}"
        for state in dict.fromkeys(term["state"] for term in mechanism["terms"]):
            yield f"  d {state} / dt  [{_per_day(units[state])}]"
            yield from _term_lines([term for term in mechanism["terms"] if term["state"] == state])


def _term_lines(terms: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for term in terms:
        expression = term["expression"]
        signed = f"- {expression[1:]}" if expression.startswith("-") else f"+ {expression}"
        yield f"    {signed}"
        yield f"      {term['reason']}; arrow {term['name']}"


def _per_day(unit: str) -> str:
    return "1/d" if unit == "1" else f"{unit}/d"
