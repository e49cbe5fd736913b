"""`kinimmune init`: a project that runs at once, from an example or a model of the package."""

from pathlib import Path
from typing import Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.terminal import print_json

Folder = Annotated[Path, typer.Argument(metavar="NAME", help="Folder to make; it may exist when it is empty.")]
Source = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="MODEL|EXAMPLE",
        help="A model, or an example; `kinimmune list` shows both. own_model has a model file of its own; own_trial if none.",
    ),
]


def init(
    folder: Folder,
    source: Source = None,
    seed: options.NoSeed = None,
    jobs: options.NoJobs = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make a project: tables, their meaning in README.md, and kinimmune.toml with the model and settings of commands.

    Every command that takes MODEL takes the folder.
    """
    from kinimmune.fitting.projects.beginning import plan_project, write_project

    project = plan_project(source)
    names = write_project(project, folder)
    steps = project.list_commands(folder)
    if as_json:
        print_json({"schema": "kinimmune.init/1", "folder": str(folder), "files": list(names), "next": steps})
    else:
        print(f"made {folder}: {project.title}")
        print("\n".join(f"  {step}" for step in steps))
