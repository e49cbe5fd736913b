"""Signals that end a command in order: SIGINT, SIGTERM and SIGHUP, and Ctrl-Break on Windows.

Start with `interruptible`; `undisturbed` is for what must not be left half done.  What a platform has of signals, and what is
done where it lacks them, says `kinimmune.fitting.signals`.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from kinimmune.fitting.signals import Interrupting, list_interruptions, stop_asking

T = TypeVar("T")
SECONDS_TO_ASK_AGAIN = 0.4
"""After an interruption that had no effect."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP raise a `KeyboardInterrupt`, also where a shell script started it in the background.

    SIGHUP stays ignored where it is, as under `nohup`.  An exception that is raised while C calls Python back, as compilers do,
    is dropped there; so a timer asks again.  In another thread than the main one nothing is changed.
    """
    interrupt = Interrupting(SECONDS_TO_ASK_AGAIN)
    before = {number: signal.signal(number, interrupt) for number in list_interruptions()}
    try:
        yield
    finally:
        if before:
            stop_asking()
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
    numbers = list_interruptions()
    if numbers:
        stop_asking()
    return {number: signal.signal(number, signal.SIG_IGN) for number in numbers}


def until_interrupted(work: Callable[[], T]) -> T:
    """Return what `work` gives; once it has ended, the timer leaves what is to be put away in peace."""
    try:
        return work()
    finally:
        stop_asking()
