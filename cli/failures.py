"""Errors told in one line with the exit code they have: the user's, the machine's and this program's own.

Start with `tell_error`; `kinimmune.cli.main` calls these functions and nothing else does.
"""

import os
import sys
import traceback
import warnings
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path

import typer

from kinimmune.cli.exits import Exit, exit_code
from kinimmune.cli.terminal import print_error
from kinimmune.models.errors import OF_THE_MACHINE, KinimmuneError, UsageError

INTERNAL_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    ImportError,
    LookupError,
    MemoryError,
    NameError,
    ReferenceError,
    RuntimeError,
    StopIteration,
    SyntaxError,
    SystemError,
    TypeError,
    ValueError,
)
"""Errors of Python and of libraries that no part of this program expected."""
TRACEBACK = "KINIMMUNE_TRACEBACK"
"""Environment variable under which the traceback of an internal error is printed."""


def tell_error(error: Exception) -> Exit:
    """Print an error that ended a command in one line and return its exit code; a closed pipe ends in peace."""
    if isinstance(error, BrokenPipeError):
        return leave_closed_pipe()
    if isinstance(error, KinimmuneError):
        print_error(str(error))
        return exit_code(error)
    if isinstance(error, typer.TyperException):
        print_error(error.format_message() or "give a command; kinimmune --help lists them")
        return Exit.USAGE
    return tell_system_error(error) if isinstance(error, OSError) else tell_internal_error(error)


def tell_system_error(error: OSError) -> Exit:
    """Print an error of the system with the file it is about; return the exit code: 7 for the machine, else 2."""
    name = f"'{error.filename}'" if error.filename is not None else "a file or connection"
    reason = error.strerror or type(error).__name__
    if error.errno in OF_THE_MACHINE:
        print_error(f"{name}: {reason}; make room and repeat the command, what was finished is kept")
        return Exit.MACHINE
    print_error(f"cannot use {name}: {reason}; give a path you may read and write")
    return Exit.USAGE


def tell_internal_error(error: BaseException) -> Exit:
    """Print an error that nothing expected, with the line of this program it came from; return exit code 7."""
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    if isinstance(error, MemoryError):
        print_error("memory ran out; use fewer --patients or --jobs, what was finished is kept")
        return Exit.MACHINE
    frames = [item for item in traceback.extract_tb(error.__traceback__) if "site-packages" not in item.filename]
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    text = " ".join(str(error).split())[:200]
    print_error(
        f"internal error{place}: {type(error).__name__}: {text}; what was finished is kept. Please report it with the command; "
        f"{TRACEBACK}=1 prints more"
    )
    return Exit.MACHINE


def leave_closed_pipe() -> Exit:
    """Let a command whose reader has gone, such as `head`, end in peace."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - the interpreter flushes it at its end
    return Exit.DONE


@contextmanager
def one_line_warnings(*, quiet: bool) -> Iterator[None]:
    """Print warnings of libraries as one line each on stderr, none where notes are not wanted."""

    def show(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        if not quiet:
            sys.stderr.write(f"warning: {' '.join(str(message).split())} ({category.__name__})\n")

    with warnings.catch_warnings():
        if not sys.warnoptions and not os.environ.get("PYTEST_CURRENT_TEST"):
            warnings.showwarning = show
        yield


def prepare_environment(environment: MutableMapping[str, str]) -> None:
    """Check what libraries read from the environment when they are imported.

    Figures are drawn without a screen, so a backend of matplotlib that the environment asks for is not used.

    Raises
    ------
    UsageError
        for a number of threads that is none
    """
    environment["MPLBACKEND"] = "agg"
    for name in ("NUMBA_NUM_THREADS",):
        text = environment.get(name)
        if text is not None and not (text.strip().isdigit() and int(text) > 0):
            raise UsageError(f"environment variable {name}='{text}': a whole number above 0; correct it or unset it")
