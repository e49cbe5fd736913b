"""Commands in processes of their own, with a limit of time and memory: a fork of this one, or a program begun anew.

Start with `run_forked` and `run_anew`.  A fork needs no seconds to import everything; this process must have done that, with
`load_everything`, and must have one thread alone.
"""

import gc
import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import psutil

LONGEST = 60.0
"""A command that computes longer than this hangs, or waits longer than this for nothing [s]."""
IDLE = 0.05
"""Share of the time a command computes below which it waits; on a busy machine it still gets more."""
PATIENCE = 600.0
"""Whatever it does, a command is not waited for longer [s]."""
LARGEST = 2 * 2**30
"""A command with its children that needs more memory needs too much [byte]."""
PAUSE = 0.02
"""Between two looks [s]."""
KILLED_FOR_MEMORY, KILLED_FOR_TIME = "memory", "time"
LATE = (
    *(
        "arviz",
        "emcee",
        "SALib",
        "typst",
        "rich.table",
        "rich.progress",
        "kinimmune.cli.printing.fit",
        "kinimmune.cli.printing.claims",
    ),
    *("kinimmune.cli.printing.profile", "kinimmune.cli.printing.sensitivity", "kinimmune.cli.printing.sample"),
    *("kinimmune.cli.printing.model", "kinimmune.cli.printing.individual", "kinimmune.cli.self_test"),
    *("kinimmune.fitting.estimation.run", "kinimmune.fitting.identifiability.run", "kinimmune.fitting.sampling.run"),
    *("kinimmune.fitting.sensitivity.run", "kinimmune.fitting.claims.run", "kinimmune.reports.figures.catalogue"),
    *("kinimmune.fitting.task_functions", "kinimmune.fitting.lint", "kinimmune.reports.gather", "kinimmune.reports.document"),
)
"""What commands import when they run."""


@dataclass(frozen=True)
class Outcome:
    """What became of a command."""

    code: int
    """Exit code, negative for a signal."""
    out: str
    err: str
    seconds: float
    peak: int
    """Largest resident memory that was seen, children included [byte]."""
    killed: str = ""
    """For what it was killed; empty where it ended by itself."""


def load_everything(tables: Path, *, quick: bool) -> None:
    """Import what commands import, build every model once, and load the kernels commands need.

    Parameters
    ----------
    tables
        of a trial that `hcc_trial` is fitted to
    quick
        whether to leave out the kernels of claims
    """
    os.environ["MPLBACKEND"] = "agg"
    for name in LATE:
        importlib.import_module(name)
    from kinimmune.fitting.problem.problem import build_problem
    from kinimmune.models.catalogue import load_model, model_names
    from kinimmune.models.kernel.kernel import load_kernel
    from kinimmune.models.tables.rows import Tables

    models = {name: load_model(name) for name in model_names()}
    build_problem("hcc_trial", Tables(tables), patients=4, seed=1)
    for name in () if quick else ("hcc_cells", "melanoma"):
        load_kernel(models[name])
    if threading.active_count() > 1:
        raise RuntimeError("a fork has one thread alone, and this process has more")


def run_forked(arguments: Sequence[str], folder: Path, longest: float = LONGEST) -> Outcome:
    """Carry a command out in a fork of this process, in a folder; `longest` [s] is how long it may compute, or wait."""
    gc.freeze()
    out, err = folder.parent / "out", folder.parent / "err"
    begin = time.monotonic()
    number = os.fork()
    if not number:
        _become(arguments, folder, out, err)
    return _watch(number, lambda: _reap(number), begin, longest, (out, err))


def _become(arguments: Sequence[str], folder: Path, out: Path, err: Path) -> None:
    """Turn into the command and end with its exit code; 70 is a traceback."""
    code = 70
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for path, stream in ((out, 1), (err, 2)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), stream)
        os.chdir(folder)
        sys.modules["__main__"] = ModuleType("__main__")
        sys.argv = ["kinimmune", *arguments]
        from kinimmune.cli.main import main

        code = main(arguments)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _reap(number: int) -> int | None:
    ended, status = os.waitpid(number, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def run_anew(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Outcome:
    """Carry a command out in a new process, in a folder."""
    out, err = folder.parent / "out", folder.parent / "err"
    program = str(Path(sys.executable).with_name("kinimmune"))
    begin = time.monotonic()
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            [program, *arguments],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
    return _watch(process.pid, process.poll, begin, LONGEST, (out, err))


def _watch(number: int, poll: Callable[[], int | None], begin: float, longest: float, streams: tuple[Path, Path]) -> Outcome:
    """Wait for a process, and kill it and all it began when it takes too long or grows too large."""
    peak, killed = 0, ""
    while (code := poll()) is None:
        memory, computed = _measure(number)
        peak = max(peak, memory)
        killed = killed or _find_excess(peak, computed, time.monotonic() - begin, longest)
        if killed:
            _kill_group(number)
        time.sleep(PAUSE)
    _kill_group(number)  # what it left behind
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in streams]
    return Outcome(code, *texts, time.monotonic() - begin, peak, killed)


def _find_excess(peak: int, computed: float, waited: float, longest: float) -> str:
    """Return for what a process is to be killed, empty for nothing."""
    if peak > LARGEST:
        return KILLED_FOR_MEMORY
    hangs = waited > longest and (computed > longest or computed < IDLE * waited)
    return KILLED_FOR_TIME if hangs or waited > PATIENCE else ""


def _measure(number: int) -> tuple[int, float]:
    """Return the resident memory of a process and its children [byte] and the time they have computed [s]."""
    memory, computed = 0, 0.0
    try:
        process = psutil.Process(number)
        for item in (process, *process.children(recursive=True)):
            memory += item.memory_info().rss
            computed += sum(item.cpu_times()[:2])
    except psutil.NoSuchProcess:
        pass
    return memory, computed


def _kill_group(number: int) -> None:
    try:
        os.killpg(number, signal.SIGKILL)
    except ProcessLookupError:
        return
