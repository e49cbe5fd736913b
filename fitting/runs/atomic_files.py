"""Text files that are on disk as a whole or not at all, and their reading with one clear line when something is wrong.

Start with `write_text` and `read_object`.
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from kinimmune.models.errors import DataError

ENDING = ".tmp"
"""Of a file that is being written."""


def write_text(path: Path, text: str) -> None:
    """Write a file so that it is there as a whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=ENDING)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
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
    return path.name.startswith(".") and path.name.endswith(ENDING)


def read_text(path: Path, advice: str) -> str:
    """Return the text of a file; `advice` ends the message when there is none.

    Raises
    ------
    DataError
        when the file is missing or no text
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing; {advice}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}; {advice}") from error


def read_object(path: Path, advice: str) -> dict[str, Any]:
    """Return the JSON object a file holds; `advice` ends the message when it holds none.

    Raises
    ------
    DataError
        when the file is missing, no text, no JSON or another JSON value
    """
    try:
        content = json.loads(read_text(path, advice))
    except json.JSONDecodeError as error:
        raise DataError(f"{path} line {error.lineno} is no JSON: {error.msg}; {advice}") from error
    if not isinstance(content, dict):
        raise DataError(f"{path} holds no JSON object; {advice}")
    return content
