"""Warnings of libraries in processes that compute tasks: told once, by the process that started them, as it tells its own.

Start with `compute_and_catch` there and `tell_again` here.
"""

import logging
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kinimmune.fitting.workflow.task import Json, Task

Told = dict[str | tuple[str, type[Warning], int], int]
"""What Python keeps of warnings that were told."""


@dataclass(frozen=True)
class Caught:
    """A warning on its way to another process."""

    text: str
    category: type[Warning]
    file: str
    line: int


def hold_back() -> None:
    """Let this process, which computes tasks, tell no warning itself; those of imports the one that started it tells too."""
    warnings.showwarning = lambda *_, **__: None
    logging.disable(logging.WARNING)


def compute_and_catch(compute: Callable[[Task], Json], task: Task) -> tuple[Json, tuple[Caught, ...]]:
    """Return the outcome of a task and what was warned of meanwhile."""
    with warnings.catch_warnings(record=True) as records:
        outcome = compute(task)
    return outcome, tuple(Caught(str(item.message), item.category, item.filename, item.lineno) for item in records)


def tell_again(caught: Sequence[Caught], told: Told) -> None:
    """Warn here of what was warned of elsewhere, of each thing once.

    Parameters
    ----------
    caught
        the warnings
    told
        those that were told; the same for all processes
    """
    for item in caught:
        warnings.warn_explicit(item.text, item.category, item.file, item.line, registry=told)
