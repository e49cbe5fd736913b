"""Files a command is asked to write: refused before any work starts when they cannot be written."""

import os
from pathlib import Path

from kinimmune.models.errors import UsageError


def require_writable(target: Path | None) -> None:
    """Raise a `UsageError` unless `target` is None or a file that can be written; nothing is created."""
    if target is None:
        return
    problem = None
    if target.is_dir():
        problem = "it is a folder"
    elif not target.parent.is_dir():
        problem = f"there is no folder '{target.parent}'"
    elif not os.access(target if target.exists() else target.parent, os.W_OK):
        problem = "no permission"
    if problem is not None:
        raise UsageError(f"cannot write '{target}': {problem}; give the path of a file you may write")
