"""What the platform has of signals: the one place that knows what Windows lacks, and what is done there instead.

Start with `list_interruptions`.

=================  ==========================================  ==========================================================
what               where the platform has it                   elsewhere
=================  ==========================================  ==========================================================
SIGTERM, SIGHUP    end a command in order                      Windows sends neither: Ctrl-C and Ctrl-Break (SIGBREAK) end
                                                               it in order; what else ends it is a kill, and `--resume`
                                                               goes on from the last finished task
timer (SIGALRM)    repeats an interruption that had no effect  a thread does, as soon as Python runs again
blocked signals    keep Ctrl-C from a process that starts      it disregards Ctrl-C once it is ready; in the second before,
                                                               it may end with a traceback of its own, and the run says
                                                               interrupted all the same
=================  ==========================================  ==========================================================
"""

import _thread
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

INTERRUPTIONS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK", "SIGALRM")
"""Names of the signals that interrupt; all but the first two are on some platforms alone."""


def list_interruptions() -> list[int]:
    """Return the signals that interrupt, as far as this platform and thread have them.

    SIGHUP is not among them where it is ignored, as under `nohup`.  Another thread than the main one gets no signals.
    """
    if threading.current_thread() is not threading.main_thread():
        return []
    numbers = [getattr(signal, name) for name in INTERRUPTIONS if hasattr(signal, name)]
    kept = [number for number in numbers if signal.getsignal(number) is not None]  # None: set by a program this one is part of
    return [number for number in kept if signal.Signals(number).name != "SIGHUP" or signal.getsignal(number) != signal.SIG_IGN]


@dataclass(eq=False)
class Interrupting:
    """Handler of a signal that raises a `KeyboardInterrupt`, and again after a while unless `stop_asking` is called before."""

    seconds: float
    """After an interruption that had no effect."""
    timer: threading.Timer | None = None
    """What asks again where the platform has no timer of its own."""

    def __call__(self, _number: int, _frame: object) -> None:
        """Interrupt."""
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, self.seconds)
        else:
            self.stop()
            self.timer = threading.Timer(self.seconds, _thread.interrupt_main, (signal.SIGINT,))
            self.timer.daemon = True
            self.timer.start()
        raise KeyboardInterrupt

    def stop(self) -> None:
        """Let the thread that asks again do so no more."""
        if self.timer is not None:
            self.timer.cancel()


def stop_asking() -> None:
    """Repeat no interruption that has come before."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        return
    handler = signal.getsignal(signal.SIGINT)
    if isinstance(handler, Interrupting):
        handler.stop()


@contextmanager
def blocked_for_children() -> Iterator[None]:
    """Let a process that is started here be deaf to Ctrl-C and SIGTERM from its first moment, where signals can be blocked.

    A blocked signal stays blocked in the process that is started; here it is only delayed.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def disregard_keys() -> None:
    """Let this process, one that was started for tasks, disregard Ctrl-C and Ctrl-Break: its parent ends it."""
    for name in ("SIGINT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
