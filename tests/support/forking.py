"""A process that has loaded everything once and forks a process for every program it is told to begin.

`forking.py FOLDER PATIENTS` loads the package and the fit of `hcc_trial` to the tables of the folder.  It reads orders from stdin
and answers each with a line on stdout, both JSON: `{"begin": PROGRAM, "arguments": [...], "log": FILE}` with the number of the
process, `{"poll": NUMBER}` with its exit code, or null as long as it runs.  It ends when stdin does.
"""

import gc
import importlib
import json
import os
import sys
import threading
from pathlib import Path
from types import ModuleType

import distributed.cli.dask_scheduler
import distributed.cli.dask_worker

from kinimmune.cli.main import main as kinimmune
from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem
from kinimmune.models.tables.rows import Tables

LATE = (
    "arviz",
    "emcee",
    "kinimmune.cli.printing.fit",
    "kinimmune.cli.printing.profile",
    "kinimmune.cli.printing.sensitivity",
    "kinimmune.cli.printing.sample",
    "kinimmune.fitting.estimation.run",
    "kinimmune.fitting.workflow.dask_cluster",
    "kinimmune.fitting.identifiability.run",
    "kinimmune.fitting.sampling.run",
    "kinimmune.fitting.sensitivity.run",
    "kinimmune.reports.figures.catalogue",
    "rich.table",
)
"""What commands import when they run."""


def begin(program: str, arguments: list[str], log: str) -> int:
    """Fork a process that is a program, and return its number."""
    number = os.fork()
    if number:
        return number
    code = 70
    try:
        _become(log)
        code = _run(program, arguments)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _become(log: str) -> None:
    """Leave behind what belongs to the parent: its pipes, its arguments, and its main module, which a worker would import."""
    null, file = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for source, target in ((null, 0), (file, 1), (file, 2)):
        os.dup2(source, target)
    sys.modules["__main__"] = ModuleType("__main__")


def _run(program: str, arguments: list[str]) -> int:
    sys.argv = [program, *arguments]
    if program == "kinimmune":
        return kinimmune(arguments)
    dask = distributed.cli.dask_worker if program == "worker" else distributed.cli.dask_scheduler
    dask.main(arguments, standalone_mode=False)
    return 0


def poll(number: int) -> int | None:
    """Return the exit code of a process, negative for a signal, None as long as it runs."""
    ended, status = os.waitpid(number, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def serve(folder: Path, patients: int) -> None:
    """Load everything, and follow orders until there are none."""
    for name in LATE:
        importlib.import_module(name)
    open_problem(
        ProblemSettings(model="hcc_trial", tables=digest_inputs("hcc_trial", Tables(folder)), patients=patients, seed=1),
        str(folder),
    )
    assert threading.active_count() == 1  # a fork has none of the others
    gc.freeze()
    for line in sys.stdin:
        order = json.loads(line)
        answer = poll(order["poll"]) if "poll" in order else begin(order["begin"], order["arguments"], order["log"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
