"""Commands killed with `kill -9` at five random moments and resumed, compared bit for bit with the same left alone.

Run `python benchmarks/kills.py` for the fit, or give command lines, `{run}` standing for the run; the first makes it, the others
begin with a copy of it finished::

    python benchmarks/kills.py "fit hcc_trial -o {run} --patients 64" "profile {run}" "sample {run}" "sensitivity {run} --method sobol"

Everything in the results must be equal but wall times; every line must end with `equal`.
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
SHARE = 1 / 3
"""A kill comes before this share of the time the whole takes; five then come before the end, most times."""


@dataclass(frozen=True)
class Kill:
    """One attempt that was killed."""

    seconds: float
    kept: int
    """Finished steps then."""


def begin(command: str, run: Path, *, resume: bool) -> subprocess.Popen:
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


def kill_often(command: str, run: Path, longest: float, kills: int, rng: random.Random) -> list[Kill]:
    """Begin a command again and again and kill it at random moments; one that has ended before its moment ends this."""
    done = []
    for _ in range(kills):
        process = begin(command, run, resume=(run / "run.json").exists())
        moment = longest * rng.random()
        try:
            process.communicate(timeout=moment)
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        done.append(Kill(moment, len(list((run / "results" / "tasks").glob("[!.]*.json")))))
    return done


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
    if isinstance(value, dict):
        return {name: without_times(item) for name, item in value.items() if name not in NOT_BITS}
    return [without_times(item) for item in value] if isinstance(value, list) else value


def compare(whole: Path, killed: Path) -> str:
    """Return `equal`, or the files that differ."""
    first, second = results(whole), results(killed)
    names = sorted(name for name in {**first, **second} if repr(first.get(name)) != repr(second.get(name)))
    return f"{len(first)} files equal" if not names else f"DIFFERENT: {', '.join(names)}"


def main() -> None:
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
            taken = finish(command, whole, resume=False)
            kills = kill_often(command, killed, SHARE * taken, given.kills, rng)
            rest = finish(command, killed, resume=True)
            print(f"kinimmune {command.format(run='RUN')}\n  left alone {taken:.0f} s, after the kills {rest:.0f} s more")
            print("  killed after " + ", ".join(f"{kill.seconds:.1f} s ({kill.kept} steps kept)" for kill in kills))
            print(f"  {compare(whole, killed)}", flush=True)


if __name__ == "__main__":
    main()
