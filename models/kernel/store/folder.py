"""Which folder holds compiled kernels, and whether it is one that nobody else can write to.

Start with `open_folder`.  Numba unpickles what it finds in the cache and runs the machine code in it: whoever can write there
runs programs as this user.  So the rules are those of ssh for its keys.
"""

import atexit
import errno
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from kinimmune.models.kernel.store.notices import tell_unused

PRIVATE_FOLDER = 0o700
"""Mode of every folder made here, whatever the umask."""
WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def cache_folder() -> Path:
    """Return `KINIMMUNE_CACHE`, or the user's cache folder; it need not exist, and `~` is the home folder."""
    import platformdirs

    given = os.environ.get("KINIMMUNE_CACHE")
    try:
        return Path(given or platformdirs.user_cache_dir("kinimmune")).expanduser().absolute()
    except RuntimeError:  # no home folder is known; `find_objection` says so
        return Path(given or "~")


@cache
def own_folder() -> Path:
    """Return a folder of this process, removed at its end."""
    folder = Path(tempfile.mkdtemp(prefix="kinimmune-kernels-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def usable_folder() -> Path:
    """Return the cache folder, or when it is not used a temporary one of this process, and say so once.

    What this process starts can be given the answer, so that it neither warns nor compiles again.
    """
    folder = cache_folder()
    try:
        open_folder(folder)
    except OSError as error:
        tell_unused(folder, error)
        with suppress(OSError):  # no folder for temporary files either
            return own_folder()
    return folder


def open_folder(folder: Path) -> Path:
    """Return the real path of a folder for kernels, made for this user alone when it is not there.

    Raises
    ------
    OSError
        when it cannot be made, or is not used because others could write to it
    """
    _refuse(folder)
    real = Path(os.path.realpath(folder))
    missing = [path for path in (real, *real.parents) if not path.exists()]
    for path in reversed(missing):
        make_private(path)
    if missing:
        _refuse(folder)  # somebody else may have been quicker
    return real


def _refuse(folder: Path) -> None:
    objection = find_objection(folder)
    if objection is not None:
        raise PermissionError(errno.EPERM, objection)


def make_private(folder: Path) -> None:
    """Make a folder for this user alone; one that another process made first stays as it is."""
    try:
        folder.mkdir(PRIVATE_FOLDER)
    except FileExistsError:
        return
    folder.chmod(PRIVATE_FOLDER)  # a umask can take away even what the owner needs


def find_objection(folder: Path) -> str | None:
    """Return why a folder is not used for kernels, None when it is or can be made; nothing is made.

    A link is followed, and what is judged is where it leads.  Of the folders above it is asked that not everybody can put another
    in its place.  A group may: on many systems all folders are writable by a group that holds one user, and what somebody else
    puts there has another owner, which is seen.
    """
    if not folder.is_absolute():
        return f"no home folder is known for '{folder.parts[0]}'"
    try:
        real = Path(os.path.realpath(folder))
        nearest = next(path for path in (real, *real.parents) if path.exists())
        if not nearest.is_dir():
            return f"{nearest} is no folder"
        for path in real.parents:
            if path.exists() and _anyone_can_rename_in(path.stat()):
                return f"everybody can write to the folder {path} above it; chmod o-w or +t {path}"
        return describe_access(real) if nearest == real else None
    except OSError as error:
        return error.strerror or str(error)


def _anyone_can_rename_in(found: os.stat_result) -> bool:
    """Return whether everybody can rename what others have in a folder, as the sticky bit of /tmp forbids."""
    return os.name != "nt" and bool(found.st_mode & stat.S_IWOTH) and not found.st_mode & stat.S_ISVTX


def describe_access(path: Path) -> str | None:
    """Return who else could write to a file or folder itself, and what ends that; None when nobody could.

    On Windows modes say nothing of who may write: nothing is found there.
    """
    if os.name == "nt":
        return None
    found = path.lstat()
    if found.st_uid not in (os.geteuid(), 0):  # root can write everywhere
        return f"{path} belongs to another user, uid {found.st_uid}"
    if found.st_mode & WRITABLE_BY_OTHERS and not stat.S_ISLNK(found.st_mode):
        advice = "" if found.st_mode & stat.S_ISVTX else f"; chmod go-w {path}"  # nobody should do that to /tmp
        return f"others can write to {path}, mode {stat.S_IMODE(found.st_mode):04o}{advice}"
    return None
