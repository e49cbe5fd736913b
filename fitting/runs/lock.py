"""A run in use: a lock the operating system holds for a process, and gives back when the process is gone.

Start with `lock_run` and `is_in_use`.  The text of the lock file only informs; what counts is the lock.  Locks of another host
may not be seen on a shared file system, so a lock file that another host left behind is not broken without being told to.
A lock file that is gone tells whoever works in the run that its folder was deleted, moved or replaced: `identify_lock`.
"""

import errno
import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from kinimmune.models.errors import OF_THE_MACHINE, KinimmuneError, MachineError, UsageError

LOCK = ".lock"
"""Name of the lock file in a run."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock, as the lock file tells it."""

    host: str
    process: int
    since: str
    """ISO 8601 with the offset to UTC."""

    def __str__(self) -> str:
        """Return it in words."""
        return f"process {self.process} on {self.host} since {self.since}"


@contextmanager
def lock_run(path: Path, *, force: bool = False) -> Iterator[None]:
    """Hold the lock of a run's folder, which is made when it is not there.

    Parameters
    ----------
    path
        the folder
    force
        whether a lock file that another host left behind is disregarded; a lock that is held never is

    Raises
    ------
    UsageError
        when another process holds the lock, another host left it, or the folder cannot be written
    MachineError
        when there is no room for the folder
    """
    made = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
        stream, held = _open_current(path / LOCK)
    except OSError as error:
        raise refuse_folder(path, error) from error
    with stream:
        require_writable(path)
        _require_free(path, _read_holder(stream), held=held, force=force)
        _tell_holder(stream, json.dumps(asdict(_here())))
        try:
            yield
        finally:
            _tell_holder(stream, "")
            _give_back(path, stream)
            with suppress(OSError):
                for folder in made:  # where nothing was written, nothing is left
                    folder.rmdir()


def _give_back(path: Path, stream: IO[str]) -> None:
    """Remove the lock file of a run, close it and give the lock back."""
    removed = not _is_current(path / LOCK, stream)  # it is that of another process, where the folder was replaced
    if not removed:
        with suppress(OSError):
            (path / LOCK).unlink()  # while it is held: whoever opened it before finds that it is gone
            removed = True
    _unlock(stream)
    stream.close()
    if not removed:
        with suppress(OSError):
            (path / LOCK).unlink()  # Windows removes no open file: that of whoever is next is open


def _open_current(path: Path) -> tuple[IO[str], bool]:
    """Return the lock file and whether its lock is held now; opened anew when it was removed before it was locked."""
    while True:
        stream = path.open("a+", encoding="utf-8")
        if not _try_lock(stream):
            return stream, False
        if _is_current(path, stream):
            return stream, True
        stream.close()


def _is_current(path: Path, stream: IO[str]) -> bool:
    """Return whether an open file is the one that lies at a path now."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except OSError:
        return False


def require_writable(folder: Path) -> None:
    """Raise a `UsageError` unless files can be made in a folder of a run, which is there; nothing is made."""
    if not os.access(folder, os.W_OK | os.X_OK):
        raise refuse_folder(folder, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))


def refuse_folder(path: Path, error: OSError) -> KinimmuneError:
    """Return the error for a folder of a run that cannot be written before work has begun."""
    reason = error.strerror or error
    if error.errno in OF_THE_MACHINE - {errno.EROFS}:
        return MachineError(
            f"cannot write run '{path}': {reason}; make room and repeat the command, or give another folder with -o"
        )
    return UsageError(f"cannot write run '{path}': {reason}; give a folder you may write with -o")


def identify_lock(path: Path) -> os.stat_result | None:
    """Return what tells the lock file of a run from every other one while it is held; None when there is none.

    Its folder would not do: the number of a folder that was deleted is soon that of a new one.
    """
    try:
        return (path / LOCK).stat()
    except OSError:
        return None


def is_in_use(path: Path) -> bool:
    """Return whether a process holds the lock of a run."""
    try:
        with (path / LOCK).open("r+", encoding="utf-8") as stream:
            if not _try_lock(stream):
                return True
            _unlock(stream)
    except OSError:
        return False
    return False


def _require_free(path: Path, holder: Holder | None, *, held: bool, force: bool) -> None:
    if not held:
        by = "" if holder is None else f" by {holder}"
        raise UsageError(f"run '{path}' is in use{by}; wait for it, or name another with -o")
    if holder is not None and holder.host != platform.node() and not force:
        raise UsageError(
            f"run '{path}' was in use by {holder}, whose lock cannot be seen from here; "
            "wait for it, name another with -o, or begin anew with --force when it is gone"
        )


def _here() -> Holder:
    return Holder(platform.node(), os.getpid(), datetime.now().astimezone().isoformat(timespec="seconds"))


def _read_holder(stream: IO[str]) -> Holder | None:
    stream.seek(0)
    try:
        content = json.loads(stream.read(4096))
        return Holder(str(content["host"]), int(content["process"]), str(content["since"]))
    except (ValueError, KeyError, TypeError, RecursionError, OSError):
        return None


def _tell_holder(stream: IO[str], text: str) -> None:
    with suppress(OSError):  # a full disk takes the words, not the lock
        stream.seek(0)
        stream.truncate()
        stream.write(text)
        stream.flush()


if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30
    """Byte that is locked: beyond the text, which others can then read."""

    def _try_lock(stream: IO[str]) -> bool:
        try:
            stream.seek(_FAR)
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(stream: IO[str]) -> None:
        with suppress(OSError):
            stream.seek(_FAR)
            msvcrt.locking(stream.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(stream: IO[str]) -> bool:
        try:
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _unlock(stream: IO[str]) -> None:
        with suppress(OSError):
            fcntl.flock(stream.fileno(), fcntl.LOCK_UN)
