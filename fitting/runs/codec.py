"""Results as JSON and back: a dataclass of plain values, checked field by field when it is read.

Start with `JsonFormat`; every kind of result has one.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from kinimmune.models.errors import DataError

Result = TypeVar("Result")


@dataclass(frozen=True)
class JsonFormat(Generic[Result]):
    """How one kind of result is written and read."""

    kind: type[Result]
    """A dataclass."""
    complaint: str
    """What is said of a file that cannot be read, such as `holds no profiles`."""
    remedy: str
    """What to do about it."""

    def dump(self, result: Result) -> str:
        """Return a result as JSON text, under its published keys; a number that does not exist is null."""
        return json.dumps(TypeAdapter(self.kind).dump_python(result, mode="json", by_alias=True), indent=1, allow_nan=False)

    def load(self, text: str, path: Path) -> Result:
        """Return a result from JSON text; inverse of `dump`.

        Parameters
        ----------
        text
            the text
        path
            file it was read from, for the message

        Raises
        ------
        DataError
            naming `path` and the first field that is missing or wrong
        """
        try:
            return TypeAdapter(self.kind).validate_json(text)
        except ValidationError as error:
            raise refuse_file(path, self.complaint, error, self.remedy) from error


def refuse_file(path: Path, complaint: str, error: ValidationError, remedy: str) -> DataError:
    """Return the error that tells the first field of a file that is missing or wrong, and what to do."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"]) or "the file"
    return DataError(f"{path} {complaint}: {field}: {first['msg']}; {remedy}")
