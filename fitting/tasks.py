"""Finished tasks of long work, each in a file of its own, so that what was interrupted goes on where it stopped.

Start with `TaskStore`.  A task is addressed by a hash of what it depends on: after a change of settings or data an old task is
not taken for a new one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kinimmune.fitting.durable_files import read_object, write_text
from kinimmune.models.errors import DataError


@dataclass(frozen=True)
class TaskStore:
    """The finished tasks of one kind; `load` returns what was saved, to the last bit, tuples as lists."""

    folder: Path
    address: str
    """Hash of everything the tasks depend on but their index."""
    kind: str = "start"

    def _file(self, index: int) -> Path:
        return self.folder / f"{self.kind}-{index:03d}.json"

    def load(self, index: int) -> Mapping[str, object] | None:
        """Return a finished task, None when there is none for these settings and data.

        Raises
        ------
        DataError
            when the file is there and unreadable
        """
        path = self._file(index)
        if not path.exists():
            return None
        content = read_object(path, "delete it and resume")
        outcome = content.get("outcome")
        if content.get("address") != self.address or content.get("index") != index:
            return None
        if not isinstance(outcome, dict):
            raise DataError(f"{path} holds no outcome; delete it and resume")
        return outcome

    def save(self, index: int, outcome: Mapping[str, object]) -> None:
        """Keep a finished task; a number may be infinite (the cost of a start that failed)."""
        content = {"schema": f"kinimmune.{self.kind}/1", "address": self.address, "index": index, "outcome": dict(outcome)}
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self._file(index), json.dumps(content, indent=1))
