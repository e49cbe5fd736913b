"""Many patients cut into chunks of fixed size over threads, with results in the order of the chunks.

Start with `map_chunks`; `map_in_order` is the same for any pieces of work.  The cut does not depend on the number of threads, and
a caller that sums results as they come always sums them in the same order: the same bits for any number of threads, and memory
for a few chunks only.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from kinimmune.models.errors import UsageError

CHUNK = 512
"""Patients in a chunk: enough to keep the lanes full, few enough to answer Ctrl-C within a second."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_chunks(task: Callable[[slice], Result], n: int, *, jobs: int = 1, chunk: int = CHUNK) -> Iterator[Result]:
    """Yield the result of `task` for each chunk of n patients, in order.

    Parameters
    ----------
    task
        computes the patients of a slice, such as a call of `kinimmune.models.solvers.ensemble.integrate` on their columns
    n
        number of patients
    jobs
        threads; when more than one, `task` must let go of Python's lock, as `integrate` does
    chunk
        patients in a chunk

    Raises
    ------
    UsageError
        for fewer than one thread or patient a chunk

    Examples
    --------
    >>> list(map_chunks(lambda part: part.stop - part.start, 1100, jobs=2))
    [512, 512, 76]
    """
    if jobs < 1 or chunk < 1:
        raise UsageError(f"{jobs} threads and {chunk} patients a chunk; both must be at least 1")
    yield from map_in_order(task, cut(n, chunk), jobs)


def cut(n: int, chunk: int) -> Iterator[slice]:
    """Cut n patients into chunks, the last of which may be smaller.

    >>> [(part.start, part.stop) for part in cut(150, 64)]
    [(0, 64), (64, 128), (128, 150)]
    """
    return (slice(begin, min(begin + chunk, n)) for begin in range(0, n, chunk))


def map_in_order(task: Callable[[Item], Result], items: Iterable[Item], jobs: int) -> Iterator[Result]:
    """Yield the result of `task` for each item, in order; an item is taken when a thread is free, so that few results wait.

    Examples
    --------
    >>> list(map_in_order(abs, iter([-1, 2, -3]), 2))
    [1, 2, 3]
    """
    if jobs == 1:
        yield from map(task, items)
        return
    pool = ThreadPoolExecutor(jobs)
    running: deque[Future[Result]] = deque()
    try:
        for item in items:
            running.append(pool.submit(task, item))
            if len(running) > 2 * jobs:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
