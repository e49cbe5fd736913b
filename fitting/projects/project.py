"""A project: a folder with tables and a file that names their model and the settings of commands.

Start with `choose_subject`.  `kinimmune.toml` is a configuration (`kinimmune.fitting.configuration`) whose `model` is a name, a
Python file of the folder or `model.json` there, and whose tables are those beside it::

    model = "five_states.py"
    [fit]
    patients = 64

Nothing here runs code: what a project names is opened by whoever asks for its model.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinimmune.fitting.configuration import read_configuration, read_settings
from kinimmune.fitting.runs.run import is_run
from kinimmune.fitting.settings import Settings
from kinimmune.models.catalogue import find_own_model, model_names
from kinimmune.models.errors import DataError, KinimmuneError, UsageError, nearest
from kinimmune.models.model_file import is_model_file, name_model
from kinimmune.models.plug_ins import find_plug_ins
from kinimmune.models.symbolic.expression_data import require_name
from kinimmune.models.tables.files import MODEL_FILE, PROJECT_FILE
from kinimmune.models.tables.parameters import examine_parameters
from kinimmune.models.tables.rows import Tables


@dataclass(frozen=True)
class Project:
    """A folder of tables with its model and settings."""

    folder: Path
    model: str
    """As `kinimmune.models.model_file.open_model` takes it: a name, or the path of a file in the folder."""
    settings: Settings
    """What its file says; `data` is the folder."""


@dataclass(frozen=True)
class Subject:
    """What a command that takes MODEL is about."""

    model: str
    """As `kinimmune.models.model_file.open_model` takes it."""
    settings: Settings
    project: Project | None = None


def is_project(path: Path) -> bool:
    """Return whether a folder is a project; one with `run.json` is a run, whatever else it holds."""
    return os.path.lexists(path / PROJECT_FILE) and not is_run(path)


def choose_subject(given: str, config: Path | None, options: Mapping[str, Any]) -> Subject:
    """Return the model and the settings of a command: its options before the file of `-c` before that of a project.

    Parameters
    ----------
    given
        MODEL: a name, a Python file or the folder of a project
    config
        a configuration in TOML, or None
    options
        options given on the command line, as `read_settings` takes them

    Raises
    ------
    UsageError
        when an option cannot be used, or other tables than those of a project are asked for
    DataError
        when the content of a file cannot be used
    """
    project = find_project(given)
    if project is None:
        return Subject(given, read_settings(config, options))
    if options.get("data") is not None:
        _require_own(project, Path(options["data"]), "--data")
    settings = read_settings(config, {**options, "data": None}, project.settings)
    if settings.data is not None:
        _require_own(project, settings.data, f"-c {config}, key 'data'")
    return Subject(project.model, settings.model_copy(update={"data": project.folder}), project)


def name_subject(given: str, options: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the model and the options with which a run is taken up again; those of a project name its tables.

    The settings are those of the run: what a project says was read when it began.

    Raises
    ------
    UsageError
        when other tables than those of a project are asked for
    DataError
        when the project's file cannot be used
    """
    project = find_project(given)
    if project is None:
        return given, dict(options)
    if options.get("data") is not None:
        _require_own(project, Path(options["data"]), "--data")
    return project.model, {**options, "data": project.folder}


def find_project(given: str) -> Project | None:
    """Return the project MODEL names, None where it names something else.

    Raises
    ------
    DataError
        when the project's file cannot be used
    """
    return read_project(Path(given)) if is_project(Path(given)) else None


def require_known(subject: Subject) -> None:
    """Raise a `UsageError` for a folder that is no project, unless a model has its name."""
    given, path = subject.model, Path(subject.model)
    if subject.project is not None or not path.is_dir() or is_model_file(given):
        return
    if is_run(path):
        raise UsageError(f"'{given}' is a run, and a model is wanted; give the model, and -o {given} --resume to go on")
    if given not in model_names(Tables(subject.settings.data)) and given not in find_plug_ins():
        raise UsageError(
            f"folder '{given}' holds no {PROJECT_FILE}; name a model with --data {given}, or make a project: kinimmune init"
        )


def read_project(folder: Path) -> Project:
    """Return a project; its model is looked for and not opened.

    Raises
    ------
    DataError
        when its file cannot be used, naming the key
    """
    path = folder / PROJECT_FILE
    if not path.is_file():
        raise DataError(f"{path} is no file that can be read; write one with a line model = ..., as kinimmune init does")
    settings = read_configuration(path)
    if settings.data is not None:
        raise DataError(f"{path}, key 'data': the tables of a project lie beside it; remove the line")
    if settings.model is None:
        raise DataError(f"{path}, key 'model': no value; write a name, a Python file in the folder, or {MODEL_FILE}")
    return Project(folder, _find_model(settings.model, folder), settings)


def _find_model(given: str, folder: Path) -> str:
    """Return the model a project names, as a name or the path of a file in its folder."""
    where = f"{folder / PROJECT_FILE}, key 'model'"
    if is_model_file(given) or given.endswith(".json"):
        _require_inside(given, folder, where)
        if is_model_file(given):
            require_name(Path(given).stem, where)
            return str(folder / given)
        own = find_own_model(Tables(folder)) if given == MODEL_FILE else None
        if own is None:
            raise DataError(f"{where}: '{given}' is no model as data; those are called {MODEL_FILE}")
        return own.name
    names = (*model_names(), *find_plug_ins()) if given not in model_names() else model_names()
    if given not in names:
        beside = [path.name for path in sorted(folder.glob("*.py"))]
        raise DataError(f"{where}: unknown model '{given[:80]}'; {nearest(given[:80], [*names, *beside])}")
    return given


def _require_inside(given: str, folder: Path, where: str) -> None:
    """Refuse a file that is not in the folder itself: no other place, and no link that leads to one."""
    path = folder / given
    if Path(given).name != given or set(given) & {"\\", "\0"} or not _lies_in(path, folder):
        raise DataError(f"{where}: '{given}' does not lie in the folder; put the file there and give its name alone")
    if not path.is_file():
        raise DataError(f"{where}: there is no file '{given}' in the folder; restore it, or correct the name")


def _lies_in(path: Path, folder: Path) -> bool:
    """Return whether a path leads to a place in a folder, wherever its links lead."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _require_own(project: Project, data: Path, option: str) -> None:
    if data.resolve() != project.folder.resolve():
        raise UsageError(
            f"{option}: the tables of project '{project.folder}' are its own; leave it out, or name the model in its place"
        )


def find_unread_models(tables: Tables) -> tuple[str, ...]:
    """Return whose code would have to be run to know the models that rows of `parameters.csv` or a project are about."""
    if tables.folder is None:
        return ()
    project = _read_model_name(tables.folder)
    asked = {name for row, _ in examine_parameters(tables).entries for name in row.models} | {name_model(project)} - {""}
    strange = asked - set(model_names(tables))
    beside = {path.stem: path for path in sorted(tables.folder.glob("*.py"))}
    plug_ins = find_plug_ins() if strange - beside.keys() else {}
    files = (str(path) for name, path in beside.items() if name in strange)
    return (*files, *(item.label for name, item in plug_ins.items() if name in strange - beside.keys()))


def _read_model_name(folder: Path) -> str:
    """Return the model a folder's project names, empty where it is no project or its file cannot be used."""
    try:
        return read_project(folder).model if is_project(folder) else ""
    except KinimmuneError:
        return ""
