"""Files that are on disk as a whole or not at all, and their reading with one clear line when something is wrong.

Start with `write_text` and `read_object`.
"""

import json
import os
import re
import secrets
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from kinimmune.models.errors import OF_THE_MACHINE, DataError, MachineError

ENDING = ".tmp"
"""Ending of a file that is being written."""
LARGEST_TEXT = 256 * 2**20
"""Largest size of a file that is read whole [byte]; a larger one is none of this package's."""
LONGEST_HINT = 40
"""Characters of a file's name that the name of its temporary file shows; the rest would not fit where the name is long."""
PATIENCE, PAUSE = 2.0, 0.02
"""How long a reader of the file of before is waited for on Windows, and how long between tries [s]."""
LONE_SURROGATE = re.compile(r"\\u[dD][89abAB]|\\u[dD][c-fC-F]")
"""Escapes that are halves of a character; only pairs of them are text."""


def write_text(path: Path, text: str) -> None:
    """Write a text file so that it is there as a whole or not at all.

    Raises
    ------
    MachineError
        when there is no room for it, or the folder is gone or cannot be written; the file of before is as it was
    DataError
        when it holds what is no text, or a folder stands in its place
    """
    try:
        content = text.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"cannot write {path}: half a character at position {error.start}; give names and notes in UTF-8"
        ) from error
    write_bytes(path, content)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it; raise a `MachineError` where that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refuse_writing(path, error) from error


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that it is there as a whole or not at all; raises as `write_text` does.

    A file that is there keeps its owner and permissions, and a link still leads to the file it led to.  A pipe or a device takes
    the bytes as they come, since nothing can stand in its place.

    Raises
    ------
    BrokenPipeError
        when whoever read the pipe has gone
    """
    try:
        if is_stream(path):
            with path.open("wb") as stream:
                stream.write(content)
        else:
            _write_beside(Path(os.path.realpath(path)), content)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise refuse_writing(path, error) from error


def refuse_writing(path: Path, error: OSError) -> DataError | MachineError:
    """Return the error for a file or folder that cannot be written while work goes on."""
    if isinstance(error, IsADirectoryError):
        return DataError(f"cannot write {path}: a folder stands in its place; move it elsewhere, what was finished is kept")
    return MachineError(
        f"cannot write {path}: {error.strerror or error}; make room or give a folder you may write, what was finished is kept"
    )


def is_stream(path: Path) -> bool:
    """Return whether a path is there and neither a file nor a folder, such as a pipe or a device.

    >>> is_stream(Path(os.devnull)), is_stream(Path.cwd())
    (True, False)
    """
    status = _status(path)
    return status is not None and not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode))


def _write_beside(path: Path, content: bytes) -> None:
    """Write to a temporary file in the same folder and rename it."""
    before = _status(path)
    temporary = path.with_name(f".{path.name[:LONGEST_HINT]}-{secrets.token_hex(8)}{ENDING}")
    mode = (
        0o666 if before is None else 0o600
    )  # of which the system takes the umask; the content is not for more people than before
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if before is not None:
            _own_as(temporary, before)
        _replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _replace(temporary: Path, path: Path) -> None:
    """Put a file in the place of another; Windows refuses that while somebody reads the other, so it is tried for a while."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            temporary.replace(path)
        except PermissionError:
            if os.name != "nt" or time.monotonic() >= end:
                raise
            time.sleep(PAUSE)
        else:
            return


def _own_as(path: Path, before: os.stat_result) -> None:
    """Give a file the owner, as far as this process may, and the permissions of the one whose place it takes."""
    now = path.stat()
    if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        with suppress(OSError):
            os.chown(path, before.st_uid, before.st_gid)
    path.chmod(stat.S_IMODE(before.st_mode))


def _status(path: Path) -> os.stat_result | None:
    """Return what the system knows of a file, links followed; None where there is none."""
    try:
        return path.stat()
    except OSError:
        return None


def is_leftover(path: Path) -> bool:
    """Return whether a file is what a process that was killed had begun to write; nothing reads it.

    >>> is_leftover(Path(".run.json-x3kd.tmp")), is_leftover(Path("run.json"))
    (True, False)
    """
    return path.name.startswith(".") and path.name.endswith((ENDING, ".lock"))


def read_text(path: Path, advice: str) -> str:
    """Return the text of a file; `advice` ends the message when there is none.

    Raises
    ------
    DataError
        when the file is missing, no text, or larger than any this package writes
    MachineError
        when the disk does not give it
    """
    try:
        if path.exists() and not path.is_file():
            raise DataError(f"{path} is no plain file; {advice}")
        if path.exists() and (size := path.stat().st_size) > LARGEST_TEXT:
            raise DataError(f"{path} has {size} bytes, more than the {LARGEST_TEXT} a file of this package may have; {advice}")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing; {advice}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} cannot be read: it is not UTF-8 text (byte {error.start}); {advice}") from error
    except OSError as error:
        if error.errno in OF_THE_MACHINE:
            raise MachineError(f"{path} cannot be read: {error.strerror}; mend the disk, then {advice}") from error
        raise DataError(f"{path} cannot be read: {error.strerror or error}; {advice}") from error


def read_object(path: Path, advice: str) -> dict[str, Any]:
    """Return the JSON object a file holds; `advice` ends the message when it holds none.

    Raises
    ------
    DataError
        when the file is missing, no text, no JSON or another JSON value
    """
    try:
        text = read_text(path, advice)
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{path} line {error.lineno} is no JSON: {error.msg}; {advice}") from error
    except (RecursionError, ValueError) as error:  # brackets without end, a number of thousands of digits
        raise DataError(f"{path} holds no JSON of this package: {error}; {advice}") from error
    if not isinstance(content, dict):
        raise DataError(f"{path} holds no JSON object; {advice}")
    if LONE_SURROGATE.search(text) and not _is_text(content):
        raise DataError(f"{path} holds half a character (\\ud800 to \\udfff); {advice}")
    return content


def _is_text(content: dict[str, Any]) -> bool:
    """Return whether every text in a JSON object can be written."""
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
