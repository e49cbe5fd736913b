"""A run: the folder in which long work keeps its settings, finished tasks, results and provenance.

Start with `create_run` and `open_run`.  Every file is written to a temporary name and then renamed, so a run that was killed
at any moment can be resumed; `kinimmune.fitting.workflow.store` keeps its finished tasks.  Everything is JSON, TOML or CSV;
nothing in a run is ever unpickled.
"""

import json
import os
import shutil
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from kinimmune.fitting.runs.atomic_files import is_leftover, make_folder, read_object, read_text, write_text
from kinimmune.fitting.runs.checksums import is_as_written, list_removed, note_checksum
from kinimmune.fitting.runs.codec import refuse_file
from kinimmune.fitting.runs.kept_model import find_kept, remove_kept
from kinimmune.fitting.runs.lock import identify_lock, is_in_use, refuse_folder
from kinimmune.fitting.runs.provenance import Environment, current_environment, hash_tables
from kinimmune.models.errors import DataError, MachineError, UsageError

RECORD, RESULTS, FIGURES = "run.json", "results", "figures"


class RunStatus(StrEnum):
    """How far a run got."""

    RUNNING = "running"
    """Work goes on, or was killed."""
    DONE = "done"
    """Results are complete."""
    FAILED = "failed"
    """An error ended it; `run.json` says which."""
    INTERRUPTED = "interrupted"
    """Stopped by Ctrl-C; finished tasks are kept."""


@dataclass(frozen=True)
class RunRecord:
    """The content of `run.json`."""

    command: tuple[str, ...]
    """The command line, program name included."""
    model: str
    seed: int
    started: str
    """ISO 8601 with the offset to UTC."""
    environment: Environment
    inputs: dict[str, str]
    """Data table -> SHA-256 of its bytes."""
    status: RunStatus = RunStatus.RUNNING
    wall_seconds: float = 0.0
    """Summed over the first attempt and every resume."""
    notes: tuple[str, ...] = ()
    """Warnings of this run: errors, resumes on another machine or with other settings."""
    digest: str = ""
    """Digest of what a problem reads of the tables and of the model's equations; empty in a run from before there were any."""
    aliases: dict[str, str] = field(default_factory=dict)
    """Hashes of tables in finished tasks of such a run -> `digest`, where they are known to mean the same."""
    schema: Literal["kinimmune.run/1"] = "kinimmune.run/1"


@dataclass(frozen=True)
class Run:
    """A run on disk."""

    path: Path
    record: RunRecord
    lock: os.stat_result | None = field(default=None, compare=False, repr=False)
    """What told its lock file from every other one when the run was opened; None when it had none."""

    @property
    def settings_file(self) -> Path:
        """The resolved settings, as `-c` reads them."""
        return self.path / "config.toml"

    def require_place(self) -> None:
        """Raise a `MachineError` when the folder of the run is no longer there, or no longer this run's."""
        now = identify_lock(self.path)
        replaced = self.lock is not None and (now is None or not os.path.samestat(self.lock, now))
        if replaced or not self.path.is_dir():
            raise MachineError(
                f"run '{self.path}' is gone: its folder, or the .lock in it, was deleted or moved while the command worked; "
                "go on with --resume where it lies now, or begin anew"
            )

    def update(self, status: RunStatus, seconds: float, *notes: str) -> "Run":
        """Write `run.json` with a new status, `seconds` more wall time and further notes; return the run as it is now.

        Raises
        ------
        MachineError
            when the folder of the run is gone or cannot be written
        """
        self.require_place()
        record = replace(
            self.record,
            status=status,
            wall_seconds=self.record.wall_seconds + seconds,
            notes=tuple(dict.fromkeys((*self.record.notes, *notes))),
        )
        write_text(self.path / RECORD, json.dumps(TypeAdapter(RunRecord).dump_python(record, mode="json"), indent=1))
        return replace(self, record=record)

    def reread(self) -> "Run":
        """Return the run with what `run.json` says now; as it was where somebody has deleted or damaged that."""
        try:
            return replace(self, record=open_run(self.path).record)
        except (UsageError, DataError):
            return self

    def write(self, name: str, text: str) -> Path:
        """Write a file of the run, folders in it included, and return where it is; a result with its checksum.

        Raises
        ------
        MachineError
            when the folder of the run is gone or cannot be written
        """
        self.require_place()
        target = self.path / name
        make_folder(target.parent)
        if target.parent.name == RESULTS:
            note_checksum(target, text)
        write_text(target, text)
        return target

    def read(self, name: str) -> str:
        """Return the text of a file of the run.

        Raises
        ------
        DataError
            when it is missing, no text, or a result that was changed since it was written
        """
        path = self.path / name
        text = read_text(path, f"the run is '{self.record.status}'; run the command again with --resume")
        if path.parent.name == RESULTS and not is_as_written(path, text):
            raise DataError(f"{path} was changed since it was written; restore it, or make it again: the command with --resume")
        return text

    def list_removed(self) -> tuple[str, ...]:
        """Return the results, by their paths, that were written and are not there any more."""
        return tuple(str(self.path / RESULTS / name) for name in list_removed(self.path / RESULTS))


def is_run(path: Path) -> bool:
    """Return whether `path` is the folder of a run."""
    return (path / RECORD).is_file()


def free_path(root: Path, model: str) -> Path:
    """Return `root/MODEL-N` with the smallest N above every run of that model there."""
    taken = [path.name.removeprefix(f"{model}-") for path in root.glob(f"{model}-*")]
    return root / f"{model}-{max((int(number) for number in taken if number.isdecimal()), default=0) + 1}"


def create_run(path: Path, record: RunRecord, *, force: bool = False) -> Run:
    """Make the folder of a run and write its first `run.json`.

    Parameters
    ----------
    path
        the folder to make; it may exist when it is empty, or holds what a command left that was killed before it had a run
    record
        what `run.json` says at the start
    force
        whether the files of a run that is there are replaced

    Raises
    ------
    UsageError
        when a run is there and `force` is not set, when something else is there, or when the folder cannot be written
    """
    if path.exists() and not path.is_dir():
        raise UsageError(f"'{path}' is a file; give a folder for the run with -o")
    if is_run(path):
        if not force:
            raise UsageError(f"run '{path}' exists; --resume goes on with it, --force overwrites it, -o names another")
        _clear(path)
    elif path.is_dir() and not all(map(is_leftover, path.iterdir())):
        raise UsageError(f"folder '{path}' is not empty and no run; give another folder with -o")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refuse_folder(path, error) from error
    return Run(path, record, identify_lock(path)).update(RunStatus.RUNNING, 0.0)


def begin_run(  # noqa: PLR0913 - what a record says of a new run, all by name
    path: Path, *, command: tuple[str, ...], model: str, seed: int, data: Path | None, digest: str, force: bool
) -> Run:
    """Make the folder of a run that begins now, in this process and with the tables as they lie there.

    Parameters
    ----------
    path
        the folder to make, as `create_run` takes it
    command
        the command line that asks for it, program name included
    model
        name of a model
    seed
        of everything drawn at random
    data
        folder of tables that replace the package's, None for none
    digest
        of what a problem reads of the tables and of the model's equations
    force
        whether the files of a run that is there are replaced

    Raises
    ------
    UsageError
        as `create_run` does, and where the tables lie in what `force` removes
    """
    if force and data is not None:
        _require_apart(path, data)
    record = RunRecord(
        command=tuple(os.fsencode(word).decode(errors="backslashreplace") for word in command),  # a path may be no text
        model=model,
        seed=seed,
        started=datetime.now().astimezone().isoformat(timespec="seconds"),
        environment=current_environment(),
        inputs=hash_tables(data),
        digest=digest,
    )
    return create_run(path, record, force=force)


def open_run(path: Path) -> Run:
    """Return a run that is on disk.

    Raises
    ------
    UsageError
        when there is none
    DataError
        when its `run.json` cannot be read
    """
    if not is_run(path):
        raise UsageError(f"no run '{path}': no {RECORD} there; give the folder a fit has made")
    content = read_object(path / RECORD, "restore it, or run again with --force")
    try:
        record = TypeAdapter(RunRecord).validate_python(content)
        if record.status is RunStatus.RUNNING and not is_in_use(path):  # whoever worked on it is gone
            record = replace(record, status=RunStatus.INTERRUPTED)
        return Run(path, record, identify_lock(path))
    except ValidationError as error:
        raise refuse_file(path / RECORD, "is no run record", error, "restore it, or run again with --force") from error


def _require_apart(path: Path, data: Path) -> None:
    """Raise a `UsageError` where a run that begins anew would remove the tables it is to read."""
    removed = (path / RESULTS, path / FIGURES, find_kept(path))
    if any(folder is not None and data.resolve().is_relative_to(folder.resolve()) for folder in removed):
        raise UsageError(
            f"--force would remove the tables in '{data}' with run '{path}'; copy them elsewhere, or give another run with -o"
        )


def _clear(path: Path) -> None:
    """Remove what a run consists of, `run.json` last, and nothing else that may lie in its folder."""
    try:
        remove_kept(path)
        for folder in (path / RESULTS, path / FIGURES):
            if folder.is_dir() and not folder.is_symlink():
                shutil.rmtree(folder)
            else:
                folder.unlink(missing_ok=True)
        for file in ("config.toml", "failures.csv", "report.pdf", RECORD):
            (path / file).unlink(missing_ok=True)
    except OSError as error:
        raise refuse_folder(Path(error.filename or path), error) from error
