"""Arguments and options that several commands share, so that they read the same everywhere, and what is checked about them.

Start with `ModelName`, an argument, and `names_run`, a check.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from kinimmune.cli.completion import complete_model
from kinimmune.models.errors import UsageError


def _refuse_seed(context: typer.Context, given: int | None) -> None:
    """Refuse a seed; no value reaches the command."""
    if given is not None:
        raise UsageError(f"--seed {given}: `{context.command_path}` draws nothing at random; leave it out")


def _refuse_jobs(context: typer.Context, given: int | None) -> None:
    """Refuse a number of threads."""
    if given is not None:
        raise UsageError(f"--jobs {given}: `{context.command_path}` computes one thing at a time; leave it out")


ModelName = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        autocompletion=complete_model,
        help="Name of a model or plug-in; `kinimmune list` shows them. Or FILE.py, or the folder of a project: its code is run.",
    ),
]
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
NoSeed = Annotated[int | None, typer.Option("--seed", hidden=True, callback=_refuse_seed)]
"""For commands that draw nothing at random: refused, since somebody who gives it takes results to depend on it."""
NoJobs = Annotated[int | None, typer.Option("--jobs", hidden=True, callback=_refuse_jobs)]
"""For commands that compute one thing at a time."""
Dask = Annotated[
    str | None, typer.Option("--dask", metavar="ADDRESS", help="Dask scheduler that gets the tasks in place of this machine.")
]
StudyName = Annotated[str | None, typer.Option("--study", metavar="STUDY", help="Study of all rows.")]
ArmName = Annotated[str | None, typer.Option("--arm", metavar="ARM", help="Arm of all rows.")]
EndpointName = Annotated[str | None, typer.Option("--endpoint", metavar="ENDPOINT", help="os, ttp or pfs, of all rows.")]
SourceKey = Annotated[str | None, typer.Option("--source", metavar="KEY", help="Where the numbers stand: a key of sources.csv.")]
Locator = Annotated[str | None, typer.Option("--locator", metavar="TEXT", help="Where in the source, such as 'figure 2'.")]
TimeUnitName = Annotated[
    str | None,
    typer.Option("--unit", metavar="UNIT", help="Of times: day, week, month or year; needed where no header tells it."),
]
ForceRows = Annotated[bool, typer.Option("--force", help="Replace rows of the same study, arm and endpoint that are there.")]
RUNS = Path("runs")
"""Folder of runs that are given none of their own."""


def choose_folder(model: str, given: Path | None) -> Path:
    """Return the folder of a new run: the one given, or the next free one of the model in `RUNS`."""
    from kinimmune.fitting.runs.run import free_path
    from kinimmune.models.model_file import name_model

    return free_path(RUNS, name_model(model)) if given is None else given


def require_folder(given: Path | None) -> Path:
    """Return the folder of a run that is to be resumed; raise a `UsageError` when none was given."""
    if given is None:
        raise UsageError("--resume needs a run; write -o RUN --resume")
    return given


def names_run(subject: str) -> bool:
    """Return whether RUN|MODEL on the command line is a run; what looks like a path and is no model is taken for one."""
    from kinimmune.fitting.projects.project import is_project
    from kinimmune.fitting.runs.run import is_run
    from kinimmune.models.catalogue import model_names
    from kinimmune.models.model_file import is_model_file

    path = Path(subject)
    if not is_run(path) and (is_model_file(subject) or is_project(path)):
        return False
    return is_run(path) or (subject not in model_names() and (path.exists() or len(path.parts) > 1))


def own_command() -> tuple[str, ...]:
    """Return the command line of this process, as runs keep it."""
    return ("kinimmune", *sys.argv[1:])


def split_names(text: str | None) -> tuple[str, ...]:
    """Return names that are separated by commas, none for None.

    >>> split_names("growth, kinase_shift,"), split_names(None)
    (('growth', 'kinase_shift'), ())
    """
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())
