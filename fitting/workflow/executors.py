"""Where the tasks of long work are carried out: this process, several, or a Dask cluster.

Start with `open_executor`.  A task gives the same bits in all of them: BLAS has one thread everywhere, and nothing else that a
process could have of its own enters a task.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from kinimmune.fitting.workflow.processes import open_processes
from kinimmune.fitting.workflow.slots import one_blas_thread
from kinimmune.fitting.workflow.task import Executor, SerialExecutor


@contextmanager
def open_executor(jobs: int, dask: str | None = None, say: Callable[[str], None] = lambda _note: None) -> Iterator[Executor]:
    """Return a pool; no process and no thread of it is left when the context ends.

    Parameters
    ----------
    jobs
        processes on this machine; with 1 the tasks are carried out in this process
    dask
        address of a Dask scheduler that gets the tasks instead
    say
        takes notes, one line each: a cluster has had no worker for long

    Raises
    ------
    UsageError
        when the scheduler does not answer, or Dask is not installed
    """
    with ExitStack() as stack:
        if dask is not None:
            from kinimmune.fitting.workflow.dask_cluster import open_dask_cluster

            yield stack.enter_context(open_dask_cluster(dask, say))
        elif jobs == 1:
            stack.enter_context(one_blas_thread())
            yield SerialExecutor()
        else:
            yield stack.enter_context(open_processes(jobs))


def require_cluster(dask: str | None) -> None:
    """Raise an error unless a Dask scheduler answers where one is wanted; for the time before anything is touched.

    Raises
    ------
    UsageError
        when the scheduler does not answer, or Dask is not installed
    """
    if dask is not None:
        from kinimmune.fitting.workflow.dask_cluster import require_dask_cluster

        require_dask_cluster(dask)
