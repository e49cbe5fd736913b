"""Finished tasks of long work, each in a file of its own, so that what was interrupted goes on where it stopped.

Start with `TaskStore`.  A file is addressed by a hash of what its task depends on: after a change of settings or data an old
outcome is not taken for a new one.  It also names the function that made it, so that `kinimmune task` can call it again.  Files
of the format `kinimmune.task/1`, which name functions by their modules, are read and never written.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from kinimmune.fitting.runs.atomic_files import read_object, write_text
from kinimmune.fitting.runs.codec import refuse_file
from kinimmune.fitting.workflow.task import Json, Task, hash_inputs
from kinimmune.models.errors import DataError, UsageError

FIRST_FORMAT, FORMAT = "kinimmune.task/1", "kinimmune.task/2"


@dataclass(frozen=True)
class StoredTask:
    """The content of a task's file."""

    name: str
    address: str
    inputs: dict[str, Any]
    context: dict[str, Any]
    outcome: dict[str, Any]
    task: str = ""
    """Name of the function that made the outcome; empty in files of the first format."""
    work: str = ""
    """In files of the first format, module and name of that function; never imported from here."""
    outcome_hash: str = ""
    """SHA-256 of the outcome; empty in files of the first format."""
    schema: Literal["kinimmune.task/1", "kinimmune.task/2"] = "kinimmune.task/2"

    @property
    def function(self) -> str:
        """Name of the function, or its alias."""
        return self.task or self.work


@dataclass(frozen=True)
class TaskStore:
    """The finished tasks of a run; `load` returns what was saved, to the last bit, tuples as lists."""

    folder: Path
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Hashes of tables as files of the first format have them -> the same tables' digests of today."""
    discarded: list[str] = field(default_factory=list)
    """Names of finished tasks that were asked for and do not hold: of other settings, tables or equations, or changed since."""

    def load(self, task: Task) -> Json | None:
        """Return the outcome of a finished task, None when there is none for these inputs.

        Raises
        ------
        DataError
            when the file is there and unreadable
        """
        path = self._file(task.name)
        if not path.exists():
            return None
        content = read_object(path, "delete it and resume")
        outcome = content.get("outcome")
        if not self._is_of(content, task):
            self.discarded.append(task.name)
            return None
        if not isinstance(outcome, dict):
            raise DataError(f"{path} holds no outcome; delete it and resume")
        if content.get("schema") != FIRST_FORMAT and content.get("outcome_hash") != hash_outcome(outcome):
            self.discarded.append(task.name)  # changed since it was saved
            return None
        return outcome

    def save(self, task: Task, outcome: Json) -> None:
        """Keep a finished task; a number may be infinite (the cost of a start that failed)."""
        content = {
            "schema": FORMAT,
            "name": task.name,
            "address": task.address,
            "task": task.function.name,
            "inputs": dict(task.inputs),
            "context": dict(task.context),
            "outcome": dict(outcome),
            "outcome_hash": hash_outcome(outcome),
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self._file(task.name), json.dumps(content, indent=1))

    def names(self, prefix: str = "") -> list[str]:
        """Return the names of the finished tasks that begin with `prefix`, in order."""
        return sorted(path.stem for path in self.folder.glob("[!.]*.json") if path.stem.startswith(prefix))

    def read(self, name: str) -> StoredTask:
        """Return everything that is kept of a task.

        Raises
        ------
        UsageError
            when there is no such task
        DataError
            when its file cannot be read
        """
        path = self._file(name)
        if name not in self.names():
            raise UsageError(f"no finished task '{name}' in {self.folder}; give the name of a file there, without .json")
        try:
            content = read_object(path, "delete it and resume")
            if content.get("schema") == FIRST_FORMAT:
                content["context"] = content.pop("beside", None)
            kept = TypeAdapter(StoredTask).validate_python(content)
        except ValidationError as error:
            raise refuse_file(path, "is no finished task", error, "delete it and resume") from error
        if kept.schema == FORMAT and kept.address != hash_inputs(kept.task, kept.inputs):
            raise DataError(f"{path} was changed since it was saved; delete it and resume")
        return kept

    def remove(self, prefix: str) -> None:
        """Remove the finished tasks that begin with `prefix`, and nothing else."""
        for name in self.names(prefix):
            self._file(name).unlink(missing_ok=True)

    def _is_of(self, content: Mapping[str, Any], task: Task) -> bool:
        """Return whether a file's outcome is that of a task."""
        if content.get("schema") != FIRST_FORMAT:
            return content.get("address") == task.address
        inputs = json.dumps(content.get("inputs"), sort_keys=True)
        for before, now in self.aliases.items():
            inputs = inputs.replace(before, now)
        return content.get("work") == task.function.alias and inputs == json.dumps(dict(task.inputs), sort_keys=True)

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.json"


def hash_outcome(outcome: Json) -> str:
    """Return the SHA-256 of an outcome as JSON with sorted keys."""
    return hashlib.sha256(json.dumps(dict(outcome), sort_keys=True).encode()).hexdigest()
