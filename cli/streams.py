"""Stderr that nobody may be reading any more, and consoles on streams.

Start with `Aside`.
"""

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console


class Aside(io.TextIOBase):
    """Stderr; what is said there once nobody can read it any more is dropped, and the work goes on.

    A terminal that was closed and a pipe whose reader has gone refuse every word.
    """

    def write(self, text: str) -> int:
        """Write, or drop."""
        try:
            return sys.stderr.write(text)
        except OSError:
            _hang_up()
            return len(text)

    def flush(self) -> None:
        """Let go what was written."""
        try:
            sys.stderr.flush()
        except OSError:
            _hang_up()

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return sys.stderr.isatty()

    def fileno(self) -> int:
        """Return the number of the file."""
        return sys.stderr.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Encoding of stderr."""
        return sys.stderr.encoding


def _hang_up() -> None:
    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - the interpreter flushes it at its end


def open_console(stream: TextIO | Aside) -> "Console":
    """Return a console on a stream."""
    from rich.console import Console

    class Pipe(Console):
        """A console that leaves a closed pipe to who called it, in place of ending the process with code 1."""

        def on_broken_pipe(self) -> None:
            """Go on with the error that is being handled."""
            raise

    return Pipe(file=stream, markup=False, highlight=False, emoji=False)  # type: ignore[arg-type]
