"""Tasks of long work in processes of this machine.

Start with `open_processes`.
"""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import current_process, get_context
from multiprocessing.connection import Connection
from threading import Thread

from kinimmune.fitting.signals import blocked_for_children, disregard_keys
from kinimmune.fitting.workflow.main_module import hide_main, is_of_main, name_main, require_shared
from kinimmune.fitting.workflow.slots import SlotExecutor, compute
from kinimmune.fitting.workflow.task import Executor, Json, Task
from kinimmune.fitting.workflow.warnings_apart import Caught, Told, compute_and_catch, hold_back, tell_again
from kinimmune.models.errors import KinimmuneError, MachineError, UsageError
from kinimmune.models.kernel.store.folder import usable_folder


@contextmanager
def open_processes(jobs: int) -> Iterator[Executor]:
    """Return a pool of processes; each is the only one of its executor, so that of one that dies the task is known.

    A worker reads from a pipe into which nobody writes: it ends when this process closes it, and when this process is gone.
    """
    if getattr(
        current_process(), "_inheriting", False
    ):  # one that was started and still imports a script, which comes here again
        os._exit(1)  # the process that waits for it says what is wrong
    context = get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    kernels, workers = str(usable_folder()), []
    for _ in range(jobs):
        began, begin = context.Pipe(duplex=False)
        first = (reader, begin, kernels)
        executor = ProcessPoolExecutor(1, mp_context=context, initializer=_begin_worker, initargs=first)
        workers.append(_Worker(executor, began, begin))
    told: Told = {}
    slots = SlotExecutor([partial(_begin, worker, told) for worker in reversed(workers)])
    try:
        yield slots
    finally:
        slots.close()
        writer.close()
        for worker in workers:
            worker.executor.shutdown(wait=True, cancel_futures=True)
            worker.began.close()
            worker.begin.close()
        reader.close()


@dataclass
class _Worker:
    """A process, which begins with its first task."""

    executor: ProcessPoolExecutor
    began: Connection
    """Holds a message once the process is ready for tasks."""
    begin: Connection
    """The end of `began` that the process writes to."""
    knows_main: bool | None = None
    """Whether it has imported the main module; None before it was started."""


def _begin(worker: _Worker, told: Told, task: Task, future: "Future[Json]") -> None:
    """Begin a task in a process."""
    try:
        require_shared(task, knows_main=worker.knows_main is not False)
        with _spawning(task, worker):
            inner = worker.executor.submit(compute_and_catch, compute, task)
    except BrokenProcessPool:
        future.set_exception(_lost(worker, task))
    except UsageError as error:
        future.set_exception(error)
    else:
        inner.add_done_callback(partial(_answer, worker, told, task, future))


def _answer(
    worker: _Worker,
    told: Told,
    task: Task,
    future: "Future[Json]",
    inner: "Future[tuple[Json, tuple[Caught, ...]]]",
) -> None:
    """Pass on what a process answered, and warn of what it was warned of."""
    if inner.cancelled():
        return
    error = inner.exception()
    if error is not None:
        future.set_exception(_lost(worker, task) if isinstance(error, BrokenProcessPool) else error)
        return
    outcome, caught = inner.result()
    try:
        tell_again(caught, told)
    except Warning as warning:  # where warnings are errors
        future.set_exception(warning)
    else:
        future.set_result(outcome)


def _lost(worker: _Worker, task: Task) -> KinimmuneError:
    """Return the error of a process that died: with a task, or while it imported the script that defines the task."""
    if is_of_main(task) and not worker.began.poll():
        return UsageError(
            f"the processes of --jobs cannot import '{name_main()}', which defines task '{task.name}': "
            'put what begins work there under a line `if __name__ == "__main__":`'
        )
    return MachineError(
        f"the process that worked on task '{task.name}' was ended from outside, as systems do when memory runs out; "
        "finished tasks are kept: go on with --resume, with fewer --jobs"
    )


@contextmanager
def _spawning(task: Task, worker: _Worker) -> Iterator[None]:
    """Let a process that is started here ignore Ctrl-C from its first moment, and import a script only for a task of its own."""
    if worker.knows_main is not None:
        yield
        return
    worker.knows_main = is_of_main(task)
    with blocked_for_children(), hide_main(hide=not worker.knows_main):
        yield


def _begin_worker(parent: Connection, begin: Connection, kernels: str) -> None:
    """Let a worker end when its parent does, and say that it has begun; it takes kernels from where its parent does."""
    disregard_keys()
    os.environ["KINIMMUNE_CACHE"] = kernels
    hold_back()
    Thread(target=_end_with, args=(parent,), daemon=True).start()
    begin.send_bytes(b"begun")
    begin.close()


def _end_with(parent: Connection) -> None:
    try:
        parent.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)
