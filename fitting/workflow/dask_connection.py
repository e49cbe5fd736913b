"""A connection with a Dask scheduler in which no wait is without an end.

Start with `connect`.  What talks to the scheduler is an event loop in a thread of its own.  Dask's own timeouts end where a
connection is made; what answers nothing, or something else than a scheduler would, is left here.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

from kinimmune.fitting.workflow.dask_address import MARGIN, explain_refusal, open_client
from kinimmune.models.errors import UsageError

if TYPE_CHECKING:
    from distributed import Client

Say = Callable[[str], None]
"""Takes a note, one line."""

CONNECT_TIMEOUT = 5.0
"""Wait for a scheduler to answer [s]."""
SILENCE = 30.0
"""A scheduler that says nothing for so long is lost [s]; one with much to do can be slow."""
CLOSE_TIMEOUT = 0.5
"""Wait for a scheduler when a pool ends [s]; one that is gone need not be told."""
BETWEEN_LOOKS = 1.0
"""Time between two looks at the scheduler and its workers [s]."""
NOTE_AFTER = 10.0
"""Time without a worker until a note says so [s]."""
NOTE_AGAIN = 6.0
"""Every further note comes after so many times the wait of the last one."""
LONGEST_ADDRESS = 200
"""An address is cut to so many characters where it is told."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for what, in seconds."""

    connect: float = CONNECT_TIMEOUT
    silence: float = SILENCE
    look: float = BETWEEN_LOOKS
    note: float = NOTE_AFTER


@dataclass(frozen=True)
class Connection:
    """A connection with a scheduler."""

    client: "Client"
    loop: asyncio.AbstractEventLoop
    lost: "asyncio.Future[None]"
    """Ends when the scheduler is gone or says nothing any more."""
    working: set[str]
    """Names of the tasks the cluster has."""

    @property
    def is_lost(self) -> bool:
        """Whether nothing can come back any more."""
        return self.lost.done() or self.client.status != "running"


@contextmanager
def connect(address: str, say: Say, patience: Patience) -> Iterator[Connection]:
    """Return a connection with the scheduler at an address.

    Raises
    ------
    UsageError
        when no scheduler answers in time
    """
    with _run_loop() as loop:
        client = _open(address, loop, patience)
        connection = Connection(client, loop, loop.create_future(), set())
        watching = asyncio.run_coroutine_threadsafe(_watch(connection, address, say, patience), loop)
        try:
            yield connection
        finally:
            watching.cancel()
            closing = asyncio.run_coroutine_threadsafe(_close(client), loop)
            with suppress(TimeoutError):
                closing.exception(CLOSE_TIMEOUT + MARGIN)


@contextmanager
def _run_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Return an event loop in a thread of its own; what does not end with it is left behind in the daemon."""
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _loop, _context: None)  # what goes wrong is told by an error here
    thread = Thread(target=_serve, args=(loop,), name="connection to the cluster", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(CLOSE_TIMEOUT + MARGIN)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=CLOSE_TIMEOUT))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


def _open(address: str, loop: asyncio.AbstractEventLoop, patience: Patience) -> "Client":
    """Return a client of the scheduler; whatever keeps it from coming is a `UsageError`."""
    opening: Future[Client] = asyncio.run_coroutine_threadsafe(open_client(address, patience.connect), loop)
    try:
        error = opening.exception(patience.connect + 3.0 * MARGIN)
    except (TimeoutError, CancelledError) as late:  # something in the loop does not even let it look at the clock
        error = late
    finally:
        opening.cancel()
    if error is None:
        return opening.result()
    raise UsageError(
        f"no Dask scheduler answers at '{address[:LONGEST_ADDRESS]}': {explain_refusal(error, patience.connect)}; "
        "start one with 'dask scheduler' and give the address it prints"
    ) from error


async def _watch(connection: Connection, address: str, say: Say, patience: Patience) -> None:
    """Look at the scheduler until it is lost; note when work has waited for a worker for long, and when one has come."""
    waiting_since, wait, noted = connection.loop.time(), patience.note, False
    while True:
        await asyncio.sleep(patience.look)
        asking = asyncio.ensure_future(_count_workers(connection.client))
        await asyncio.wait({asking}, timeout=patience.silence)
        if not asking.done() or asking.cancelled() or asking.exception() is not None:
            asking.cancel()
            connection.lost.set_result(None)
            return
        now = connection.loop.time()
        if asking.result() or not connection.working:
            if noted and asking.result():
                say("note: a Dask worker has come; the work goes on")
            waiting_since, wait, noted = now, patience.note, False
        elif now - waiting_since >= wait:
            waited = f"no Dask worker for {now - waiting_since:.0f} s"
            say(f"note: {waited}; tasks wait until one comes, such as by 'dask worker {address}'")
            wait, noted = wait * NOTE_AGAIN, True


async def _count_workers(client: "Client") -> int:
    return len(await client.nthreads())


async def _close(client: "Client") -> None:
    """Take leave of the scheduler."""
    closing = asyncio.ensure_future(client.close())
    try:
        await asyncio.wait({closing}, timeout=CLOSE_TIMEOUT)
    finally:
        closing.cancel()
        client.status = "closed"  # or it would try again when it is collected, without its loop
