"""The toy as a command: `toy_run.py RUN [--jobs N] [--dask ADDRESS] [--resume] [--force]`, on top of what every command uses."""

import argparse
import json
import sys
from pathlib import Path

import typer
from toy_steps import walks

from kinimmune.cli.exits import exit_code
from kinimmune.cli.session import ExecutionOptions, run_in
from kinimmune.cli.terminal import Notes, print_error
from kinimmune.fitting.runs.provenance import current_environment
from kinimmune.fitting.runs.run import RunRecord, create_run, is_run, open_run
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.models.errors import KinimmuneError

WALKS, BLOCKS = 4, 5


def main() -> int:
    """Walk, and write where every walk went."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--dask")
    parser.add_argument("--pause", type=float, default=0.05)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--force", action="store_true")
    given = parser.parse_args()
    record = RunRecord(("toy_run.py",), "toy", 1, "2026-01-31T12:00:00+00:00", current_environment(), {})

    def work(runtime: Runtime) -> list:
        return runtime.run(walks(WALKS, BLOCKS, given.pause))

    try:
        run = open_run(given.run) if is_run(given.run) else create_run(given.run, record)
        options = ExecutionOptions(given.jobs, given.dask, given.resume, given.force, Notes(quiet=False))
        run.write("results/toy.json", json.dumps(run_in(run, options, "toy", WALKS * BLOCKS, work)))
    except KinimmuneError as error:
        print_error(str(error))
        return exit_code(error)
    except typer.Exit as end:
        return end.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
