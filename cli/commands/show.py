"""`kinimmune show`: the equations of a model and every number in them, with its origin."""

from typing import Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.names import require_names
from kinimmune.cli.terminal import Notes, print_json


def show(
    model: options.ModelName,
    arrow: Annotated[bool, typer.Option("--arrow", help="Print only the names of the arrows that can be cut.")] = False,
    data: options.Data = None,
    config: options.Config = None,
    seed: options.NoSeed = None,
    jobs: options.NoJobs = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Show a model: equations by mechanism, states, experiments, and parameters with prior, status and source."""
    require_names(model, data, config)
    from kinimmune.cli.printing.abilities import describe_experiments, print_experiments
    from kinimmune.cli.printing.model import describe, print_model
    from kinimmune.cli.subjects import say_first
    from kinimmune.fitting.projects.project import choose_subject
    from kinimmune.models.catalogue import load_model
    from kinimmune.models.model_file import open_model
    from kinimmune.models.tables.readers import read_experiments, read_kinases
    from kinimmune.models.tables.rows import Tables

    subject = choose_subject(model, config, {"data": data})
    say_first(Notes(quiet), subject)
    name, tables = open_model(subject.model, Tables(subject.settings.data))
    built = load_model(name, tables)
    content = describe(built, read_kinases(tables)) | {"experiments": describe_experiments(read_experiments(built, tables))}
    if as_json:
        print_json(content)
    elif arrow:
        print("\n".join(content["arrows"]))
    else:
        print_model(content)
        print_experiments(model, content["experiments"])
