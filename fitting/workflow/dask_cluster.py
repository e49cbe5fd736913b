"""The steps of long work on a Dask cluster, the only module that knows Dask.

Start with `open_cluster`.  Steps are pure: Dask carries one out again when the worker that had it is lost.  What talks to the
scheduler is an event loop in a thread of its own, which ends with the pool.
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
from kinimmune.fitting.workflow.slots import Places, carry_out
from kinimmune.fitting.workflow.task import Plain, Pool, Step
from kinimmune.models.errors import DataError, NumericalError, UsageError

if TYPE_CHECKING:
    from distributed import Client

PATIENCE = 5.0
"""Wait for a scheduler to answer [s]."""
FAREWELL = 0.5
"""Wait for a scheduler when a pool ends [s]; one that is gone need not be told."""
AT_ONCE = 1024
"""Steps a cluster has at once: more than most have threads, few enough to take them back at once."""


@dataclass(frozen=True)
class _Line:
    """The connection with a scheduler."""

    client: "Client"
    loop: asyncio.AbstractEventLoop
    over: asyncio.Event
    """Ends it."""


@contextmanager
def open_cluster(address: str) -> Iterator[Pool]:
    """Return a pool of the workers of a scheduler; they may come and go.

    Raises
    ------
    UsageError
        when the scheduler does not answer, or Dask is not installed
    """
    if find_spec("distributed") is None:
        raise UsageError("--dask needs Dask; install it with: pip install 'kinimmune[dask]'")
    with _silence(), _connect(address) as line:
        places = Places([partial(_begin, line, current_environment())] * AT_ONCE)
        try:
            yield places
        finally:
            places.close()


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
def _connect(address: str) -> Iterator[_Line]:
    ready: Future[_Line] = Future()
    thread = Thread(target=lambda: asyncio.run(_stay(address, ready)), name="line to the cluster", daemon=True)
    thread.start()
    try:
        line = ready.result()
    except (OSError, ValueError) as error:  # no answer; an address that is none
        raise UsageError(
            f"no Dask scheduler answers at '{address}'; start one with 'dask scheduler' and give the address it prints"
        ) from error
    finally:
        ready.cancel()
    try:
        yield line
    finally:
        line.loop.call_soon_threadsafe(line.over.set)
        thread.join()


async def _stay(address: str, ready: "Future[_Line]") -> None:
    """Keep up a connection until it is over."""
    from distributed import Client
    from distributed.comm import get_address_host_port

    try:
        get_address_host_port(address)
        client = await Client(address, asynchronous=True, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        ready.set_exception(error)
        return
    over = asyncio.Event()
    if ready.set_running_or_notify_cancel():
        ready.set_result(_Line(client, asyncio.get_running_loop(), over))
        await over.wait()
    with suppress(TimeoutError):
        await asyncio.wait_for(client.close(), FAREWELL)


def _begin(line: _Line, here: Environment, step: Step, future: "Future[Plain]") -> None:
    """Send a step to the cluster."""

    def answer(inner: "Future[Plain]") -> None:
        error = CancelledError() if inner.cancelled() else inner.exception()
        if error is not None:
            future.set_exception(_explain(step, error))
        else:
            future.set_result(inner.result())

    asyncio.run_coroutine_threadsafe(_compute(line.client, here, step), line.loop).add_done_callback(answer)


_ADVICE = "finished steps are kept: go on with --resume"


async def _compute(client: "Client", here: Environment, step: Step) -> Plain:
    outcome: Plain = await client.submit(carry_out_alike, step, here, key=f"{step.name}-{step.address}", pure=True)
    return outcome


def _explain(step: Step, error: BaseException) -> BaseException:
    """Return an error of a step in words of this package, where Dask is what raised it."""
    from distributed import KilledWorker
    from distributed.comm import CommClosedError

    if isinstance(error, CancelledError | CommClosedError):
        return NumericalError(f"the cluster was lost while it worked on step '{step.name}'; {_ADVICE}")
    if isinstance(error, KilledWorker):
        return NumericalError(
            f"every Dask worker that began step '{step.name}' died, as they do when memory runs out; give them more; {_ADVICE}"
        )
    return error


def carry_out_alike(step: Step, wanted: Environment) -> Plain:
    """Return the outcome of a step on a worker that has the versions of the machine that asks.

    Raises
    ------
    DataError
        when versions differ, which would change bits
    """
    here = _environment()
    differences = here.differences(replace(wanted, system=here.system, cpu=here.cpu))
    if differences:
        raise DataError(f"a Dask worker has other versions than this machine: {', '.join(differences)}; install the same there")
    return carry_out(step)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return current_environment()
