"""Whether a result in a run is as it was written, so that what was changed since is not shown as what was found.

Start with `note_checksum` and `is_as_written`; `list_removed` tells what is gone. Checksums stand in a hidden file beside the
results; where there are none, as in a run of before there were any, every file is taken as written.
"""

import hashlib
import json
from pathlib import Path

from kinimmune.fitting.runs.atomic_files import read_object, write_text
from kinimmune.models.errors import DataError

CHECKSUMS = ".checksums.json"
"""Name of the file, whose keys are names of files beside it."""
KEPT = 2
"""Checksums kept of a file: that of the last, and that of the next, which a process that is killed may not come to write."""


def note_checksum(path: Path, text: str) -> None:
    """Note what a file holds that is about to be written.

    Raises
    ------
    MachineError
        when there is no room for it
    """
    known = _read(path.parent)
    known[path.name] = [*known.get(path.name, []), _hash(text)][-KEPT:]
    write_text(path.parent / CHECKSUMS, json.dumps(known, indent=1))


def is_as_written(path: Path, text: str) -> bool:
    """Return whether a file that holds a text is as it was written, as far as that is known."""
    known = _read(path.parent).get(path.name)
    return known is None or _hash(text) in known


def list_removed(folder: Path) -> tuple[str, ...]:
    """Return the names of files that were written into a folder and are not there any more, as far as that is known."""
    return tuple(sorted(name for name in _read(folder) if not (folder / name).is_file()))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read(folder: Path) -> dict[str, list[str]]:
    """Return name -> checksums, none where the file is not there or is damaged."""
    if not (folder / CHECKSUMS).exists():
        return {}
    try:
        content = read_object(folder / CHECKSUMS, "remove it")
    except DataError:
        return {}
    return {name: known for name, known in content.items() if isinstance(known, list)}
