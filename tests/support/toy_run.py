"""The toy as one more command, `toy_run.py RUN [--jobs N] [--resume] [--force]`, on top of what every command uses."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from toy_steps import walks

from kinimmune.cli.main import app, main
from kinimmune.cli.session import ExecutionOptions, run_in
from kinimmune.cli.terminal import Notes
from kinimmune.fitting.runs.lock import lock_run
from kinimmune.fitting.runs.provenance import current_environment
from kinimmune.fitting.runs.run import RunRecord, create_run, is_run, open_run
from kinimmune.fitting.workflow.runtime import Runtime

WALKS, BLOCKS = 4, 5


@app.command()
def toy(
    folder: Annotated[Path, typer.Argument()],
    jobs: int = 1,
    dask: str | None = None,
    pause: float = 0.05,
    resume: bool = False,
    force: bool = False,
) -> None:
    """Walk, and write where every walk went."""
    record = RunRecord(("toy_run.py",), "toy", 1, "2026-01-31T12:00:00+00:00", current_environment(), {})

    def work(runtime: Runtime) -> None:
        run.write("results/toy.json", json.dumps(runtime.run(walks(WALKS, BLOCKS, pause))))

    with lock_run(folder, force=force):
        run = open_run(folder) if is_run(folder) else create_run(folder, record)
        run_in(run, ExecutionOptions(jobs, dask, resume, force, Notes(quiet=False)), "toy", WALKS * BLOCKS, work)


if __name__ == "__main__":
    sys.exit(main(["toy", *sys.argv[1:]]))
