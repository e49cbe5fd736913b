"""The main module of a program, which processes that are started import: a script without a guard would begin again in them.

Start with `hide_main`.  Tasks of this package need nothing of a script, so that it is not imported for them; a task whose
function a script defines needs it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kinimmune.fitting.workflow.task import Task
from kinimmune.models.errors import UsageError


def is_of_main(task: Task) -> bool:
    """Return whether the function of a task is defined in the main module."""
    return getattr(task.function.compute, "__module__", None) == "__main__"


def name_main() -> str:
    """Return the file of the main module, or its name."""
    return str(getattr(sys.modules["__main__"], "__file__", None) or "__main__")


def require_shared(task: Task, *, knows_main: bool) -> None:
    """Raise an error for a task of the main module where another process cannot find it.

    Parameters
    ----------
    task
        about to be sent there
    knows_main
        whether the process has imported the main module, or will

    Raises
    ------
    UsageError
        when the main module is no file, such as a session or what is read from stdin, or was left out for earlier tasks
    """
    if is_of_main(task) and not (knows_main and Path(name_main()).is_file()):
        raise UsageError(
            f"task '{task.name}' is defined in '{name_main()}', where the processes of --jobs cannot find it; "
            "define its function in a module of its own and import that"
        )


@contextmanager
def hide_main(*, hide: bool) -> Iterator[None]:
    """Let processes that are started here not import the main module."""
    main = sys.modules["__main__"]
    before = {name: getattr(main, name) for name in ("__file__", "__spec__") if hide and hasattr(main, name)}
    for name in before:
        setattr(main, name, None)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(main, name, value)
