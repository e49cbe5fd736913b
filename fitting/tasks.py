"""Finished steps of long work, each in a file of its own, so that what was interrupted goes on where it stopped.

Start with `TaskStore`.  A file is addressed by a hash of what its step depends on: after a change of settings or data an old
outcome is not taken for a new one.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from kinimmune.fitting.durable_files import read_object, write_text
from kinimmune.fitting.work import Plain, Step
from kinimmune.models.errors import DataError


@dataclass(frozen=True)
class TaskStore:
    """The finished steps of a run; `load` returns what was saved, to the last bit, tuples as lists."""

    folder: Path

    def _file(self, step: Step) -> Path:
        return self.folder / f"{step.name}.json"

    def load(self, step: Step) -> Plain | None:
        """Return the outcome of a finished step, None when there is none for these inputs.

        Raises
        ------
        DataError
            when the file is there and unreadable
        """
        path = self._file(step)
        if not path.exists():
            return None
        content = read_object(path, "delete it and resume")
        outcome = content.get("outcome")
        if content.get("address") != step.address:
            return None
        if not isinstance(outcome, dict):
            raise DataError(f"{path} holds no outcome; delete it and resume")
        return outcome

    def save(self, step: Step, outcome: Plain) -> None:
        """Keep a finished step; a number may be infinite (the cost of a start that failed)."""
        content = {
            "schema": "kinimmune.task/1",
            "name": step.name,
            "address": step.address,
            "inputs": dict(step.inputs),
            "outcome": dict(outcome),
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self._file(step), json.dumps(content, indent=1))
