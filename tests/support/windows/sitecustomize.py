"""What Windows lacks, taken away: Python imports this before anything else where this folder is in PYTHONPATH.

It emulates, on Linux: `kinimmune` sees the `os`, `sys`, `signal` and `multiprocessing` of Windows, and `msvcrt` in place of
`fcntl`; every part of the process meets its file system: no symbolic links, no `/proc`, no name with a colon, no two names
that differ in case alone, no file replaced or removed while this process or its parent has it open.  Text files whose encoding
is left to the system are an error in `kinimmune`, and standard streams have the code page 1252.  Libraries run as they do here.
`fork` is left to `forking.py`, by which a test begins programs.
"""

import builtins
import errno
import fcntl
import multiprocessing.popen_spawn_posix
import multiprocessing.resource_tracker
import multiprocessing.synchronize
import os
import re
import shutil
import signal
import struct
import subprocess  # noqa: F401 - takes a `msvcrt` for Windows itself
import sys
import tempfile  # noqa: F401 - as above
import threading
import warnings
from collections.abc import Iterable
from pathlib import Path, PurePath
from types import ModuleType
from typing import Any

PACKAGE = "kinimmune"
ABSENT_MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "posix", "syslog"}
SIGNALS_THERE = {"SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM"}
ABSENT_OF_SIGNAL = {name for name in dir(signal) if re.fullmatch("SIG[A-Z0-9]+", name) and name not in SIGNALS_THERE}
ABSENT_OF_SIGNAL |= {"setitimer", "getitimer", "alarm", "pause", "pthread_sigmask", "pthread_kill", "sigwait", "siginterrupt"}
ABSENT_OF_SIGNAL |= {"sigpending", "sigwaitinfo", "sigtimedwait", "ITIMER_REAL", "SIG_BLOCK", "SIG_SETMASK", "SIG_UNBLOCK"}
ABSENT_OF_SIGNAL -= {"SIG_DFL", "SIG_IGN"}
ABSENT_OF_OS = {"fork", "forkpty", "geteuid", "getuid", "getegid", "getgid", "chown", "lchown", "fchown", "fchmod", "killpg"}
ABSENT_OF_OS |= {"setsid", "getpgid", "getpgrp", "mkfifo", "mknod", "sched_getaffinity", "posix_spawn", "uname", "nice", "wait"}
ABSENT_OF_OS |= {"getloadavg", "sysconf", "statvfs", "WNOHANG", "O_DIRECTORY", "O_NOFOLLOW", "register_at_fork"}
FORBIDDEN_LETTERS = re.compile(r'[<>:"|?*\x00-\x1f]')
RESERVED = re.compile(r"(con|prn|aux|nul|com[1-9]|lpt[1-9])(\..*)?", re.IGNORECASE)
LONGEST_PATH = 259
PATHLIB = Path.read_text.__code__.co_filename
OWN = threading.local()
"""Whether this module itself is at work in a thread."""


class Seen(ModuleType):
    """A module as it is on Windows; what is set there is set in the module itself."""

    def __init__(self, real: ModuleType, absent: Iterable[str], **differs: object) -> None:
        super().__init__(real.__name__)
        self.__dict__.update(real=real, absent=frozenset(absent), **differs)

    def __getattr__(self, name: str) -> Any:
        """Return what Windows has, too."""
        if name in self.absent:
            raise AttributeError(f"module '{self.__name__}' has no attribute '{name}' (Windows, emulated)")
        return getattr(self.real, name)

    def __setattr__(self, name: str, value: object) -> None:
        """Set it for everybody."""
        setattr(self.real, name, value)


def _signal(number: int, handler: Any) -> Any:
    """Set a handler of a signal that Windows knows."""
    if signal.Signals(number).name not in SIGNALS_THERE:
        raise ValueError("signal number out of range (Windows, emulated)")
    return signal.signal(number, handler)


def _get_context(method: str | None = None) -> Any:
    if method not in (None, "spawn"):
        raise ValueError(f"cannot find context for {method!r} (Windows, emulated)")
    return multiprocessing.get_context("spawn")


def _locking(descriptor: int, mode: int, length: int) -> None:
    """Lock bytes from where an open file stands, as `msvcrt.locking` does; the lock belongs to the open file."""
    kind = fcntl.F_UNLCK if mode == 0 else fcntl.F_WRLCK
    start = os.lseek(descriptor, 0, os.SEEK_CUR)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, struct.pack("hhqqi", kind, os.SEEK_SET, start, length, 0))
    except BlockingIOError as error:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from error


MSVCRT = ModuleType("msvcrt")
MSVCRT.__dict__.update(locking=_locking, LK_UNLCK=0, LK_LOCK=1, LK_NBLCK=2)
VIEWS: dict[str, ModuleType] = {
    "os": Seen(os, ABSENT_OF_OS, name="nt"),
    "sys": Seen(sys, (), platform="win32"),
    "signal": Seen(signal, ABSENT_OF_SIGNAL, signal=_signal),
    "multiprocessing": Seen(multiprocessing, (), get_context=_get_context),
    "msvcrt": MSVCRT,
}
REAL_IMPORT, REAL_RENAME = builtins.__import__, os.rename


def _import(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
    """Import, for the package as on Windows."""
    asking = (globals or {}).get("__name__", "")
    if asking.partition(".")[0] == PACKAGE and level == 0:
        if name in ABSENT_MODULES:
            raise ModuleNotFoundError(f"No module named '{name}' (Windows, emulated)", name=name)
        if name in VIEWS:
            return VIEWS[name]
    return REAL_IMPORT(name, globals, locals, fromlist, level)


def _rename(source: Any, target: Any, **places: Any) -> None:
    """Rename, but never onto what is there."""
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(source), None, os.fspath(target))
    REAL_RENAME(source, target, **places)


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse what the file system of Windows refuses."""
    if getattr(OWN, "busy", False) or event not in RULES:
        return
    OWN.busy = True
    try:
        RULES[event](*arguments)
    finally:
        OWN.busy = False


def _may_open(path: Any, mode: str | None = None, flags: int = 0) -> None:
    if isinstance(path, int) or path is None:
        return
    text = os.fsdecode(path)
    if text.startswith(("/proc/", "/sys/")) and _package_asks():
        raise FileNotFoundError(errno.ENOENT, "No such file or directory (Windows, emulated)", text)
    _may_be_named(text)
    if flags & os.O_CREAT or set(mode or "") & set("wax"):
        _may_be_made(text)


def _package_asks() -> bool:
    """Return whether the package opens a file, and not a library, which asks Windows itself."""
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename in (__file__, PATHLIB):
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", "")).startswith(PACKAGE)


def _may_be_named(text: str) -> None:
    parts = [part for part in PurePath(text).parts if part not in ("/", "..")]
    if text == os.devnull:
        return
    if any(FORBIDDEN_LETTERS.search(part) or RESERVED.fullmatch(part) or part.endswith((".", " ")) for part in parts):
        raise OSError(errno.EINVAL, "Invalid argument (Windows, emulated)", text)
    if len(os.path.abspath(text)) > LONGEST_PATH:  # noqa: PTH100
        raise FileNotFoundError(errno.ENOENT, "The path is too long (Windows, emulated)", text)


def _may_be_made(text: str) -> None:
    """Refuse a name that another one differs from in case alone."""
    folder, name = os.path.split(text)
    try:
        others = os.listdir(folder or ".")  # noqa: PTH208
    except OSError:
        return
    for other in others:
        if other != name and other.casefold() == name.casefold():
            raise FileExistsError(errno.EEXIST, f"is '{other}' (Windows, emulated)", text)


def _may_make(path: Any, *_: Any) -> None:
    text = os.fsdecode(path)
    _may_be_named(text)
    _may_be_made(text)


def _may_rename(source: Any, target: Any, *_: Any) -> None:
    _may_be_named(os.fsdecode(target))
    for path in (source, target):
        _may_go(path)


def _may_go(path: Any, *_: Any) -> None:
    """Refuse to move or remove what this process or its parent has open, or what holds it."""
    text = os.path.realpath(os.fsdecode(path))
    for process in ("self", str(os.getppid())):
        for opened in _list_open(f"/proc/{process}/fd"):
            if opened == text or opened.startswith(f"{text}{os.sep}"):
                raise PermissionError(errno.EACCES, "The file is in use by a process (Windows, emulated)", text)


def _list_open(folder: str) -> Iterable[str]:
    try:
        numbers = os.listdir(folder)  # noqa: PTH208
    except OSError:
        return
    for number in numbers:
        try:
            yield os.readlink(f"{folder}/{number}")  # noqa: PTH115
        except OSError:
            continue


def _refuse_link(*_: Any) -> None:
    raise OSError(errno.EINVAL, "A required privilege is not held by the client (Windows, emulated)")


def _refuse_fork(*_: Any) -> None:
    frame = sys._getframe(3)
    if frame.f_globals.get("__name__") != "__main__" or not frame.f_code.co_filename.endswith("forking.py"):
        raise OSError(errno.ENOSYS, "there is no fork (Windows, emulated)")


RULES = {
    "open": _may_open,
    "os.mkdir": _may_make,
    "os.rename": _may_rename,
    "os.remove": _may_go,
    "os.rmdir": _may_go,
    "os.symlink": _refuse_link,
    "os.fork": _refuse_fork,
    "os.forkpty": _refuse_fork,
}


def _take_away() -> None:
    shutil._use_fd_functions = False  # folders are removed by paths
    os.rename = _rename
    builtins.__import__ = _import
    if sys.flags.warn_default_encoding:
        warnings.filterwarnings("error", category=EncodingWarning, module=rf"{PACKAGE}\.")
        warnings.filterwarnings("ignore", category=EncodingWarning, module=rf"(?!{PACKAGE}\.)")
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.isatty():
            stream.reconfigure(encoding="cp1252", newline="\r\n")
    sys.addaudithook(_watch)


_take_away()
