"""The long commands while their run is deleted, moved, made read-only, filled up or interrupted midway, and resumed.

`python benchmarks/drills.py` lets every mishap of `mishaps.py` befall one of the fit of `examples/own_trial`, its profile, sample
and Sobol study, in turn from the one `--seed` says, at a random step.  Then it mends what a user would mend, goes on with
`--resume` (or begins anew, where the run is gone), and compares results, kept tasks and figures bit for bit with those of a
command that was left alone.  With `--all` every mishap befalls every command; `--mishaps SIGHUP` chooses by a part of the name.
What cannot be done on a machine is told on stderr.

Exit code 1 says that an exit code, a line on stderr, the status in `run.json` or a bit is not as it should be.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from kill_and_resume import PATIENCE, compare, count_steps
from mishaps import MISHAPS, Mishap, begin_bound, can_bind, fill_disk, open_small_disk, set_clock_back, strike_midway
from toy_tables import ESTIMATED, write_toy_tables

from kinimmune.fitting.runs.run import is_run, open_run

PROGRAM = str(Path(sys.executable).with_name("kinimmune"))
COMMANDS = {
    "fit": ("fit", "hcc_trial", "--data", "TABLES", "-o", "RUN", "--patients", "4", "--starts", "12"),
    "profile": ("profile", "RUN", "--parameters", "growth", "--draws", "0", "--jobs", "1"),
    "sample": ("sample", "RUN", "--method", "emcee", "--steps", "25", "--walkers", "4", "--jobs", "2"),
    "sensitivity": (
        *("sensitivity", "RUN", "--method", "sobol", "--output", "hazard_ratio:example:os"),
        *("--parameters", ",".join(ESTIMATED), "--samples", "192", "--jobs", "1"),
    ),
}
DISK = "32m"


@dataclass(frozen=True)
class Drill:
    """A command, what befalls it, and the same command left alone."""

    name: str
    mishap: Mishap
    whole: Path
    """A run of the command that was left alone."""
    run: Path
    before: int
    """Finished tasks the run holds before."""

    def carry_out(self, rng: random.Random) -> list[str]:
        """Return what is not as it should be, and print a row about it."""
        total = count_steps(self.whole) - self.before
        steps = self.before + rng.randrange(1, max(total - 1, 2))
        process = begin_bound(self.words(self.name, self.run), self.mishap.environment)
        code, said = strike_midway(self.mishap, self.run, steps, process)
        faults = judge(self.mishap, self.run, code, said)
        where = self.mishap.mend(self.run)
        kept = max(count_steps(where) - self.before, 0)
        equal, different = self.go_on(where)
        faults += [f"{len(different)} files differ: {different[:3]}"] if different else []
        line = said.strip().replace(str(self.run.parent), "").replace("|", "/") or "-"
        cells = (self.name, self.mishap.name, str(code), f"{kept} of {total}", str(equal), "; ".join(faults) or "none", line)
        print(f"| {' | '.join(cells)} |", flush=True)
        return faults

    def words(self, name: str, run: Path, *more: str) -> tuple[str, ...]:
        """Return the command line of a command in a run."""
        return give_words(name, run, self.whole.with_name("tables"), *more)

    def go_on(self, run: Path) -> tuple[int, list[str]]:
        """Go on with the command, or begin it anew where there is no run, and compare it with the one left alone."""
        if not is_run(run) and self.name != "fit":
            shutil.copytree(self.whole.with_name("fit"), run)
        tasks = run / "results" / "tasks"
        if self.name != "fit" and not ((tasks / "start-000.json").exists() and (run / "results" / "fit.json").exists()):
            finish(self.words("fit", run, "--resume"))
        finish(self.words(self.name, run, *(("--resume",) if is_run(run) else ())))
        return compare(self.whole, run)


def give_words(name: str, run: Path, tables: Path, *more: str) -> tuple[str, ...]:
    """Return the command line of a command in a run."""
    places = {"RUN": str(run), "TABLES": str(tables)}
    return (PROGRAM, *(places.get(word, word) for word in COMMANDS[name]), "--quiet", *more)


def judge(mishap: Mishap, run: Path, code: int, said: str) -> list[str]:
    """Return what is not as a mishap should leave it; a command may end with 1, which says that it did not converge."""
    faults = []
    if code != mishap.code and not (mishap.code == 0 and code == 1):
        faults.append(f"exit code {code}, not {mishap.code}")
    if mishap.says not in said or len(said.splitlines()) > 1 or "Traceback" in said:
        faults.append(f"stderr {said!r}")
    status = open_run(run).record.status if is_run(run) else None
    if status != mishap.status:
        faults.append(f"run.json {status}, not {mishap.status}")
    return faults


def finish(words: tuple[str, ...]) -> None:
    """Carry a command out to its end."""
    process = begin_bound(words)
    _, said = process.communicate(timeout=10.0 * PATIENCE)
    if process.returncode not in (0, 1):
        raise SystemExit(f"{words}: {process.returncode}: {said}")


def main() -> int:
    """Print a table of what became of every command under every mishap."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--mishaps", default="")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # no disk stays mounted
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:  # as under nohup; what is begun here is to hear it
        signal.signal(signal.SIGHUP, lambda *_: None)
    rng, faults = random.Random(given.seed), []
    print("| command | mishap | exit code | tasks kept | files equal after going on | faults | stderr |")
    print("|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as name, open_small_disk(Path(name) / "disk", DISK) as disk:
        folder = Path(name)
        mishaps = [item for item in list_mishaps(folder, disk) if given.mishaps in item.name]
        wholes = make_wholes(folder / "whole")
        for number, mishap in enumerate(mishaps):
            for command in COMMANDS if given.all else (list(COMMANDS)[(number + given.seed) % len(COMMANDS)],):
                place = disk if disk is not None and mishap.name == "the disk is full" else folder
                run = place / f"{command}-{number}"
                if command != "fit":
                    shutil.copytree(wholes["fit"], run)
                before = 0 if command == "fit" else count_steps(wholes["fit"])
                faults += Drill(command, mishap, wholes[command], run, before).carry_out(rng)
    return 1 if faults else 0


def list_mishaps(folder: Path, disk: Path | None) -> list[Mishap]:
    """Return what can befall a run on this machine; what cannot is told on stderr."""
    clock = set_clock_back(folder)
    found = [item for item in MISHAPS if clock is None or item.name != clock.name]
    found += [] if clock is None else [clock]
    found += [] if disk is None else [fill_disk(disk / "filled")]
    if clock is None:
        print("the clock itself is not set back: no C compiler here", file=sys.stderr)
    if disk is None:
        print("no disk is filled: no tmpfs can be mounted here", file=sys.stderr)
    if not can_bind():
        found = [item for item in found if item.name != "everything is made read-only"]
        print("nothing is made read-only: modes of files bind nobody here", file=sys.stderr)
    return found


def make_wholes(folder: Path) -> dict[str, Path]:
    """Return the runs of the commands that were left alone, by name, in a folder beside their tables."""
    tables = folder / "tables"
    folder.mkdir()
    write_toy_tables(tables)
    wholes = {name: folder / name for name in COMMANDS}
    for name, run in wholes.items():
        if name != "fit":
            shutil.copytree(wholes["fit"], run)
        finish(give_words(name, run, tables))
    return wholes


if __name__ == "__main__":
    sys.exit(main())
