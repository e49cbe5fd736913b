"""Slots, in each of which one task of long work at a time is computed, and the executor that hands tasks to them.

Start with `SlotExecutor`.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from threading import Lock

from kinimmune.fitting.workflow.task import Json, Task

Slot = Callable[[Task, "Future[Json]"], None]
"""Where one task at a time can be begun; it answers by the future."""


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep BLAS from starting threads; sums come out the same everywhere, and threads do not stand in each other's way."""
    import scipy.linalg  # noqa: F401 - scipy's BLAS can only be told when it is there
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        yield


def compute(task: Task) -> Json:
    """Return the outcome of a task in another process."""
    with one_blas_thread():
        return task.compute()


class SlotExecutor:
    """Hands tasks to slots as they become free; the others wait here, so an interruption finds little to undo."""

    def __init__(self, slots: list[Slot]) -> None:
        self._free = slots
        self._waiting: deque[tuple[Task, Future[Json]]] = deque()
        self._lock = Lock()

    def submit(self, task: Task) -> "Future[Json]":
        """Begin a task when a slot is free."""
        future: Future[Json] = Future()
        self._waiting.append((task, future))
        self._hand_out()
        return future

    def close(self) -> None:
        """Begin nothing any more."""
        with self._lock:
            self._waiting.clear()

    def _hand_out(self) -> None:
        while True:
            with self._lock:
                if not (self._free and self._waiting):
                    return
                slot = self._free.pop()
                task, future = self._waiting.popleft()
            future.add_done_callback(partial(self._take_back, slot))
            slot(task, future)

    def _take_back(self, slot: Slot, future: "Future[Json]") -> None:
        if future.exception() is not None:
            self.close()  # a failed task ends everything
            return
        with self._lock:
            self._free.append(slot)
        self._hand_out()
