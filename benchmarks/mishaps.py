"""What can befall a run while a command works in it, other than the death of the command: for `drills.py` and for tests.

Start with `MISHAPS` and `strike_midway`.  A mishap says what must come of it: the exit code, words of the one line on stderr,
how `run.json` stands then, and what a user does before he goes on.
"""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from kill_and_resume import PATIENCE, PAUSE, count_steps

Mend = Callable[[Path], Path]
"""Makes it possible to go on, and returns where the run lies then."""
WITHOUT_PRIVILEGES = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
"""A command that root begins is bound by the modes of files only without its capabilities."""
INTERRUPTED = 6
CLOCK = """
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static time_t back(void) { const char *file = getenv("DRILL_CLOCK"); return file && !access(file, F_OK) ? 315360000 : 0; }
int clock_gettime(clockid_t id, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, id, now);
    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) now->tv_sec -= back();
    return failed;
}
time_t time(time_t *now) { struct timespec t; clock_gettime(CLOCK_REALTIME, &t); if (now) *now = t.tv_sec; return t.tv_sec; }
int gettimeofday(struct timeval *now, void *zone) {
    struct timespec t; clock_gettime(CLOCK_REALTIME, &t);
    now->tv_sec = t.tv_sec; now->tv_usec = t.tv_nsec / 1000; return 0;
}
"""
"""A clock that goes ten years late as soon as a file is there."""
LITTLE_ROOM = 64
"""Bytes a file may have once the disk is full, less than a finished task takes."""


@dataclass(frozen=True)
class Mishap:
    """Something that befalls a run."""

    name: str
    strike: Callable[[Path, int], None]
    """Called midway with the folder of the run and the number of the process."""
    code: int
    says: str
    """A word of the line on stderr; empty where nothing is said."""
    status: str | None
    """What `run.json` tells afterwards, None where there is none."""
    mend: Mend = lambda run: run
    environment: Mapping[str, str] | None = None


def _delete(*names: str) -> Callable[[Path, int], None]:
    def strike(run: Path, _process: int) -> None:
        for path in [run / name for name in names]:
            path.unlink() if path.is_file() else shutil.rmtree(path)

    return strike


def _move(run: Path, _process: int) -> None:
    run.rename(run.with_name(f"{run.name}-elsewhere"))


def _move_back(run: Path) -> Path:
    """Leave the run in its new place, where it goes on."""
    return run.with_name(f"{run.name}-elsewhere")


def _forbid(run: Path, _process: int) -> None:
    for path in (*run.rglob("*"), run):
        path.chmod(path.stat().st_mode & ~0o222)


def _allow(run: Path) -> Path:
    for path in (run, *run.rglob("*")):
        path.chmod(path.stat().st_mode | 0o200)
    return run


def _limit(_run: Path, process: int) -> None:
    resource.prlimit(process, resource.RLIMIT_FSIZE, (LITTLE_ROOM, LITTLE_ROOM))


def _age(run: Path, _process: int) -> None:
    """Set the clock of everything there is back by decades, one file more than the other."""
    for number, path in enumerate(sorted(run.rglob("*"), reverse=True)):
        os.utime(path, (1e8 * (number % 3), 1e8 * (number % 3)))
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    (run / "run.json").write_text(json.dumps(record | {"started": "2099-12-31T23:59:59+00:00"}), encoding="utf-8")


def _signals(*numbers: int) -> Callable[[Path, int], None]:
    def strike(_run: Path, process: int) -> None:
        for number in numbers:
            os.kill(process, number)
            time.sleep(PAUSE)

    return strike


def _halt(_run: Path, process: int) -> None:
    os.kill(process, signal.SIGSTOP)
    time.sleep(1.0)
    os.kill(process, signal.SIGCONT)


MISHAPS = (
    Mishap("the folder is deleted", _delete("."), 7, "is gone", None),
    Mishap("results are deleted", _delete("results"), 7, "results/tasks is gone", "failed"),
    Mishap("finished tasks are deleted", _delete("results/tasks"), 7, "results/tasks is gone", "failed"),
    Mishap("run.json is deleted", _delete("run.json"), 0, "", "done"),
    Mishap("the lock file is deleted", _delete(".lock"), 7, "is gone", "interrupted"),
    Mishap("the folder is moved", _move, 7, "is gone", None, _move_back),
    Mishap("everything is made read-only", _forbid, 7, "Permission denied", "interrupted", _allow),
    Mishap("no file may grow any more", _limit, 7, "File too large", "interrupted"),
    Mishap("the clock is set back", _age, 0, "", "done"),
    Mishap("SIGINT", _signals(signal.SIGINT), 6, "interrupted; finished tasks are kept, go on with: ", "interrupted"),
    Mishap("SIGTERM twice", _signals(signal.SIGTERM, signal.SIGTERM), 6, "go on with: ", "interrupted"),
    Mishap("SIGHUP", _signals(signal.SIGHUP), 6, "go on with: ", "interrupted"),
    Mishap("SIGSTOP and SIGCONT", _halt, 0, "", "done"),
)


def fill_disk(room: Path) -> Mishap:
    """Return that the disk of a run gets full; `room` is a file on it that does not exist yet."""

    def fill(_run: Path, _process: int) -> None:
        with room.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(bytes(4096)):
                pass

    def make_room(run: Path) -> Path:
        room.unlink()
        return run

    return Mishap("the disk is full", fill, 7, "No space left on device", "interrupted", make_room)


def set_clock_back(folder: Path) -> Mishap | None:
    """Return that the clock is set back by ten years, as a command sees it; None where no compiler can make that so."""
    switch, source, library = folder / "ten-years-ago", folder / "clock.c", folder / "clock.so"
    source.write_text(CLOCK, encoding="utf-8")
    if shutil.which("cc") is None or sys.platform != "linux":
        return None
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)

    def strike(run: Path, process: int) -> None:
        switch.touch()
        _age(run, process)

    def keep(run: Path) -> Path:
        return run

    return Mishap("the clock is set back", strike, 0, "", "done", keep, {"LD_PRELOAD": str(library), "DRILL_CLOCK": str(switch)})


@contextmanager
def open_small_disk(folder: Path, size: str) -> Iterator[Path | None]:
    """Return a disk of its own at a folder, which is made, None where none can be had."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "drill", folder], capture_output=True, check=False)
    if mounted.returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def strike_midway(mishap: Mishap, run: Path, steps: int, process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait until a run holds so many finished tasks, let a mishap befall it, and return exit code and stderr of the command.

    Where no signal is sent the command stands still meanwhile, so that what befalls it comes at once.
    """
    end = time.monotonic() + PATIENCE
    while count_steps(run) < steps:
        if process.poll() is not None:
            raise RuntimeError(f"{mishap.name}: the command ended with {process.poll()} before it had finished {steps} tasks")
        if time.monotonic() > end:
            raise TimeoutError(f"{mishap.name}: {count_steps(run)} of {steps} tasks after {PATIENCE:g} s")
        time.sleep(PAUSE)
    worker = psutil.Process(process.pid)
    if mishap.code != INTERRUPTED:
        worker.suspend()
    mishap.strike(run, process.pid)
    if mishap.code != INTERRUPTED:
        worker.resume()
    _, said = process.communicate(timeout=10.0 * PATIENCE)
    return process.returncode, said


def begin_bound(words: Sequence[str], environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Begin a command that the modes of files bind, also for root; stderr is a pipe."""
    given = (*WITHOUT_PRIVILEGES, *words) if os.geteuid() == 0 else tuple(words)
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return subprocess.Popen(given, **pipes, text=True, env={**os.environ, **(environment or {})})


def can_bind() -> bool:
    """Return whether modes of files can be made to bind a command here."""
    return sys.platform == "linux" and (os.geteuid() != 0 or shutil.which("setpriv") is not None)
