"""`kinimmune show`: the equations of a model and every number in them, with its origin."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from kinimmune.cli import options
from kinimmune.cli.terminal import format_number, print_json, print_table


def show(
    model: options.ModelName,
    arrow: Annotated[bool, typer.Option("--arrow", help="Print only the names of the arrows that can be cut.")] = False,
    data: options.Data = None,
    config: options.Config = None,
    seed: options.UnusedSeed = None,
    jobs: options.UnusedJobs = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Show a model: equations by mechanism, states, and parameters with prior, status and source."""
    from kinimmune.cli.printing.model import describe
    from kinimmune.cli.settings import read_settings
    from kinimmune.models.catalogue import load_model
    from kinimmune.models.tables.readers import read_kinases
    from kinimmune.models.tables.rows import Tables

    tables = Tables(read_settings(config, {"data": data}).data)
    content = describe(load_model(model, tables), read_kinases(tables))
    if as_json:
        print_json(content)
    elif arrow:
        print("\n".join(content["arrows"]))
    else:
        _print_text(content)


def _print_text(content: Mapping[str, Any]) -> None:
    from kinimmune.cli.printing.model import equation_lines

    print(f"{content['model']}: {content['title']}")
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
    prior, spread = item["prior"], item["spread"]
    return (
        item["name"],
        format_number(item["value"]),
        item["unit"],
        "yes" if item["estimated"] else "no",
        "fixed" if prior is None else f"{prior['scale']} ({format_number(prior['median'])}, {format_number(prior['sd'])})",
        "-" if spread is None else f"{spread['scale']} ({spread['sd']})",
        item["status"],
        f"{item['source']}, {item['locator']}",
        item["meaning"],
    )


def _print_kinases(kinases: list[Mapping[str, Any]]) -> None:
    if not kinases:
        return
    rows = [(item["name"], format_number(item["ic50"]), item["unit"], item["drives"] or "nothing") for item in kinases]
    print_table("Kinases", ("kinase", "IC50", "unit", "drives"), rows, ("IC50",))
    idle = [item["name"] for item in kinases if item["drives"] is None]
    print(f"Kinases that drive nothing in this model: {', '.join(idle) or 'none'}")
