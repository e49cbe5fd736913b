"""What the user sees: results on stdout; notes, progress and errors on stderr.

Start with `print_json` and `print_table` for results, `Notes` for the rest.
"""

import json
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from kinimmune.cli.streams import Aside, open_console

if TYPE_CHECKING:
    from rich.console import Console

SECONDS_BETWEEN_LINES = 10.0
"""Time between lines of progress where there is no terminal [s]."""
RECENT = 32
"""Tasks whose speed tells the time left: tasks of a later kind are quicker or slower than the first ones."""

LINE_BREAKS = re.compile(r"\s*[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]\s*")
"""Where a text goes on in another line; other blanks may be those of a path."""


def print_json(content: Mapping[str, object]) -> None:
    """Print one JSON object on stdout; a number that does not exist must be None."""
    print(json.dumps(content, indent=1, allow_nan=False))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[str] = ()) -> None:
    """Print a table on stdout; columns named in `numbers` are set flush right."""
    from rich import box
    from rich.table import Table

    console = open_console(sys.stdout)
    table = Table(title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    if not console.is_terminal:  # a file or pipe has no width to fit into
        console.width = max(console.measure(table, options=console.options.update(max_width=10_000)).maximum, 20)
    console.print(table)


def format_number(value: float | None, digits: int = 4) -> str:
    """Return a number as tables show it.

    >>> format_number(0.004950), format_number(None), format_number(float("inf"))
    ('0.00495', '-', 'inf')
    """
    return "-" if value is None else f"{value:.{digits}g}"


@dataclass(frozen=True)
class Notes:
    """Notes and progress on stderr; silent when quiet."""

    quiet: bool = False

    def say(self, text: str) -> None:
        """Print one line on stderr."""
        if not self.quiet:
            print(text, file=Aside())

    @contextmanager
    def progress(self) -> Iterator[Callable[[str], None]]:
        """Return a function that shows what is being done.

        On a terminal it is one line that changes; elsewhere a line for every new text, but how far one thing got now and then.
        """
        console = open_console(Aside())
        if self.quiet:
            yield lambda _text: None
        elif console.is_terminal:
            with console.status("") as status:
                yield lambda text: status.update(text)
        else:
            yield _print_changes()

    @contextmanager
    def count_tasks(self, title: str, total: "int | Expectation | None") -> Iterator["TaskCounter"]:
        """Return a counter of the tasks of long work, shown as a bar.

        Elsewhere than on a terminal it is a line at most every 10 s.
        """
        console = open_console(Aside())
        counter = TaskCounter(title, Known(total) if isinstance(total, int) else total)
        if self.quiet:
            yield counter
        elif console.is_terminal:
            with _draw_bar(console, counter):
                yield counter
        else:
            counter.listeners.append(_print_now_and_then(counter))
            yield counter


class Expectation(Protocol):
    """How many tasks work has in all; an estimate may change as they finish."""

    @property
    def total(self) -> int:
        """Tasks in all."""
        ...

    @property
    def exact(self) -> bool:
        """Whether it will not change any more."""
        ...


@dataclass(frozen=True)
class Known:
    """A number of tasks that is known beforehand."""

    total: int
    exact: bool = True


@dataclass
class TaskCounter:
    """How far long work got; the one place where its numbers change."""

    title: str
    expected: Expectation | None
    """None: nobody knows how many tasks there are."""
    text: str = ""
    """What is being done."""
    finished: int = 0
    kept: int = 0
    """Finished tasks that had been computed before."""
    failures: int = 0
    clock: Callable[[], float] = time.monotonic
    """[s]"""
    began: float = field(init=False)
    listeners: list[Callable[[], None]] = field(default_factory=list)
    moments: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))
    """When the last tasks ended that were computed now."""

    def __post_init__(self) -> None:
        """Take the time at which the work began."""
        self.began = self.clock()

    def add(self, *, kept: bool, failures: int) -> None:
        """Count a finished task."""
        if not kept:
            self.moments.append(self.clock())
        self.finished += 1
        self.kept += kept
        self.failures += failures
        self._tell()

    def say(self, text: str) -> None:
        """Show what is being done."""
        self.text = text
        self._tell()

    @property
    def seconds_left(self) -> float | None:
        """Estimate from the last tasks computed now; None while nothing is known."""
        computed = self.finished - self.kept
        if self.total is None or computed == 0:
            return None
        whole = computed < RECENT
        since, tasks = (self.began, computed) if whole else (self.moments[0], RECENT - 1)
        return (self.clock() - since) / tasks * (self.total - self.finished)

    @property
    def total(self) -> int | None:
        """Tasks in all, as far as is known; never fewer than have finished."""
        return None if self.expected is None else max(self.expected.total, self.finished)

    @property
    def line(self) -> str:
        """How far the work got, in words."""
        about = "~" if self.expected is not None and not self.expected.exact else ""
        parts = [f"{self.finished}" if self.total is None else f"{self.finished}/{about}{self.total}"]
        parts += [f"{self.kept} kept"] if self.kept else []
        parts += [f"{self.failures} failed"] if self.failures else []
        left = self.seconds_left
        parts += [] if left is None else [f"{about}{timedelta(seconds=round(left))} left"]
        parts += [self.text] if self.text else []
        return f"{self.title}: {', '.join(parts)}"

    def _tell(self) -> None:
        for listener in self.listeners:
            listener()


@contextmanager
def _draw_bar(console: "Console", counter: TaskCounter) -> Iterator[None]:
    """Draw a bar that follows a counter, or a line that turns when no total is known."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    with Progress(SpinnerColumn(), BarColumn(20), TextColumn("{task.description}"), console=console, transient=True) as progress:
        task = progress.add_task(counter.line, total=counter.total)
        counter.listeners.append(
            lambda: progress.update(task, completed=counter.finished, total=counter.total, description=counter.line)
        )
        yield


def _print_now_and_then(counter: TaskCounter) -> Callable[[], None]:
    """Return a function that prints the line of a counter, at most every `SECONDS_BETWEEN_LINES`."""
    last = counter.began

    def show() -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_LINES:
            last = now
            print(counter.line, file=Aside(), flush=True)

    return show


def _print_changes() -> Callable[[str], None]:
    """Return a function that prints a text on stderr unless it is the last one again.

    Of texts `WHAT: HOW FAR` about the same one is printed at most every `SECONDS_BETWEEN_LINES`.
    """
    last, moment = "", 0.0

    def show(text: str) -> None:
        nonlocal last, moment
        now = time.monotonic()
        what, _, step = text.partition(": ")
        is_due = now - moment >= SECONDS_BETWEEN_LINES or not step or what != last.partition(": ")[0]
        if text != last and is_due:
            print(text, file=Aside(), flush=True)
            last, moment = text, now

    return show


def print_error(message: str) -> None:
    """Print one line `error: ...` on stderr."""
    print(f"error: {LINE_BREAKS.sub(' ', message.strip())}", file=Aside())
