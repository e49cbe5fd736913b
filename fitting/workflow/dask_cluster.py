"""The tasks of long work on a Dask cluster, the only module that knows Dask.

Start with `open_dask_cluster`.  Tasks are pure: Dask carries one out again when the worker that had it is lost.  What talks to
the scheduler is an event loop in a thread of its own, which ends with the pool.
"""

import asyncio
import logging
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from importlib.util import find_spec
from threading import Thread
from typing import TYPE_CHECKING

from kinimmune.fitting.runs.provenance import Environment, current_environment
from kinimmune.fitting.workflow.slots import SlotExecutor, compute
from kinimmune.fitting.workflow.task import Executor, Json, Task
from kinimmune.models.errors import DataError, NumericalError, UsageError

if TYPE_CHECKING:
    from distributed import Client

CONNECT_TIMEOUT = 5.0
"""Wait for a scheduler to answer [s]."""
CLOSE_TIMEOUT = 0.5
"""Wait for a scheduler when a pool ends [s]; one that is gone need not be told."""
MAX_IN_FLIGHT = 1024
"""Tasks a cluster has at once: more than most have threads, few enough to take them back at once."""


@dataclass(frozen=True)
class _Connection:
    """The connection with a scheduler."""

    client: "Client"
    loop: asyncio.AbstractEventLoop
    over: asyncio.Event
    """Ends it."""


@contextmanager
def open_dask_cluster(address: str) -> Iterator[Executor]:
    """Return a pool of the workers of a scheduler; they may come and go.

    Raises
    ------
    UsageError
        when the scheduler does not answer, or Dask is not installed
    """
    if find_spec("distributed") is None:
        raise UsageError("--dask needs Dask; install it with: pip install 'kinimmune[dask]'")
    with _silence(), _connect(address) as connection:
        slots = SlotExecutor([partial(_begin, connection, current_environment())] * MAX_IN_FLIGHT)
        try:
            yield slots
        finally:
            slots.close()


@contextmanager
def _silence() -> Iterator[None]:
    """Keep Dask from logging what is told by an error here."""
    import distributed.client

    logs = [logging.getLogger(name) for name in ("distributed", distributed.client.__name__)]
    before = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for log, level in zip(logs, before, strict=True):
            log.setLevel(level)


@contextmanager
def _connect(address: str) -> Iterator[_Connection]:
    ready: Future[_Connection] = Future()
    thread = Thread(target=lambda: asyncio.run(_stay(address, ready)), name="connection to the cluster", daemon=True)
    thread.start()
    try:
        connection = ready.result()
    except (OSError, ValueError) as error:  # no answer; an address that is none
        raise UsageError(
            f"no Dask scheduler answers at '{address}'; start one with 'dask scheduler' and give the address it prints"
        ) from error
    finally:
        ready.cancel()
    try:
        yield connection
    finally:
        connection.loop.call_soon_threadsafe(connection.over.set)
        thread.join()


async def _stay(address: str, ready: "Future[_Connection]") -> None:
    """Keep up a connection until it is over."""
    from distributed import Client
    from distributed.comm import get_address_host_port

    try:
        get_address_host_port(address)
        client = await Client(address, asynchronous=True, timeout=CONNECT_TIMEOUT, set_as_default=False)
    except (OSError, ValueError) as error:
        ready.set_exception(error)
        return
    over = asyncio.Event()
    if ready.set_running_or_notify_cancel():
        ready.set_result(_Connection(client, asyncio.get_running_loop(), over))
        await over.wait()
    with suppress(TimeoutError):
        await asyncio.wait_for(client.close(), CLOSE_TIMEOUT)


def _begin(connection: _Connection, here: Environment, task: Task, future: "Future[Json]") -> None:
    """Send a task to the cluster."""

    def answer(inner: "Future[Json]") -> None:
        error = CancelledError() if inner.cancelled() else inner.exception()
        if error is not None:
            future.set_exception(_explain(task, error))
        else:
            future.set_result(inner.result())

    asyncio.run_coroutine_threadsafe(_compute(connection.client, here, task), connection.loop).add_done_callback(answer)


_ADVICE = "finished tasks are kept: go on with --resume"


async def _compute(client: "Client", here: Environment, task: Task) -> Json:
    outcome: Json = await client.submit(compute_alike, task, here, key=f"{task.name}-{task.address}", pure=True)
    return outcome


def _explain(task: Task, error: BaseException) -> BaseException:
    """Return an error of a task in words of this package, where Dask is what raised it."""
    from distributed import KilledWorker
    from distributed.comm import CommClosedError

    if isinstance(error, CancelledError | CommClosedError):
        return NumericalError(f"the cluster was lost while it worked on task '{task.name}'; {_ADVICE}")
    if isinstance(error, KilledWorker):
        return NumericalError(
            f"every Dask worker that began task '{task.name}' died, as they do when memory runs out; give them more; {_ADVICE}"
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
