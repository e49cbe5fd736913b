"""Finished steps of long work, each in a file of its own, so that what was interrupted goes on where it stopped.

Start with `TaskStore`.  A file is addressed by a hash of what its step depends on: after a change of settings or data an old
outcome is not taken for a new one.  It also names the function that made it, so that `kinimmune task` can call it again.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from kinimmune.fitting.durable_files import read_object, write_text
from kinimmune.fitting.work import Plain, Step
from kinimmune.models.errors import DataError, UsageError


@dataclass(frozen=True)
class KeptStep:
    """The content of a step's file."""

    name: str
    address: str
    work: str
    """Module and name of the function that made the outcome, as `Step.title` gives them; never imported from here."""
    inputs: dict[str, Any]
    beside: dict[str, Any]
    outcome: dict[str, Any]
    schema: Literal["kinimmune.task/1"] = "kinimmune.task/1"


@dataclass(frozen=True)
class TaskStore:
    """The finished steps of a run; `load` returns what was saved, to the last bit, tuples as lists."""

    folder: Path

    def load(self, step: Step) -> Plain | None:
        """Return the outcome of a finished step, None when there is none for these inputs.

        Raises
        ------
        DataError
            when the file is there and unreadable
        """
        path = self._file(step.name)
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
            "work": step.title,
            "inputs": dict(step.inputs),
            "beside": dict(step.beside),
            "outcome": dict(outcome),
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self._file(step.name), json.dumps(content, indent=1))

    def names(self, prefix: str = "") -> list[str]:
        """Return the names of the finished steps that begin with `prefix`, in order."""
        return sorted(path.stem for path in self.folder.glob("[!.]*.json") if path.stem.startswith(prefix))

    def read(self, name: str) -> KeptStep:
        """Return everything that is kept of a step.

        Raises
        ------
        UsageError
            when there is no such step
        DataError
            when its file cannot be read
        """
        path = self._file(name)
        if name not in self.names():
            raise UsageError(f"no finished step '{name}' in {self.folder}; give the name of a file there, without .json")
        try:
            return TypeAdapter(KeptStep).validate_python(read_object(path, "delete it and resume"))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise DataError(f"{path} is no finished step: {place}: {first['msg']}; delete it and resume") from error

    def remove(self, prefix: str) -> None:
        """Remove the finished steps that begin with `prefix`, and nothing else."""
        for name in self.names(prefix):
            self._file(name).unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.json"
