"""A model from outside in a run: kept as data with its tables, so that nothing that is done to the run later needs its file.

Start with `gather_model`, `keep_model` and `find_kept`.  A run of a project whose model is the library's keeps the tables alone,
with the project's file; any other run of a model of the library keeps nothing: model and tables travel with the package, or lie
in the folder that was given.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from kinimmune.fitting.runs.atomic_files import write_text
from kinimmune.models.catalogue import find_own_model
from kinimmune.models.errors import UsageError
from kinimmune.models.model_file import is_model_file, open_model
from kinimmune.models.symbolic.model_data import write_model
from kinimmune.models.tables.files import MODEL_FILE, PROJECT_FILE, TABLES
from kinimmune.models.tables.rows import Tables

FOLDER = "tables"
"""Folder of a run that holds its model as data, and copies of the tables that replaced the package's."""


@contextmanager
def gather_model(subject: str, data: Path | None) -> Iterator[tuple[str, Path | None]]:
    """Yield the name of a model, and a folder of tables in which every process finds it.

    For a model of the library that is the folder given; for one from outside, whose code is run here, a temporary folder with the
    model as data and copies of the tables.

    Parameters
    ----------
    subject
        name of a model or plug-in, or path of a Python file
    data
        folder of tables that replace the package's, None for none

    Raises
    ------
    UsageError, DataError, ModelError
        as `open_model` does, and when the model cannot be kept as data
    """
    name, tables = open_model(subject, Tables(data))
    own = find_own_model(tables)
    if own is None or own.name != name:
        yield name, data
        return
    with TemporaryDirectory(prefix="kinimmune-") as temporary:
        folder = Path(temporary)
        write_text(folder / MODEL_FILE, write_model(own))
        for place in (tables.shipped, data):  # a table that is given goes before one of a plug-in
            _copy_tables(place, folder)
        yield name, folder


def keep_model(run: Path, gathered: Path | None) -> Path | None:
    """Return the folder of tables a new run is to use: those of a model from outside and of a project go into the run.

    Parameters
    ----------
    run
        folder of the run
    gathered
        from `gather_model`
    """
    if gathered is None or not _is_whole(gathered):
        return gathered
    kept = run / FOLDER
    kept.mkdir(exist_ok=True)
    _copy_tables(gathered, kept)
    for name in (PROJECT_FILE, MODEL_FILE):
        if (gathered / name).is_file():
            write_text(kept / name, (gathered / name).read_text(encoding="utf-8"))
    return kept.resolve()


def find_kept(run: Path) -> Path | None:
    """Return the folder in which a run keeps its tables, with the model where that is from outside; None where it keeps none."""
    kept = run / FOLDER
    return kept.resolve() if _is_whole(kept) else None


def _is_whole(folder: Path) -> bool:
    """Return whether a folder of tables is one that a run keeps: with a model, or with the file of a project."""
    return any((folder / name).is_file() for name in (MODEL_FILE, PROJECT_FILE))


def choose_kept(run: Path, subject: str, data: Path | None) -> Path | None:
    """Return the folder of tables with which a run goes on: its own where it keeps a model, else the one given.

    Parameters
    ----------
    run
        folder of the run
    subject
        model as it was given; its file is neither run nor needed
    data
        folder of tables that was given, None for none

    Raises
    ------
    UsageError
        for a file where the run is of a model of the library, or other tables than it keeps
    """
    kept = find_kept(run)
    if is_model_file(subject) and (kept is None or not (kept / MODEL_FILE).is_file()):
        raise UsageError(f"run '{run}' keeps no model of its own, so {subject} is not its model; give another run with -o")
    if kept is None:
        return data
    if data is not None and data.resolve() != kept and (changed := _list_changed(data, kept)):
        raise UsageError(
            f"--data {data}: {', '.join(changed)} differ from the tables run '{run}' keeps; leave it out, or begin a new run"
        )
    return kept


def remove_kept(run: Path) -> None:
    """Remove the model a run keeps, and its tables; a folder of that name without either is somebody else's."""
    kept = find_kept(run)
    for name in () if kept is None else (*TABLES, MODEL_FILE, PROJECT_FILE):
        (run / FOLDER / name).unlink(missing_ok=True)


def _copy_tables(data: Path | None, folder: Path) -> None:
    present = () if data is None else [data / name for name in TABLES if (data / name).is_file()]
    for path in present:
        shutil.copyfile(path, folder / path.name)


def _list_changed(data: Path, kept: Path) -> list[str]:
    """Return the tables that are not the same in two folders."""
    return [name for name in TABLES if _read(data / name) != _read(kept / name)]


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
