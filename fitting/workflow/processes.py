"""Tasks of long work in processes of this machine.

Start with `open_processes`.
"""

import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Thread

from kinimmune.fitting.workflow.slots import SlotExecutor, compute
from kinimmune.fitting.workflow.task import Executor, Json, Task
from kinimmune.models.errors import NumericalError
from kinimmune.models.kernel.store.folder import usable_folder


@contextmanager
def open_processes(jobs: int) -> Iterator[Executor]:
    """Return a pool of processes; each is the only one of its executor, so that of one that dies the task is known.

    A worker reads from a pipe into which nobody writes: it ends when this process closes it, and when this process is gone.
    """
    context = get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    first = (reader, str(usable_folder()))
    executors = [ProcessPoolExecutor(1, mp_context=context, initializer=_begin_worker, initargs=first) for _ in range(jobs)]
    slots = SlotExecutor([partial(_begin, executor) for executor in reversed(executors)])
    try:
        yield slots
    finally:
        slots.close()
        writer.close()
        for executor in executors:
            executor.shutdown(wait=True, cancel_futures=True)
        reader.close()


def _begin(executor: ProcessPoolExecutor, task: Task, future: "Future[Json]") -> None:
    """Begin a task in the process of an executor."""

    def answer(inner: "Future[Json]") -> None:
        if inner.cancelled():
            return
        error = inner.exception()
        if error is None:
            future.set_result(inner.result())
        else:
            future.set_exception(_lost(task) if isinstance(error, BrokenProcessPool) else error)

    try:
        with _spawning():
            inner = executor.submit(compute, task)
    except BrokenProcessPool:
        future.set_exception(_lost(task))
        return
    inner.add_done_callback(answer)


def _lost(task: Task) -> NumericalError:
    return NumericalError(
        f"the process that worked on task '{task.name}' was ended from outside, as systems do when memory runs out; "
        "finished tasks are kept: go on with --resume, with fewer --jobs"
    )


@contextmanager
def _spawning() -> Iterator[None]:
    """Let a process that is started here ignore Ctrl-C from its first moment, and not carry out the program again.

    A blocked signal stays blocked in the process that is started; here it is only delayed.  A worker imports the main module of
    its parent; a program without the ending of a module holds nothing it needs.
    """
    main = sys.modules["__main__"]
    file = getattr(main, "__file__", None)
    program = file is not None and not file.endswith(".py")
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    if program:
        main.__file__ = None
    try:
        yield
    finally:
        if program:
            main.__file__ = file
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker(parent: Connection, kernels: str) -> None:
    """Let a worker end when its parent does, for nothing is ever sent; it takes kernels from where its parent does."""
    os.environ["KINIMMUNE_CACHE"] = kernels
    Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Connection) -> None:
    try:
        parent.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)
