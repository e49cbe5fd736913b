"""Whether two versions of kinimmune print the same bits: what a reorganisation of the code must not change.

Run `python benchmarks/same_results.py --before PROGRAM --after PROGRAM [--quick]`, each the `kinimmune` of an environment.  Both
carry out the same small commands side by side, in two temporary folders with the same names, each with a cache of kernels of its
own.  The JSON they print, their exit codes and the results in their run folders are compared key by key, numbers by all their
bits; wall times alone may differ.  It prints a line for each command and every difference with its path, and exits with 1 when
there is any.  `--quick` leaves out the fit at its defaults.

Kept until the next release.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

MAY_DIFFER = {"wall_seconds"}
WIDTH = 60
"""Of a value that is printed."""
MODELS = ("breast", "gompertz", "hcc_cells", "hcc_mouse", "hcc_trial", "melanoma")
ARMS = (
    ("hcc_trial", "sharp:sorafenib"),
    ("hcc_trial", "asia_pacific:placebo"),
    ("hcc_cells", "hepg2_high"),
    ("hcc_mouse", "sorafenib_30"),
    ("breast", "cdk46i_low_pd1"),
    ("melanoma", "sorafenib_temozolomide"),
)
FIT = "fit hcc_trial --seed 1 -o default"
SMALL = (
    "fit hcc_trial --seed 3 --patients 16 --starts 2 --compare-rules -o small",
    "profile small --parameters growth:sharp --draws 4",
    "sample small --walkers 20 --steps 25",
    "sensitivity small --method local --output median:sharp:sorafenib:os",
    "sensitivity small --method prcc --posterior --output hazard_ratio:sharp:os --samples 64",
    "sensitivity hcc_trial --method sobol --output hazard_ratio:sharp:os --patients 16 --samples 16 -o sobol",
    "sensitivity hcc_mouse --method morris --output state:treg_number:10 --samples 8 -o morris",
)
RUNS = ("default", "small", "sobol", "morris")
LONG = {"fit", "claims", "profile", "sample", "sensitivity"}


def list_commands(*, quick: bool) -> list[str]:
    """Return the commands in the order in which they are carried out."""
    return [
        "list",
        *(f"{verb} {model}" for model in MODELS for verb in ("show", "simulate")),
        *(f"simulate {model} --arm {arm}" for model, arm in ARMS),
        *(f"claims {model} --draws 16" for model in MODELS if model != "gompertz"),
        *SMALL,
        *(() if quick else (FIT,)),
    ]


@dataclass(frozen=True)
class Version:
    """A version of kinimmune and the folder it works in."""

    program: Path
    folder: Path

    def run(self, text: str) -> tuple[dict[str, Any], float]:
        """Return what came out of a command, and how long it took [s]."""
        arguments = [*text.split(), "--json", "--quiet", *(("--jobs", "1") if text.split()[0] in LONG else ())]
        kernels = str(self.folder / "kernels")
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "KINIMMUNE_CACHE": kernels}
        began = time.perf_counter()
        command = [str(self.program.absolute()), *arguments]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        if done.returncode > 1 or done.returncode < 0:
            raise SystemExit(f"{self.program} {text}: exit code {done.returncode}: {done.stderr.strip()}")
        return {"exit code": done.returncode, "stdout": json.loads(done.stdout)}, time.perf_counter() - began

    def results(self, run: str) -> dict[str, Any]:
        """Return the results in the folder of a run by their names, of tables the lines."""
        paths = sorted((self.folder / run / "results").glob("*.*"))
        return {
            path.name: json.loads(path.read_text()) if path.suffix == ".json" else path.read_text().splitlines() for path in paths
        }


class Nothing:
    """What stands where one of the two has no value."""

    def __repr__(self) -> str:
        """Return a word no JSON value is written as."""
        return "nothing"


def find_differences(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Yield every difference of two JSON values as `path: before -> after`.

    Examples
    --------
    >>> list(find_differences({"a": [1.0, 2.0], "wall_seconds": 1}, {"a": [1.0, 2], "wall_seconds": 3}))
    ['.a[1]: 2.0 -> 2']
    >>> list(find_differences({"a": 1}, {"b": float("nan")}))
    ['.a: 1 -> nothing', '.b: nothing -> nan']
    """
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            if key not in MAY_DIFFER:
                yield from find_differences(before.get(key, Nothing()), after.get(key, Nothing()), f"{path}.{key}")
    elif isinstance(before, list) and isinstance(after, list):
        for place, pair in enumerate(zip_longest(before, after, fillvalue=Nothing())):
            yield from find_differences(*pair, f"{path}[{place}]")
    elif repr(before) != repr(after):
        yield f"{path}: {_shorten(before)} -> {_shorten(after)}"


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= WIDTH else f"{text[:WIDTH]} ..."


def count_values(value: Any) -> int:
    """Return how many numbers and texts a JSON value holds."""
    if isinstance(value, dict | list):
        return sum(map(count_values, value.values() if isinstance(value, dict) else value))
    return 1


def print_line(what: str, pair: Sequence[Any], seconds: Sequence[float] = ()) -> int:
    """Print how many values are compared and how they differ; return the number of differences."""
    found = list(find_differences(*pair))
    times = " ".join(f"{one:7.1f}" for one in seconds)
    print(f"{what:100s} {count_values(pair[0]):8d} {len(found):12d} {times}", flush=True)
    for line in found:
        print(f"    {line}", flush=True)
    return len(found)


def compare(versions: Sequence[Version], commands: Sequence[str]) -> int:
    """Carry commands out in both versions, print what differs and return the number of differences."""
    print(f"{'':100s} {'values':>8s} {'differences':>12s} {'seconds before and after':>15s}")
    different = 0
    with ThreadPoolExecutor(len(versions)) as pool:
        for text in commands:
            outcomes = list(pool.map(lambda version, text=text: version.run(text), versions))
            different += print_line(f"kinimmune {text}", [found for found, _ in outcomes], [seconds for _, seconds in outcomes])
    for run in RUNS:
        if (versions[0].folder / run).exists():
            different += print_line(f"{run}/results", [version.results(run) for version in versions])
    return different


def main() -> int:
    """Compare two versions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, required=True, metavar="PROGRAM")
    parser.add_argument("--after", type=Path, required=True, metavar="PROGRAM")
    parser.add_argument("--quick", action="store_true", help="leave out the fit at its defaults")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        versions = [Version(given.before, Path(folder, "before")), Version(given.after, Path(folder, "after"))]
        for version in versions:
            version.folder.mkdir()
        different = compare(versions, list_commands(quick=given.quick))
    print(f"{different} differences" if different else "no differences")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
