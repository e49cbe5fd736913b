"""`kinimmune task`: one kept step of a run once more in this process, so that a failure can be seen again."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.terminal import Notes, print_json

if TYPE_CHECKING:
    from kinimmune.fitting.tasks import KeptStep
    from kinimmune.fitting.work import Work

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")]
StepName = Annotated[str, typer.Argument(metavar="STEP", help="Name of a finished step, as in RUN/failures.csv.")]


def task(run: RunFolder, step: StepName, as_json: options.Json = False, quiet: options.Quiet = False) -> None:
    """Carry out one finished step of a run again and print its outcome as JSON; nothing in the run changes."""
    import json

    from kinimmune.cli.long_work import open_store
    from kinimmune.fitting.places import one_blas_thread
    from kinimmune.fitting.runs import open_run

    kept = open_store(open_run(run)).read(step)
    work = _find_work(kept)
    with one_blas_thread():
        outcome = dict(work({**kept.inputs, **kept.beside}))
    same = json.dumps(outcome) == json.dumps(kept.outcome)
    Notes(quiet).say("the outcome is the one that was kept" if same else "the outcome is not the one that was kept")
    content = {"schema": "kinimmune.task_again/1", "run": str(run), "step": step, "work": kept.work, "same": same}
    print_json({**content, "outcome": _without_infinities(outcome)})


def known_works() -> "tuple[Work, ...]":
    """Return every function whose steps can be carried out again; a name in a file is only compared with theirs."""
    from kinimmune.fitting import identifiability, mechanism_share, profile_points
    from kinimmune.fitting.fit import run_start
    from kinimmune.fitting.sample import survey_posterior, walk_posterior
    from kinimmune.fitting.sample_predictions import predict_draws
    from kinimmune.fitting.sensitivity_blocks import measure_block

    sampling = (survey_posterior, walk_posterior, predict_draws)
    profiling = (*profile_points.WORKS, *identifiability.WORKS, *mechanism_share.WORKS)
    return (run_start, measure_block, *sampling, *profiling)


def _find_work(kept: "KeptStep") -> "Work":
    from kinimmune.fitting.work import title_of
    from kinimmune.models.errors import DataError

    works = {title_of(work): work for work in known_works()}
    if kept.work not in works:
        known = ", ".join(works)
        raise DataError(f"step '{kept.name}' was made by '{kept.work}', which this version does not know; known are {known}")
    return works[kept.work]


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
