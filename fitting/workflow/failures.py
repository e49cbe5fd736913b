"""What long work could not compute: a row each in `failures.csv` of a run, with the command that shows it again.

Start with `failures_of` and `write_failures`.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields

from kinimmune.fitting.runs.run import Run
from kinimmune.fitting.workflow.task import Json, Task

FILE = "failures.csv"


@dataclass(frozen=True)
class Failure:
    """Something a task could not compute."""

    step: str
    what: str
    reason: str
    reproduce: str
    """The command that carries the task out again."""


def failures_of(task: Task, outcome: Json, command: str) -> tuple[Failure, ...]:
    """Return what a finished task could not compute; `command` carries it out again."""
    rows = outcome.get("failures") or ()
    return tuple(Failure(task.name, str(row["what"]), str(row["reason"]), command) for row in rows)


def write_failures(run: Run, prefix: str, rows: Iterable[Failure]) -> None:
    """Put the failures of the tasks that begin with `prefix` in place of those that were told before."""
    others = [row for row in read_failures(run) if not row.step.startswith(prefix)]
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in sorted([*others, *rows], key=lambda row: row.step))
    run.write(FILE, text.getvalue())


def read_failures(run: Run) -> tuple[Failure, ...]:
    """Return the failures a run tells of; none when there is no such file or one with other columns."""
    if not (run.path / FILE).is_file():
        return ()
    reader = csv.DictReader(io.StringIO(run.read(FILE)))
    if tuple(reader.fieldnames or ()) != _COLUMNS:
        return ()
    return tuple(Failure(*(row[name] or "" for name in _COLUMNS)) for row in reader)


_COLUMNS = tuple(field.name for field in fields(Failure))
