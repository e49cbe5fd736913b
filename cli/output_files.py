"""Files that a command writes for its user, outside of runs: checked before work begins, never one that the command reads.

Start with `plan_outputs`.  The ending of a name tells what a file holds.  `-` and the path of the standard output mean the
standard output; a pipe or a device is written to as it stands; a file is replaced as a whole, which is told.
"""

import os
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from kinimmune.models.errors import UsageError

STDOUT = Path("-")
"""What stands for the standard output on the command line."""
TABLE = (".csv",)
"""Endings of a table."""
PICTURE = (".svg", ".png", ".pdf")
"""Endings of a picture, first that of one without a name of its own; each is a format of `kinimmune.reports.figures.style`."""
PARTS_OF_A_RUN = ("run.json", "config.toml", "failures.csv", "results", "tables")
"""What a run consists of besides its report and figures, which can be made again."""


@dataclass(frozen=True)
class Inputs:
    """What a command reads, so that it writes over none of it."""

    data: Path | None = None
    """Folder of tables that replace the package's."""
    config: Path | None = None
    run: Path | None = None
    """Folder of a run."""
    named: tuple[Path, ...] = ()
    """Files named on the command line."""

    def files(self) -> Iterator[tuple[str, Path]]:
        """Yield what is read, in words and as a path; not every path is there."""
        if self.config is not None:
            yield "the configuration of this command", self.config
        yield from (("a file this command reads", path) for path in self.named)
        for folder in self.folders():
            yield from (("a table this command reads", folder / name) for name in _table_names())
            yield from (("a file of the project this command reads", folder / name) for name in _project_names())
        if self.run is not None:
            parts = (self.run / part for part in PARTS_OF_A_RUN)
            yield from ((f"a file of run '{self.run}'", file) for part in parts for file in (part, *part.rglob("*")))

    def folders(self) -> tuple[Path, ...]:
        """Return the folders of tables: the package's, and the user's before it."""
        from importlib.resources import files

        package = Path(str(files("kinimmune.data")))
        return (package,) if self.data is None else (self.data, package)


@dataclass(frozen=True)
class OutputFile:
    """Where a command writes: a file, a pipe, a device or the standard output."""

    path: Path | None
    """None for the standard output."""
    ending: str = ".csv"
    """What it holds, as the ending of its name tells; for what has no name of its own the first that is allowed."""

    @property
    def form(self) -> str:
        """Format of what it holds: its ending without the dot."""
        return self.ending.removeprefix(".")

    @property
    def fills_stdout(self) -> bool:
        """Whether it takes the standard output, so that nothing else may be printed there."""
        return self.path is None

    def write(self, content: bytes) -> bool:
        """Write the whole content; return whether it took the place of a file.

        Raises
        ------
        MachineError
            when it cannot be written; a file of before is as it was
        """
        from kinimmune.fitting.runs.atomic_files import write_bytes

        if self.path is None:
            sys.stdout.flush()
            sys.stdout.buffer.write(content)
            sys.stdout.flush()
            return False
        replaced = self.path.is_file()
        write_bytes(self.path, content)
        return replaced


def plan_outputs(
    wanted: Sequence[tuple[str, Path | None, Sequence[str]]], inputs: Inputs, *, stdout_is_free: bool
) -> dict[str, OutputFile]:
    """Return option -> where its output goes, for those that were given, each with the endings it accepts.

    Raises
    ------
    UsageError
        as `plan_output` does, and when two options name one file
    """
    targets = {
        option: plan_output(option, path, endings, inputs, stdout_is_free=stdout_is_free)
        for option, path, endings in wanted
        if path is not None
    }
    require_different(targets)
    return targets


def plan_output(option: str, given: Path, endings: Sequence[str], inputs: Inputs, *, stdout_is_free: bool) -> OutputFile:
    """Return where an output goes; nothing is created.

    Parameters
    ----------
    option
        as it was given, for messages
    given
        what was given with it
    endings
        of the names it accepts, such as `.csv`; the first is of the standard output, pipes and devices
    inputs
        what the command reads
    stdout_is_free
        whether the command prints nothing else on the standard output, or can leave it out

    Raises
    ------
    UsageError
        when it cannot be written, has another ending, or is something the command reads
    """
    if given == STDOUT or _is_stdout(given):
        if not stdout_is_free:
            raise UsageError(f"{option} {given} and --json both write to the standard output; leave one of them out")
        return OutputFile(None, endings[0])
    problem = _find_obstacle(given)
    if problem:
        raise UsageError(f"cannot write '{given}': {problem}; give the path of a file you may write with {option}")
    if _is_plain(given):
        _require_ending(option, given, endings)
        _require_apart(option, given, inputs)
    ending = given.suffix.lower()
    return OutputFile(given, ending if ending in endings else endings[0])


def _require_ending(option: str, given: Path, endings: Sequence[str]) -> None:
    """Raise a `UsageError` when the ending of a name tells nothing that the option writes."""
    if given.suffix.lower() not in endings:
        kinds = _list_choices([ending[1:].upper() for ending in endings])
        raise UsageError(f"cannot write '{given}': {option} writes {kinds}; give a name that ends in {_list_choices(endings)}")


def _list_choices(words: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def require_different(outputs: Mapping[str, OutputFile]) -> None:
    """Raise a `UsageError` when two options, each with what it was given, name one file."""
    for (first, one), (second, other) in combinations(outputs.items(), 2):
        if _find_key(one) == _find_key(other) or _is_same(one.path, other.path):
            shown = "the standard output" if other.path is None else f"'{other.path}'"
            raise UsageError(f"{first} and {second} both write to {shown}; give one of them another name")


def _find_key(output: OutputFile) -> str:
    return "" if output.path is None else os.path.realpath(output.path)


def require_makeable(folder: Path, option: str = "-o") -> None:
    """Raise a `UsageError` unless a folder is there or can be made, and can be written to; nothing is created.

    The message names the option that gave it.
    """
    there = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    if not there.is_dir():
        raise UsageError(
            f"cannot write to folder '{folder}': '{there}' is no folder; remove it, or give another name with {option}"
        )
    if not os.access(there, os.W_OK | os.X_OK):
        raise UsageError(
            f"cannot write to folder '{folder}': no permission in '{there}'; give a folder you may write with {option}"
        )


def _find_obstacle(target: Path) -> str:
    """Return why a file cannot be written, empty where nothing is in the way."""
    real = Path(os.path.realpath(target))
    try:
        status = target.stat()
    except (FileNotFoundError, NotADirectoryError):
        status = None
    except OSError as error:  # a name that is too long, links that go round in a circle
        return error.strerror or str(error)
    if status is not None and stat.S_ISDIR(status.st_mode):
        return "it is a folder"
    if status is not None and stat.S_ISSOCK(status.st_mode):
        return "it is a socket"
    if not real.parent.is_dir() and _is_plain(target):
        return f"there is no folder '{real.parent if target.is_symlink() else target.parent}'"
    if status is not None and not os.access(target, os.W_OK):
        return "no permission"
    if _is_plain(target) and not os.access(real.parent, os.W_OK | os.X_OK):  # where the new file is written beside the old one
        return f"no permission in folder '{real.parent}'"
    return ""


def _is_plain(path: Path) -> bool:
    """Return whether a path is a file, or nothing yet."""
    from kinimmune.fitting.runs.atomic_files import is_stream

    return not is_stream(path)


def _is_stdout(path: Path) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError):  # no such file; a stream that is none of the system's
        return False


def _require_apart(option: str, target: Path, inputs: Inputs) -> None:
    """Raise a `UsageError` when a file is one the command reads, or would be read as one by the next command."""
    what = _find_role(target, inputs)
    if what:
        raise UsageError(f"cannot write '{target}': it is {what}; give {option} the name of another file")


def _find_role(target: Path, inputs: Inputs) -> str:
    """Return what a file is to a command, by its real path or as another name of the same file; empty for nothing."""
    real = Path(os.path.realpath(target))
    run = next((parent for parent in real.parents if (parent / "run.json").is_file()), None)
    if run is not None and real.relative_to(run).parts[0] in PARTS_OF_A_RUN:
        return f"a file of run '{run}'"
    if real.name.lower() in _table_names() and any(_is_same(real.parent, folder) for folder in inputs.folders()):
        return "a table this command reads"
    return next((what for what, path in inputs.files() if _is_same(path, target)), "") if target.exists() else ""


def _table_names() -> tuple[str, ...]:
    from kinimmune.models.tables.files import TABLES

    return TABLES


def _project_names() -> tuple[str, ...]:
    from kinimmune.models.tables.files import MODEL_FILE, PROJECT_FILE

    return (PROJECT_FILE, MODEL_FILE)


def _is_same(one: Path | None, other: Path | None) -> bool:
    """Return whether two paths lead to one file or folder that is there."""
    try:
        return one is not None and other is not None and one.samefile(other)
    except OSError:
        return False
