"""Arguments and options that several commands share, so that they read the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="Name of a model; `kinimmune list` shows them.")]
Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="FOLDER", help="Tables of your own; each replaces the package's table of that name."),
]
Config = Annotated[
    Path | None,
    typer.Option("-c", "--config", metavar="FILE", help="Settings in TOML; an option given here goes before them."),
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Seed of everything drawn at random.")]
Jobs = Annotated[int | None, typer.Option("--jobs", min=1, help="Threads; results do not depend on them.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object with a `schema` key.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no notes on stderr.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite what is there.")]
UnusedSeed = Annotated[int | None, typer.Option("--seed", min=0, hidden=True)]
"""For commands that draw nothing: accepted, so that scripts can pass the same options to every command."""
UnusedJobs = Annotated[int | None, typer.Option("--jobs", min=1, hidden=True)]
