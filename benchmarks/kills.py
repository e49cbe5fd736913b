"""The long commands killed with `kill -9` at five random moments and resumed, compared bit for bit with the same left alone.

`python benchmarks/kills.py` does the fit of `hcc_trial`, and its profile, sample and Sobol study, in about ten minutes; with
`--jobs 2` by two processes, with `--dask` by a scheduler and two workers of its own on the loopback interface, of which one is
killed midway and not replaced.  Other commands can be given, `{run}` standing for the run; the first makes it, the others begin
with a copy of it finished::

    python benchmarks/kills.py "fit hcc_trial -o {run} --patients 64 --starts 6" "sample {run}"

Everything in results, kept tasks and figures must be equal but wall times.  Exit code 1 says that something is not, or that no
step was left after the kills.
"""

import argparse
import contextlib
import random
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kill_and_resume import (
    KILLS,
    Cluster,
    Process,
    Work,
    compare,
    count_steps,
    draw_moments,
    kill_often,
    open_dask_cluster,
    pace,
    wait,
)

COMMANDS = (
    "fit hcc_trial -o {run} --patients 16 --starts 8",
    "profile {run} --parameters growth_spread,kinase_shift --prediction hazard_ratio:sharp:os --draws 8",
    "sample {run} --steps 25",
    "sensitivity {run} --method sobol --output hazard_ratio:sharp:os --parameters growth_spread,kinase_shift --samples 512",
)
PROGRAMS = {
    "kinimmune": (str(Path(sys.executable).with_name("kinimmune")),),
    "scheduler": (sys.executable, "-m", "distributed.cli.dask_scheduler"),
    "worker": (sys.executable, "-m", "distributed.cli.dask_worker"),
}


@dataclass(frozen=True)
class Place:
    """Where everything is done."""

    folder: Path
    options: tuple[str, ...]
    """Of every command."""
    cluster: Cluster | None

    def begin(self, program: str, *arguments: str) -> Process:
        """Begin a program; what it says goes to a file."""
        with (self.folder / "log").open("a", encoding="utf-8") as log:
            return subprocess.Popen([*PROGRAMS[program], *arguments], stdout=log, stderr=log)

    def work(self, command: str, run: Path) -> Work:
        """Return a command as work in a run."""
        arguments = shlex.split(command.format(run=shlex.quote(str(run))))
        return Work((*arguments, *self.options, "--quiet"), run, count_steps(run))

    def finish(self, work: Work) -> float:
        """Carry a command out to its end and return the seconds it took; exit code 1 says that it did not converge."""
        start = time.monotonic()
        if wait(work.begin(self.begin)) not in (0, 1):
            raise SystemExit(f"kinimmune {shlex.join(work.arguments)}: {(self.folder / 'log').read_text(encoding='utf-8')}")
        return time.monotonic() - start


@dataclass(frozen=True)
class Outcome:
    """What became of a command."""

    command: str
    alone: float
    """Seconds it takes."""
    steps: int
    kept: list[int]
    """Finished tasks after each kill."""
    rest: float
    """Seconds after the kills."""
    equal: int
    """Files."""
    different: list[str]

    @property
    def good(self) -> bool:
        """Whether it was killed as often as it should, with work left, and nothing differs."""
        return len(self.kept) == KILLS and self.kept[-1] < self.steps and not self.different

    @property
    def row(self) -> str:
        """The outcome as a row of a table."""
        cells = (f"`{self.command.format(run='RUN')}`", f"{self.alone:.0f}", f"{self.steps}", ", ".join(map(str, self.kept)))
        return f"| {' | '.join(cells)} | {self.rest:.0f} | {self.equal} | {', '.join(self.different) or 'none'} |"


def kill_and_compare(place: Place, number: int, command: str, rng: random.Random) -> Outcome:
    """Carry a command out, and again with kills; all but the first begin with what the first has made."""
    whole, killed = place.folder / f"{number}-whole", place.folder / f"{number}-killed"
    if number:
        for run in (whole, killed):
            shutil.copytree(place.folder / "0-whole", run)
    alone = place.work(command, whole)
    seconds = place.finish(alone)
    work = place.work(command, killed)
    moments = draw_moments(rng, alone.finished, pace(whole, alone.finished))
    kept = kill_often(work, place.begin, moments, None if place.cluster is None else place.cluster.kill_worker)
    rest = place.finish(work)
    return Outcome(command, seconds, alone.finished, kept, rest, *compare(whole, killed))


@contextlib.contextmanager
def open_place(jobs: int, dask: bool) -> Iterator[Place]:
    """Return where commands are carried out."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        local = Place(Path(name), ("--jobs", str(jobs)), None)
        if not dask:
            yield local
            return
        cluster = stack.enter_context(open_dask_cluster(local.begin, local.folder))
        yield Place(local.folder, ("--dask", cluster.address), cluster)


def main() -> int:
    """Print a table of what became of every command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commands", nargs="*", default=COMMANDS)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--dask", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    print("| command | seconds alone | steps | steps kept at each kill | seconds after the kills | files equal | different |")
    print("|---|---|---|---|---|---|---|", flush=True)
    good = True
    with open_place(given.jobs, given.dask) as place:
        for number, command in enumerate(given.commands):
            outcome = kill_and_compare(place, number, command, rng)
            good &= outcome.good
            print(outcome.row, flush=True)
            if place.cluster is not None and number < len(given.commands) - 1:
                place.cluster.add_worker()  # the next command has two again
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
