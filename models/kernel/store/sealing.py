"""One kernel on disk: a folder with the generated module, what numba compiled of it, and the checksums of both.

Start with `find_fault`.  Machine code that is not what was written ends a process without a word, or does what somebody else
wrote: nothing is loaded that the checksums do not know.  A finished kernel never changes; it is built elsewhere and moved to its
place as a whole, so that processes need not wait for each other.
"""

import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kinimmune.models.kernel.store.folder import PRIVATE_FOLDER, describe_access, make_private

SEAL = "SHA256SUMS"
"""File of the checksums, in the form `sha256sum --check` reads."""
COMPILED = "__pycache__"
"""Where numba keeps what it compiles, beside the source."""
READ_BY_NUMBA = (".nbi", ".nbc")
PRIVATE_FILE = 0o600
ABANDONED_AFTER = 86_400.0
"""Age [s] at which a folder of work in progress belongs to no process any more; the longest compilation takes minutes."""
_IN_PROGRESS = (".kernel-", ".tmp")


def source_of(place: Path) -> Path:
    """Return the generated module of a kernel."""
    return place / f"{place.name}.py"


def find_fault(place: Path) -> str | None:
    """Return why a kernel cannot be loaded, None when it is as it was written and nobody else could have written to it."""
    try:
        for folder in (place, place / COMPILED):
            if not stat.S_ISDIR(folder.lstat().st_mode):
                return f"{folder} is no folder"
        files = [place / SEAL, *_list_files(place)]
        for file in files:
            if not stat.S_ISREG(file.lstat().st_mode):
                return f"{file} is no plain file"
        strange = (describe_access(path) for path in (place, place / COMPILED, *files))
        return next(filter(None, strange), None) or _compare_with_seal(place)
    except OSError as error:
        return f"{error.filename}: {error.strerror}"


def _list_files(place: Path) -> list[Path]:
    """Return what is read when a kernel is loaded; other files do no harm."""
    return [source_of(place), *sorted(path for path in (place / COMPILED).iterdir() if path.suffix in READ_BY_NUMBA)]


def _compare_with_seal(place: Path) -> str | None:
    found = _checksums(place)
    expected = b"".join(found.values())
    with (place / SEAL).open("rb") as file:
        written = file.read(len(expected) + 1)  # whatever its size
    if written == expected:
        return None
    known = set(written.splitlines(keepends=True))
    changed = next((path for path, line in found.items() if line not in known), place / SEAL)
    return f"{changed} is not as it was written"


def _checksums(place: Path) -> dict[Path, bytes]:
    """Return the line of the seal for every file of a kernel."""
    lines = {}
    for path in _list_files(place):
        with path.open("rb") as file:
            checksum = hashlib.file_digest(file, "sha256").hexdigest()
        lines[path] = checksum.encode() + b"  " + os.fsencode(path.relative_to(place).as_posix()) + b"\n"
    return lines


@contextmanager
def begin_kernel(folder: Path, name: str, text: str) -> Iterator[Path]:
    """Return a new kernel that holds the source alone, in a folder of its own that is gone when the context ends."""
    _remove_abandoned(folder)
    with _work_folder(folder) as work:
        place = work / name
        make_private(place)
        make_private(place / COMPILED)
        _write_private(source_of(place), text.encode())
        yield place


def _write_private(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(PRIVATE_FILE)


def publish(place: Path, folder: Path) -> None:
    """Seal a kernel that was compiled and move it to where processes look for it; the first of several stays."""
    files = _list_files(place)
    if len(files) == 1:
        return  # nothing compiled was kept beside the source
    for file in files:
        file.chmod(PRIVATE_FILE)  # numba leaves that to the umask
    _write_private(place / SEAL, b"".join(_checksums(place).values()))
    with suppress(OSError):  # another process was quicker
        place.rename(folder / place.name)


def remove(place: Path) -> bool:
    """Remove whatever stands in the place of a kernel; return whether there was something, for one of several processes only."""
    with _work_folder(place.parent) as work:
        try:
            place.rename(work / place.name)
        except FileNotFoundError:
            return False
    return True


def copy_kernel(place: Path, folder: Path) -> Path:
    """Return a copy of a kernel in a folder."""
    return Path(shutil.copytree(place, folder / place.name, dirs_exist_ok=True))


@contextmanager
def _work_folder(folder: Path) -> Iterator[Path]:
    prefix, suffix = _IN_PROGRESS
    work = Path(tempfile.mkdtemp(prefix=prefix, suffix=suffix, dir=folder))
    try:
        work.chmod(PRIVATE_FOLDER)
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _remove_abandoned(folder: Path) -> None:
    """Remove what processes left that were killed."""
    for path in folder.glob("*".join(_IN_PROGRESS)):
        with suppress(OSError):
            if time.time() - path.lstat().st_mtime > ABANDONED_AFTER:
                shutil.rmtree(path)
