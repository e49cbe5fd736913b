"""Signals that end a command in order: SIGINT, SIGTERM and SIGHUP.

Start with `interruptible`; `undisturbed` is for what must not be left half done.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
SECONDS_TO_ASK_AGAIN = 0.4
"""After an interruption that had no effect."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP raise a `KeyboardInterrupt`, also where a shell script started it in the background.

    SIGHUP stays ignored where it is, as under `nohup`.  An exception that is raised while C calls Python back, as compilers do,
    is dropped there; so a timer asks again.  Another thread than the main one gets no signals, and nothing is changed there.
    """

    def interrupt(_number: int, _frame: object) -> None:
        _ask_again_in(SECONDS_TO_ASK_AGAIN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _numbers()}
    try:
        yield
    finally:
        if before:
            _ask_again_in(0.0)
        for number, handler in before.items():
            if signal.getsignal(number) is interrupt:
                signal.signal(number, handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Disregard interruptions for a moment: for what is short and about to end anyway."""
    before = disregard_signals()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def disregard_signals() -> dict[int, "signal._HANDLER"]:
    """Disregard interruptions from now on; return what was done about them."""
    numbers = _numbers()
    if numbers:
        _ask_again_in(0.0)
    return {number: signal.signal(number, signal.SIG_IGN) for number in numbers}


def until_interrupted(work: Callable[[], T]) -> T:
    """Return what `work` gives; once it has ended, the timer leaves what is to be put away in peace."""
    try:
        return work()
    finally:
        _ask_again_in(0.0)


def _numbers() -> list[int]:
    """Return the signals that interrupt, as far as this platform and thread have them."""
    if threading.current_thread() is not threading.main_thread():
        return []
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM")  # the last two are not on every platform
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    kept = [number for number in numbers if signal.getsignal(number) is not None]  # None: set by a program this one is part of
    return [number for number in kept if signal.Signals(number).name != "SIGHUP" or signal.getsignal(number) != signal.SIG_IGN]


def _ask_again_in(seconds: float) -> None:
    """Set the timer that repeats an interruption, 0 to stop it, where the platform has one."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)
