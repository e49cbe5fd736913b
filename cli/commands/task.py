"""`kinimmune task`: one kept task of a run once more in this process, so that a failure can be seen again."""

import math
from pathlib import Path
from typing import Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.terminal import Notes, print_json

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")]
StepName = Annotated[str, typer.Argument(metavar="STEP", help="Name of a finished task, as in RUN/failures.csv.")]


def task(run: RunFolder, step: StepName, as_json: options.Json = False, quiet: options.Quiet = False) -> None:
    """Carry out one finished task of a run again and print its outcome as JSON; nothing in the run changes."""
    import json

    from kinimmune.cli.session import open_store
    from kinimmune.fitting.runs.run import open_run
    from kinimmune.fitting.task_functions import compute_again

    kept = open_store(open_run(run)).read(step)
    outcome = compute_again(kept)
    same = json.dumps(outcome) == json.dumps(kept.outcome)
    Notes(quiet).say("the outcome is the one that was kept" if same else "the outcome is not the one that was kept")
    content = {"schema": "kinimmune.task_again/1", "run": str(run), "step": step, "work": kept.function, "same": same}
    print_json({**content, "outcome": _without_infinities(outcome)})


def _without_infinities(value: object) -> object:
    """Return the value with None for numbers that JSON has no word for.

    >>> _without_infinities({"cost": float("inf"), "point": [0.5]})
    {'cost': None, 'point': [0.5]}
    """
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {name: _without_infinities(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_infinities(item) for item in value]
    return value
