"""What each model can be tried and fitted with, and its experiments: what `kinimmune list` and `show` print.

Start with `describe_abilities`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from kinimmune.cli.terminal import print_table
from kinimmune.fitting.problem.fittable import examine_fit
from kinimmune.models.experiments.design import Experiment
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.tables.readers import read_experiments
from kinimmune.models.tables.rows import Tables

Json = dict[str, Any]


def describe_abilities(model: OdeModel, tables: Tables) -> Json:
    """Return what a model can be tried and fitted with, ready for JSON.

    Raises
    ------
    DataError
        when the tables of trials, targets or experiments are wrong
    """
    scope = examine_fit(model, tables)
    return {
        "endpoints": list(map(str, scope.endpoints)),
        "experiments": [item.name for item in read_experiments(model, tables)],
        "targets": scope.targets,
        "can_be_fitted": not scope.obstacle,
        "obstacle": scope.obstacle or None,
    }


def print_abilities(abilities: Mapping[str, Json]) -> None:
    """Print what each model can be tried and fitted with."""
    rows = [
        (
            name,
            ", ".join(item["endpoints"]) or "no",
            str(len(item["experiments"]) or "-"),
            ", ".join(f"{study} ({count})" for study, count in item["targets"].items()) or "no",
        )
        for name, item in abilities.items()
    ]
    print_table("What they can be tried with", ("name", "trial", "experiments", "fitted numbers of"), rows, ("experiments",))
    for name, item in abilities.items():
        if item["endpoints"] and item["obstacle"]:
            print(f"{name} cannot be fitted: {item['obstacle']}\n")


def describe_experiments(experiments: Iterable[Experiment]) -> list[Json]:
    """Return the experiments of a model with what they mean, ready for JSON."""
    return [{"name": item.name, "meaning": item.meaning} for item in experiments]


def print_experiments(model: str, experiments: Iterable[Mapping[str, str]]) -> None:
    """Print the experiments of a model, nothing where it has none."""
    rows = [(item["name"], item["meaning"]) for item in experiments]
    if rows:
        print_table(f"Experiments (kinimmune simulate {model} --arm NAME)", ("experiment", "meaning"), rows)
