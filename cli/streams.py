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

    def __init__(self) -> None:
        self._stream = sys.stderr  # as it is now: a bar that is drawn puts itself in its place

    def write(self, text: str) -> int:
        """Write, or drop."""
        try:
            return self._stream.write(text)
        except OSError:
            self._hang_up()
            return len(text)

    def flush(self) -> None:
        """Let go what was written."""
        try:
            self._stream.flush()
        except OSError:
            self._hang_up()

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Return the number of the file."""
        return self._stream.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Encoding of stderr."""
        return self._stream.encoding

    def _hang_up(self) -> None:
        """Let nobody read from now on: what is still to be written, also by the interpreter at its end, is gone."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, self._stream.fileno())
        finally:
            os.close(nowhere)


def open_console(stream: TextIO | Aside) -> "Console":
    """Return a console on a stream."""
    from rich.console import Console

    class Pipe(Console):
        """A console that leaves a closed pipe to who called it, in place of ending the process with code 1."""

        def on_broken_pipe(self) -> None:
            """Go on with the error that is being handled."""
            raise

    return Pipe(file=stream, markup=False, highlight=False, emoji=False)  # type: ignore[arg-type]
