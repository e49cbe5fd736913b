"""`kinimmune list`: the models, the trials the tables describe, and the examples."""

from typing import Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.names import require_names
from kinimmune.cli.terminal import Notes, print_json, print_table

Alone = Annotated[
    str | None, typer.Argument(metavar="MODEL", help="A model, plug-in, FILE.py or project alone; everything if none.")
]


def list_models(
    model: Alone = None,
    data: options.Data = None,
    seed: options.NoSeed = None,
    jobs: options.NoJobs = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """List models with what they can be tried and fitted with, studies with their arms, and examples for `kinimmune init`."""
    if model is not None:
        require_names(model, data)
    from kinimmune.cli.printing.abilities import print_abilities
    from kinimmune.cli.printing.offers import describe_all, describe_one
    from kinimmune.fitting.projects.examples import list_examples
    from kinimmune.models.tables.readers import read_trials

    tables, models = describe_all(data, Notes(quiet)) if model is None else describe_one(model, data, Notes(quiet))
    trials, examples = read_trials(tables), list_examples() if model is None else {}
    if as_json:
        print_json(
            {
                "schema": "kinimmune.list/1",
                "models": models,
                "trials": [
                    {"study": trial.study, "title": trial.title, "arms": {arm.name: arm.n for arm in trial.arms}}
                    for trial in trials
                ],
                "examples": [{"name": name, "title": title} for name, title in examples.items()],
            }
        )
        return
    rows = [(item["name"], str(item["states"]), str(item["parameters"]), item["title"]) for item in models]
    print_table("Models", ("name", "states", "parameters", "title"), rows, ("states", "parameters"))
    print_abilities({item["name"]: item for item in models})
    arms = [(trial.study, ", ".join(f"{arm.name} ({arm.n})" for arm in trial.arms), trial.title) for trial in trials]
    print_table("Trials", ("study", "arms (patients)", "title"), arms)
    if examples:
        print_table("Examples (kinimmune init NAME --from EXAMPLE)", ("example", "title"), list(examples.items()))
