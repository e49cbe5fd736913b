"""Where the steps of long work are carried out: this process, several, or a Dask cluster.

Start with `open_pool`.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context

from kinimmune.fitting.work import Here, Plain, Pool, Step
from kinimmune.models.errors import UsageError


@contextmanager
def open_pool(jobs: int, dask: str | None) -> Iterator[Pool]:
    """Return a pool; nothing of it is left behind when the context ends."""
    if dask is not None:
        raise UsageError("--dask is not there yet")
    if jobs == 1:
        yield Here()
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as executor:
        yield _Processes(executor)


@dataclass(frozen=True)
class _Processes:
    executor: ProcessPoolExecutor

    def submit(self, step: Step) -> "Future[Plain]":
        return self.executor.submit(step.carry_out)
