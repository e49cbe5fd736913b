"""Commands killed with `kill -9` at five random moments and resumed, compared bit for bit with the same left alone.

Run `python benchmarks/kills.py` for the fit, or give command lines, `{run}` standing for the run; the first makes it, the others
begin with a copy of it finished::

    python benchmarks/kills.py "fit hcc_trial -o {run} --patients 64 --starts 3" "profile {run}" "sample {run}"

Everything in the results must be equal but wall times.
"""

import argparse
import json
import random
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

FIT = "fit hcc_trial -o {run} --patients 64 --starts 3"
PROGRAM = Path(sys.executable).with_name("kinimmune")
NOT_BITS = {"wall_seconds", "beside"}
SHARE = 0.8
"""A kill comes before this share of the time the steps left should take; five then come before the end, most times."""


@dataclass(frozen=True)
class Kill:
    """One attempt that was killed."""

    seconds: float
    kept: int
    """Finished steps then."""


def begin(command: str, run: Path, *, resume: bool) -> subprocess.Popen:
    """Begin a command in a run."""
    words = shlex.split(command.format(run=run))
    again = ["--resume"] if resume else []
    return subprocess.Popen([PROGRAM, *words, "--quiet", *again], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def finish(command: str, run: Path, *, resume: bool) -> float:
    """Carry a command out to its end and return the seconds it took; exit code 1 says that it did not converge."""
    start = time.monotonic()
    process = begin(command, run, resume=resume)
    _, err = process.communicate()
    if process.returncode not in (0, 1):
        raise SystemExit(f"kinimmune {command}: exit code {process.returncode}: {err}")
    return time.monotonic() - start


def kill_often(command: str, run: Path, taken: float, steps: int, moments: list[float]) -> list[Kill]:
    """Begin a command again and again and kill it at random moments; one that has ended before its moment ends this.

    Parameters
    ----------
    command
        command line
    run
        where
    taken
        what the whole takes [s]
    steps
        how many steps it has
    moments
        one a kill, between 0 and 1
    """
    before, done = count_steps(run), []
    for moment in moments:
        left = taken * max(1.0 - (count_steps(run) - before) / max(steps, 1), 0.1)
        process = begin(command, run, resume=(run / "run.json").exists())
        seconds = SHARE * left * moment
        try:
            process.communicate(timeout=seconds)
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        done.append(Kill(seconds, count_steps(run) - before))
    return done


def count_steps(run: Path) -> int:
    """Return how many finished steps a run holds."""
    return len(list((run / "results" / "tasks").glob("[!.]*.json")))


def results(run: Path) -> dict[str, object]:
    """Return the content of all results and kept steps, without what may differ."""
    found: dict[str, object] = {}
    for path in sorted((run / "results").rglob("[!.]*.*")):
        if path.suffix == ".json":
            found[str(path.relative_to(run))] = without_times(json.loads(path.read_text()))
        elif path.is_file():
            found[str(path.relative_to(run))] = path.read_bytes()
    return found


def without_times(value: object) -> object:
    """Return the value without wall times and what lies beside the inputs of a step."""
    if isinstance(value, dict):
        return {name: without_times(item) for name, item in value.items() if name not in NOT_BITS}
    return [without_times(item) for item in value] if isinstance(value, list) else value


def compare(whole: Path, killed: Path) -> str:
    """Return how many files are equal, or those that differ."""
    first, second = results(whole), results(killed)
    names = sorted(name for name in {**first, **second} if repr(first.get(name)) != repr(second.get(name)))
    return f"{len(first)} files equal" if not names else f"DIFFERENT: {', '.join(names)}"


def main() -> None:
    """Print what became of every command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commands", nargs="*", default=[FIT])
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "0-whole"
        for place, command in enumerate(given.commands):
            whole, killed = Path(folder) / f"{place}-whole", Path(folder) / f"{place}-killed"
            if place:
                shutil.copytree(made, whole)
                shutil.copytree(made, killed)
            before = count_steps(whole)
            taken = finish(command, whole, resume=False)
            moments = [rng.random() for _ in range(given.kills)]
            kills = kill_often(command, killed, taken, count_steps(whole) - before, moments)
            rest = finish(command, killed, resume=True)
            print(f"kinimmune {command.format(run='RUN')}\n  left alone {taken:.0f} s, after the kills {rest:.0f} s more")
            print("  killed after " + ", ".join(f"{kill.seconds:.1f} s ({kill.kept} steps kept)" for kill in kills))
            print(f"  {compare(whole, killed)}", flush=True)


if __name__ == "__main__":
    main()
