"""Places where steps of long work are carried out one at a time, and how a step is carried out there.

Start with `Places`, a pool made of them.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from threading import Lock

from kinimmune.fitting.workflow.task import Plain, Step

Place = Callable[[Step, "Future[Plain]"], None]
"""Where one step at a time can be begun; it answers by the future."""


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep BLAS from starting threads; sums come out the same everywhere, and threads do not stand in each other's way."""
    import scipy.linalg  # noqa: F401 - scipy's BLAS can only be told when it is there
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        yield


def carry_out(step: Step) -> Plain:
    """Return the outcome of a step in another process."""
    with one_blas_thread():
        return step.carry_out()


class Places:
    """A pool that hands steps to places as they become free, the others wait here; so an interruption finds little to undo."""

    def __init__(self, places: list[Place]) -> None:
        self._free = places
        self._waiting: deque[tuple[Step, Future[Plain]]] = deque()
        self._lock = Lock()

    def submit(self, step: Step) -> "Future[Plain]":
        """Begin a step when a place is free."""
        future: Future[Plain] = Future()
        self._waiting.append((step, future))
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
                place = self._free.pop()
                step, future = self._waiting.popleft()
            future.add_done_callback(partial(self._take_back, place))
            place(step, future)

    def _take_back(self, place: Place, future: "Future[Plain]") -> None:
        if future.exception() is not None:
            self.close()  # a failed step ends everything
            return
        with self._lock:
            self._free.append(place)
        self._hand_out()
