"""Text files that are on disk as a whole or not at all, and their reading with one clear line when something is wrong.

Start with `write_text` and `read_object`.
"""

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from kinimmune.models.errors import OF_THE_MACHINE, DataError, MachineError

ENDING = ".tmp"
"""Ending of a file that is being written."""
LONE_SURROGATE = re.compile(r"\\u[dD][89abAB]|\\u[dD][c-fC-F]")
"""Escapes that are halves of a character; only pairs of them are text."""


def write_text(path: Path, text: str) -> None:
    """Write a text file so that it is there as a whole or not at all.

    Raises
    ------
    MachineError
        when there is no room for it, or the folder is gone or cannot be written; the file of before is as it was
    DataError
        when it holds what is no text
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
    """Write a file so that it is there as a whole or not at all; raises as `write_text` does."""
    try:
        _write_beside(path, content)
    except OSError as error:
        raise refuse_writing(path, error) from error


def refuse_writing(path: Path, error: OSError) -> MachineError:
    """Return the error for a file or folder that cannot be written while work goes on."""
    return MachineError(
        f"cannot write {path}: {error.strerror or error}; make room or give a folder you may write, what was finished is kept"
    )


def _write_beside(path: Path, content: bytes) -> None:
    """Write to a temporary file in the same folder and rename it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=ENDING)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)  # mkstemp gives 0600
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


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
        when the file is missing or no text
    MachineError
        when the disk does not give it
    """
    try:
        if path.exists() and not path.is_file():
            raise DataError(f"{path} is no plain file; {advice}")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing; {advice}") from error
    except (OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno in OF_THE_MACHINE:
            raise MachineError(f"{path} cannot be read: {error.strerror}; mend the disk, then {advice}") from error
        raise DataError(f"{path} cannot be read: {error}; {advice}") from error


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
