"""The numbers the models stand for, by the command line alone: what is expected, what comes out now, how far apart they are.

Run `python benchmarks/golden.py [--quick] [--only COMMAND] [--program kinimmune]`.  It prints each number of `golden.csv` with
what it is now and the difference in units of its tolerance, and exits with 1 when one is outside.  `--quick` leaves out whatever
needs a kernel.
After a change that is meant to move numbers, `--update` writes them anew and `--table BEFORE.csv` prints those that moved since,
for the changelog; `git show HEAD:benchmarks/golden.csv` is where BEFORE.csv comes from.

Tolerances.  Where virtual patients are drawn, one standard deviation over sets of patients: the same commands with other seeds,
`--update --seeds 8`, which takes half an hour on two cores; an update without `--seeds` keeps it.  Elsewhere, or where that is
smaller, the error of integration: ten times the relative tolerance of the integrator (docs/performance.md), for a fit what
integrators differ by in a residual.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from golden_commands import COMMANDS, Command, Numbers

TABLE = Path(__file__).with_suffix(".csv")
BESIDE = Path(sys.executable).with_name("kinimmune")
RAN = (0, 1)
"""Exit codes with results; 1 is a fit that did not converge or a claim that failed."""
MONTE_CARLO = "Monte Carlo"
INTEGRATION = "integration"


def run(program: Path, arguments: Sequence[str], folder: Path) -> Any:
    """Return the JSON a command prints when it runs in a folder."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [str(program.absolute()), *arguments, "--json", "--quiet"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in RAN:
        raise RuntimeError(f"kinimmune {' '.join(arguments)}: exit code {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


@dataclass(frozen=True)
class Row:
    """An expected number: a row of the table."""

    name: str
    value: float
    tolerance: float
    kind: str
    """Where the tolerance comes from."""
    command: str

    def difference(self, value: float) -> float:
        """Return how far a value is from the expected one, in tolerances.

        Examples
        --------
        >>> Row("median", 10.0, 0.02, "Monte Carlo", "kinimmune fit").difference(9.99)
        -0.5
        """
        return round((value - self.value) / self.tolerance, 9)

    def holds(self, value: float) -> bool:
        """Return whether a value is at most one tolerance away; NaN never is."""
        return abs(self.difference(value)) <= 1.0


def read_table(path: Path) -> dict[str, Row]:
    """Return the rows of a table by name."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [
            Row(line["name"], float(line["value"]), float(line["tolerance"]), line["kind"], line["command"])
            for line in csv.DictReader(file)
        ]
    return {row.name: row for row in rows}


def write_table(path: Path, rows: Sequence[Row]) -> None:
    """Write a table of expected numbers; values keep all their bits."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field.name for field in fields(Row)])
        writer.writerows(astuple(row) for row in rows)


def measure(program: Path, commands: Sequence[Command], seed: int = 1) -> Iterator[tuple[Command, Numbers]]:
    """Yield every command with its numbers, one command after the other in a folder of their own."""
    with tempfile.TemporaryDirectory() as folder:
        for command in commands:
            yield command, command.read(run(program, command.with_seed(seed), Path(folder)))


def spread(program: Path, commands: Sequence[Command], seeds: int) -> Numbers:
    """Return the standard deviation of numbers over sets of virtual patients, of seeds other than that of the table."""
    drawn = [command for command in commands if command.drawn]
    found: dict[str, list[float]] = {}
    for seed in range(2, seeds + 2):
        for _, numbers in measure(program, drawn, seed):
            for name, value in numbers.items():
                found.setdefault(name, []).append(value)
        print(f"seed {seed} done", flush=True)
    return {name: float(np.std(values, ddof=1)) for name, values in found.items()}


def expect(command: Command, name: str, value: float, scatter: Mapping[str, tuple[float, str]]) -> Row:
    """Return the row of a number.

    Parameters
    ----------
    command
        the number is of
    name, value
        of the number
    scatter
        name -> Monte Carlo error and how it was found
    """
    error = command.error.at(value)
    if command.drawn and name not in scatter:
        raise SystemExit(f"'{name}' has no Monte Carlo error yet; give --seeds 8 too")
    drawn, how = scatter.get(name, (0.0, ""))
    tolerance, kind = (drawn, how) if drawn > error else (error, f"{INTEGRATION}, {command.error.relative:g} relative")
    return Row(name, value, float(f"{tolerance:.3g}"), kind, command.text)


def update(program: Path, commands: Sequence[Command], seeds: int | None) -> None:
    """Write the numbers of some commands into the table; rows of other commands stay."""
    kept = read_table(TABLE) if TABLE.exists() else {}
    scatter = {row.name: (row.tolerance if row.kind.startswith(MONTE_CARLO) else 0.0, row.kind) for row in kept.values()}
    if seeds is not None:
        scatter |= {name: (sd, f"{MONTE_CARLO}, sd of {seeds} seeds") for name, sd in spread(program, commands, seeds).items()}
    again, listed = {command.text for command in commands}, {command.text for command in COMMANDS}
    rows = [row for row in kept.values() if row.command in listed - again]
    for command, numbers in measure(program, commands):
        rows += [expect(command, name, value, scatter) for name, value in numbers.items()]
    order = [command.text for command in COMMANDS]
    write_table(TABLE, sorted(rows, key=lambda row: order.index(row.command)))
    print(f"wrote {len(rows)} numbers to {TABLE.name}")


def compare(expected: Mapping[str, Row], numbers: Numbers) -> Iterator[tuple[str, str, bool]]:
    """Yield for every number that is expected or there its name, the cells of its line and whether it is as expected."""
    for name in {**expected, **numbers}:
        row, value = expected.get(name), numbers.get(name)
        cells = [f"{'-' if item is None else format(item, '.8g'):>14s}" for item in (row and row.value, value)]
        missing = row is None or value is None
        last = ("new" if row is None else "gone") if missing else f"{row.difference(value):+.2f}"
        yield name, f"{' '.join(cells)} {last:>10s}", not missing and row.holds(value)


def check(program: Path, commands: Sequence[Command], *, whole: bool) -> bool:
    """Print expected numbers beside those that come out; return whether all are inside."""
    rows = read_table(TABLE)
    texts = {command.text for command in commands}
    left = {name: row for name, row in rows.items() if whole or row.command in texts}
    print(f"{'':60s} {'expected':>14s} {'now':>14s} {'tolerances':>10s}")
    outside, count = [], 0
    for command, numbers in measure(program, commands):
        of_command = {name: left.pop(name) for name, row in list(left.items()) if row.command == command.text}
        outside += print_lines(compare(of_command, numbers))
        count += len(numbers)
    outside += print_lines(compare(left, {}))
    print(f"{count} numbers, {len(outside)} outside{': ' if outside else ''}{', '.join(outside)}")
    return not outside


def print_lines(lines: Iterator[tuple[str, str, bool]]) -> list[str]:
    """Print lines and return the names of the numbers that are not as expected."""
    outside = []
    for name, cells, holds in lines:
        print(f"{name:60s} {cells}{'' if holds else '  outside'}", flush=True)
        outside += [] if holds else [name]
    return outside


def tabulate(before: Mapping[str, Row], after: Mapping[str, Row]) -> Iterator[str]:
    """Yield a Markdown table of the numbers that moved by more than their tolerance of before, came or went."""
    yield "| number | before | after | tolerances |"
    yield "|---|---|---|---|"
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            cells = [format(row.value, ".5g") if row else "-" for row in (old, new)]
            yield f"| {name} | {cells[0]} | {cells[1]} | {'new' if old is None else 'gone'} |"
        elif not old.holds(new.value):
            yield f"| {name} | {old.value:.5g} | {new.value:.5g} | {old.difference(new.value):+.1f} |"


def main() -> int:
    """Check, update or tabulate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--program", type=Path, default=BESIDE, metavar="PATH", help="kinimmune beside this interpreter if not given"
    )
    parser.add_argument("--quick", action="store_true", help="only what needs no kernel, a quarter of a minute")
    parser.add_argument("--update", action="store_true", help="write the numbers that come out as those expected")
    parser.add_argument("--seeds", type=int, metavar="N", help="with --update: Monte Carlo errors anew, from so many seeds")
    parser.add_argument("--table", type=Path, metavar="BEFORE.csv", help="print what moved since another table; runs nothing")
    parser.add_argument(
        "--only", metavar="COMMAND", help="only commands of that name, such as simulate; `profile` needs the run of `fit`"
    )
    given = parser.parse_args()
    if given.seeds is not None and (given.seeds < 2 or not given.update):
        parser.error("--seeds needs --update, and at least 2 for a standard deviation")
    named = [command for command in COMMANDS if given.only in (None, command.arguments[0])]
    if not named:
        parser.error(
            f"--only {given.only}: no such command; there are {', '.join(sorted({item.arguments[0] for item in COMMANDS}))}"
        )
    commands = [command for command in named if command.quick or not given.quick]
    if given.table:
        print("\n".join(tabulate(read_table(given.table), read_table(TABLE))))
        return 0
    if given.update:
        update(given.program, commands, given.seeds)
        return 0
    return 0 if check(given.program, commands, whole=not given.quick and given.only is None) else 1


if __name__ == "__main__":
    sys.exit(main())
