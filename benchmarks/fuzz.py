"""Commands on tables, runs, configurations, environments and kernel caches that were mutated at random, and what must hold.

`python benchmarks/fuzz.py --minutes 10 --seed 1 -o OUT` tries cases for ten minutes.  A case is one mutation and one command; it
is drawn from the seed and its number alone, so that `--case N` tries one again and prints what the command said.  What must hold
is told in `fuzzing/oracles.py`: nothing crashes, hangs or fills the memory; no number changes without a word; what is not read is
told; `check` knows what a command knows.  Of a case that fails the folder is kept in OUT.  At the end stands a table of outcomes
by mutator.  Exit code 1 says that a case failed.

Commands run in forks of a process that has imported everything, those with another environment or cache in new processes.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from fuzzing.cases import Verdict, try_case
from fuzzing.children import load_everything
from fuzzing.oracles import ORACLES
from fuzzing.templates import Templates, make_templates
from toy_tables import EXAMPLE

Entry = dict[str, Any]
"""A verdict as a line of JSON."""


def summarise(verdict: Verdict, seed: int) -> Entry:
    """Return a verdict as plain values."""
    case, outcome = verdict.case, verdict.outcome
    return {
        "case": case.number,
        "seed": seed,
        "command": case.command.name,
        "template": case.template,
        "mutator": case.mutation.mutator,
        "target": case.mutation.target,
        "words": case.mutation.words,
        "code": outcome.code,
        "seconds": round(outcome.seconds, 2),
        "peak": outcome.peak,
        "failures": verdict.failures,
        "error": outcome.err.strip().splitlines()[-1][:300] if outcome.err.strip() else "",
    }


def print_failures(entry: Entry) -> None:
    """Print what is wrong with a case, one line each."""
    for oracle, text in entry["failures"].items():
        where = f"kinimmune {entry['command']} | {entry['template']}/{entry['target']} | {entry['mutator']}: {entry['words']}"
        print(f"case {entry['case']}: {oracle}: {where} | {text}", flush=True)


def try_cases(templates: Templates, seed: int, numbers: Iterable[int], work: Path, kept: Path | None) -> Iterator[Entry]:
    """Try cases and yield what became of each; folders of those that fail are kept."""
    for number in numbers:
        verdict = try_case(templates, seed, number, work)
        if verdict.failures and kept is not None:
            target = kept / f"case-{number:06d}"
            shutil.rmtree(target, ignore_errors=True)
            shutil.move(work / "case", target)
            for name in ("out", "err"):
                (target / f"std{name}").write_text(getattr(verdict.outcome, name), encoding="utf-8")
        yield summarise(verdict, seed)


def count_until(first: int, step: int, end: float, most: int | None) -> Iterator[int]:
    """Yield case numbers until a time, or until there are enough."""
    number = first
    while time.monotonic() < end and (most is None or number < most):
        yield number
        number += step


def tabulate(entries: list[Entry], seconds: float) -> Iterator[str]:
    """Yield the lines of a table: mutators, exit codes, failures by oracle."""
    codes = ("0", "1", "2", "3", "4", "5", "other")
    yield f"| mutator | cases | exit {' | '.join(codes)} | {' | '.join(ORACLES)} |"
    yield f"|{'---|' * (len(codes) + len(ORACLES) + 2)}"
    for mutator in sorted({entry["mutator"] for entry in entries}):
        yield _row(mutator, [entry for entry in entries if entry["mutator"] == mutator], codes)
    yield _row("all", entries, codes)
    yield ""
    rate = len(entries) / max(seconds / 60.0, 1e-9)
    peak = max((entry["peak"] for entry in entries), default=0) / 2**20
    slowest = max((entry["seconds"] for entry in entries), default=0.0)
    yield f"{len(entries)} cases in {seconds / 60.0:.1f} min, {rate:.0f} a minute; longest {slowest:.0f} s, most {peak:.0f} MiB"


def _row(name: str, entries: list[Entry], codes: tuple[str, ...]) -> str:
    ended = Counter(str(entry["code"]) if str(entry["code"]) in codes else "other" for entry in entries)
    wrong = Counter(oracle for entry in entries for oracle in entry["failures"])
    cells = [name, str(len(entries)), *(str(ended[code]) for code in codes), *(str(wrong[oracle]) for oracle in ORACLES)]
    return f"| {' | '.join(cells)} |"


def work_alone(templates: Templates, given: argparse.Namespace, number: int, end: float) -> list[Entry]:
    """Try every `--jobs`-th case, and keep a line on each in a file."""
    entries = []
    work, log = given.output / f"work-{number}", given.output / f"entries-{number}.jsonl"
    with log.open("w", encoding="utf-8") as stream:
        cases = count_until(given.first + number, given.jobs, end, None if given.cases is None else given.first + given.cases)
        for entry in try_cases(templates, given.seed, cases, work, given.output):
            entries.append(entry)
            print_failures(entry)
            stream.write(json.dumps(entry) + "\n")
            stream.flush()
    shutil.rmtree(work, ignore_errors=True)
    return entries


def work_together(templates: Templates, given: argparse.Namespace, end: float) -> list[Entry]:
    """Try cases in `--jobs` processes."""
    children = []
    for number in range(1, given.jobs):
        child = os.fork()
        if not child:
            work_alone(templates, given, number, end)
            sys.stdout.flush()
            os._exit(0)
        children.append(child)
    entries = work_alone(templates, given, 0, end)
    for number, child in enumerate(children, start=1):
        os.waitpid(child, 0)
        text = (given.output / f"entries-{number}.jsonl").read_text(encoding="utf-8")
        entries += [json.loads(line) for line in text.splitlines()]
    return entries


def replay(templates: Templates, given: argparse.Namespace) -> list[Entry]:
    """Try one case again and print everything about it."""
    entries = list(try_cases(templates, given.seed, [given.case], given.output / "work", given.output))
    for entry in entries:
        print(json.dumps(entry, indent=1))
        print_failures(entry)
    return entries


def read_arguments() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--cases", type=int, help="stop after so many")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--case", type=int, help="try this one alone")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="leave out what takes seconds a case")
    parser.add_argument("-o", "--output", type=Path, help="folder for cases that fail")
    return parser.parse_args()


def main() -> int:
    """Try cases, and print a table of what became of them."""
    given = read_arguments()
    given.output = (given.output or Path(tempfile.mkdtemp(prefix="fuzz-"))).resolve()
    load_everything(EXAMPLE, quick=given.quick)
    templates = make_templates(given.output / "templates", quick=given.quick)
    begin = time.monotonic()
    if given.case is not None:
        entries = replay(templates, given)
    else:
        entries = work_together(templates, given, begin + 60.0 * given.minutes)
        print("\n".join(tabulate(entries, time.monotonic() - begin)))
    return 1 if any(entry["failures"] for entry in entries) else 0


if __name__ == "__main__":
    sys.exit(main())
