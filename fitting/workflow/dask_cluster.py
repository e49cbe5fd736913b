"""The tasks of long work on a Dask cluster.

Start with `open_dask_cluster`; `require_dask_cluster` tries an address before anything is touched.  Tasks are pure: Dask carries
one out again when the worker that had it is lost.
"""

import asyncio
import logging
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from importlib.util import find_spec
from typing import Any

from kinimmune.fitting.runs.provenance import Environment, current_environment
from kinimmune.fitting.workflow.dask_connection import Connection, Patience, Say, connect
from kinimmune.fitting.workflow.slots import SlotExecutor, compute
from kinimmune.fitting.workflow.task import Executor, Json, Task
from kinimmune.models.errors import DataError, MachineError, UsageError

MAX_IN_FLIGHT = 1024
"""Tasks a cluster has at once: more than most have threads, few enough to take them back at once."""
SILENCED = ("distributed", "distributed.client", "distributed.gc", "tornado", "tornado.application", "asyncio")
"""Logs of what is told by an error or a note here; each has a level of its own."""


@contextmanager
def open_dask_cluster(address: str, say: Say, patience: Patience | None = None) -> Iterator[Executor]:
    """Return a pool of the workers of a scheduler; they may come and go.

    Parameters
    ----------
    address
        of the scheduler
    say
        takes notes on workers that are waited for
    patience
        how long to wait for what

    Raises
    ------
    UsageError
        when no scheduler answers, or Dask is not installed
    """
    with _silence(), connect(address, say, patience or Patience()) as connection:
        slots = SlotExecutor([partial(_begin, connection, current_environment())] * MAX_IN_FLIGHT)
        try:
            yield slots
        finally:
            slots.close()


def require_dask_cluster(address: str, patience: Patience | None = None) -> None:
    """Raise an error unless a scheduler answers at an address.

    Raises
    ------
    UsageError
        when no scheduler answers, or Dask is not installed
    """
    with _silence(), connect(address, lambda _note: None, patience or Patience()):
        pass


@contextmanager
def _silence() -> Iterator[None]:
    """Keep Dask from logging, and from warning of versions, what is told by an error here."""
    if find_spec("distributed") is None:
        raise UsageError("--dask needs Dask; install it with: pip install 'kinimmune[dask]'")
    from distributed.versions import VersionMismatchWarning

    logs = [logging.getLogger(name) for name in SILENCED]
    before = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VersionMismatchWarning)
            yield
    finally:
        for log, level in zip(logs, before, strict=True):
            log.setLevel(level)


def _begin(connection: Connection, here: Environment, task: Task, future: "Future[Json]") -> None:
    """Send a task to the cluster."""

    def answer(inner: "Future[Json]") -> None:
        error = CancelledError() if inner.cancelled() else inner.exception()
        if error is not None:
            future.set_exception(_explain(task, error, connection))
        else:
            future.set_result(inner.result())

    asyncio.run_coroutine_threadsafe(_compute(connection, here, task), connection.loop).add_done_callback(answer)


_ADVICE = "finished tasks are kept: go on with --resume"


async def _compute(connection: Connection, here: Environment, task: Task) -> Json:
    """Return the outcome of a task, or raise an error when the scheduler is lost."""
    connection.working.add(task.name)
    work = asyncio.ensure_future(_submit(connection, here, task))
    try:
        ends: set[asyncio.Future[Any]] = {work, connection.lost}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise CancelledError
        return work.result()
    finally:
        work.cancel()
        connection.working.discard(task.name)


async def _submit(connection: Connection, here: Environment, task: Task) -> Json:
    from distributed.protocol.pickle import dumps, loads

    call = dumps(_Call(task, here))
    outcome: Json = await connection.client.submit(loads, call, key=f"{task.name}-{task.address}", pure=True)
    return outcome


@dataclass(frozen=True)
class _Call:
    """A task that is computed where its bytes are read.

    A scheduler hands bytes on without reading them, so it needs nothing of this package; a worker that cannot read them answers
    with an error, where one that cannot read an object of Dask's own message leaves the cluster without a word.
    """

    task: Task
    here: Environment

    def __reduce__(self) -> tuple[Callable[[Task, Environment], Json], tuple[Task, Environment]]:
        """Let the bytes be those of a call."""
        return compute_alike, (self.task, self.here)


def _explain(task: Task, error: BaseException, connection: Connection) -> BaseException:
    """Return an error of a task in words of this package, where Dask is what raised it."""
    from distributed import KilledWorker
    from distributed.comm import CommClosedError

    if isinstance(error, CancelledError | CommClosedError) or connection.is_lost:
        return MachineError(f"the cluster was lost while it worked on task '{task.name}'; {_ADVICE}")
    if isinstance(error, KilledWorker):
        return MachineError(
            f"every Dask worker that began task '{task.name}' died, as they do when memory runs out; give them more; {_ADVICE}"
        )
    if isinstance(error, ImportError):
        return DataError(
            f"a Dask worker cannot compute task '{task.name}': {error}; install there what this machine has; {_ADVICE}"
        )
    return error


def compute_alike(task: Task, wanted: Environment) -> Json:
    """Return the outcome of a task on a worker that has the versions of the machine that asks.

    Raises
    ------
    DataError
        when versions differ, which would change bits
    """
    here = _environment()
    differences = here.differences(replace(wanted, system=here.system, cpu=here.cpu))
    if differences:
        raise DataError(f"a Dask worker has other versions than this machine: {', '.join(differences)}; install the same there")
    return compute(task)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return current_environment()
