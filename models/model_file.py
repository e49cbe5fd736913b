"""What MODEL names beside the library: a Python file of the user's own, or a plug-in that is installed.

Start with `open_model`.  Each is a function of the model's name that takes parameters and returns an `OdeModel`.  This is the
only place where code that is not the package's is run, and only for a file or a plug-in whose name the user gave: no table,
configuration or run leads here.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from types import ModuleType

from kinimmune.models.catalogue import model_names
from kinimmune.models.errors import KinimmuneError, ModelError, UsageError, nearest
from kinimmune.models.foreign_code import build_model, kept_apart, telling
from kinimmune.models.plug_ins import PlugIn, find_plug_ins
from kinimmune.models.symbolic.expression_data import require_name
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.tables.covariate_effects import add_effects
from kinimmune.models.tables.deviations import add_deviations
from kinimmune.models.tables.parameters import examine_parameters
from kinimmune.models.tables.rows import Tables

ENDING = ".py"
PRIVATE = "_kinimmune_model_of_the_user_"
"""What the name under which a file is imported begins with."""
SHIPPED = "tables"
"""Folder of the package of a plug-in's module that holds its tables."""


def is_model_file(subject: str) -> bool:
    """Return whether MODEL on a command line is a Python file, there or not.

    >>> is_model_file("models/mine.py"), is_model_file("gompertz")
    (True, False)
    """
    return subject.endswith(ENDING)


def name_model(subject: str) -> str:
    """Return the name of the model MODEL stands for: that of the file without its ending, or the name itself.

    >>> name_model("models/mine.py"), name_model("gompertz")
    ('mine', 'gompertz')
    """
    return Path(subject).stem if is_model_file(subject) else subject


def open_model(subject: str, tables: Tables) -> tuple[str, Tables]:
    """Return the name of a model, and tables with which `load_model` finds it; a file or a plug-in is run for that.

    Parameters
    ----------
    subject
        name of a model or of a plug-in, or path of a file that ends in `.py`
    tables
        where its parameters stand

    Raises
    ------
    UsageError
        for an unknown model, or a file that is not there
    DataError
        when a table cannot be used
    ModelError
        when the code of the file or plug-in fails, or what it makes is no model of its name
    """
    plug_in = find_code(subject, tables)
    if isinstance(plug_in, PlugIn):
        return open_plug_in(plug_in, tables)
    if plug_in is None:
        return subject, tables
    model = _run_file(plug_in, tables)
    return model.name, replace(tables, model=add_effects(add_deviations(model, tables), tables))


def find_code(subject: str, tables: Tables) -> Path | PlugIn | None:
    """Return what would be run for MODEL: a file, a plug-in, or nothing for a model at hand; nothing is run.

    Raises
    ------
    UsageError
        for an unknown model, or a file that is not there
    """
    if is_model_file(subject):
        return _require_file(Path(subject))
    names = model_names(tables)
    if subject in names:
        return None
    plug_ins = find_plug_ins()
    if subject not in plug_ins:
        raise UsageError(f"unknown model '{subject}'; {nearest(subject, [*names, *plug_ins])}")
    return plug_ins[subject]


def _require_file(path: Path) -> Path:
    if not path.is_file():
        what = "is no file" if path.exists() else "does not exist"
        raise UsageError(f"model file '{path}' {what}; give a Python file, or the name of a model: kinimmune list")
    try:
        require_name(path.stem, f"model file '{path}'")
    except KinimmuneError as error:
        raise UsageError(str(error)) from error
    return path


def open_plug_in(plug_in: PlugIn, tables: Tables) -> tuple[str, Tables]:
    """Return the name of the model of a plug-in, which is run, and tables with which `load_model` finds it.

    Tables the plug-in brings, in the folder `tables` of its module's package, stand in for those that are not given.

    Raises
    ------
    DataError
        when a table cannot be used
    ModelError
        when the plug-in cannot be used, or what it makes is no model of its name
    """
    if plug_in.problem:
        raise ModelError(f"{plug_in.label}: {plug_in.problem}; update or remove {plug_in.distribution}")
    with telling(plug_in.label, None, f"update or remove {plug_in.distribution}"), kept_apart():
        build = plug_in.entry.load()
    beside = find_shipped(plug_in)
    with_own = Tables(tables.folder, shipped=beside)
    parameters = _take_parameters(plug_in.name, with_own)
    with telling(plug_in.label, None, f"update or remove {plug_in.distribution}"), kept_apart():
        model = build_model(build, plug_in.name, parameters)
    return model.name, replace(with_own, model=add_effects(add_deviations(model, with_own), with_own))


def find_shipped(plug_in: PlugIn) -> Path | None:
    """Return the folder of the tables that a plug-in which was loaded brings, None where it brings none."""
    module = sys.modules[plug_in.entry.module]
    package = module.__spec__.parent if module.__spec__ is not None else ""
    folder = Path(str(files(package))) / SHIPPED if package else None
    return folder if folder is not None and folder.is_dir() else None


def _take_parameters(name: str, tables: Tables) -> tuple[Parameter, ...]:
    """Return the parameters tables have for a model, none where they have none."""
    return tuple(item for row, item in examine_parameters(tables).require() if name in row.models)


def _run_file(path: Path, tables: Tables) -> OdeModel:
    """Return the model a file makes of its parameters."""
    parameters = _take_parameters(path.stem, tables)
    with telling("model file", path, "correct the file"), kept_apart(), _beside(path):
        return build_model(vars(_execute(path)).get(path.stem), path.stem, parameters)


def _execute(path: Path) -> ModuleType:
    module = ModuleType(f"{PRIVATE}{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look for the module of a class
    exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    return module


@contextmanager
def _beside(path: Path) -> Iterator[None]:
    """Let a file import what lies beside it."""
    folder = str(path.resolve().parent)
    sys.path.append(folder)  # last, so that nothing there takes the place of a library
    try:
        yield
    finally:
        sys.path.remove(folder)
