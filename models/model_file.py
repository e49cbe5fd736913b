"""A model in a Python file of the user's own: a function of the file's name that takes parameters and returns an `OdeModel`.

Start with `open_model`.  This is the only place where code that is not the package's is run, and only for a file whose name the
user gave: no table, configuration or run leads here.
"""

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from kinimmune.models.catalogue import require_model
from kinimmune.models.errors import KinimmuneError, ModelError, UsageError
from kinimmune.models.symbolic.expression_data import require_name
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.model_data import check_symbols
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.tables.parameters import examine_parameters
from kinimmune.models.tables.rows import Tables

ENDING = ".py"
PRIVATE = "_kinimmune_model_of_the_user_"
"""What the name under which a file is imported begins with."""
LONGEST_REASON = 300
"""Characters of an error of the user's code that are told."""


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
    """Return the name of a model, and tables with which `load_model` finds it; a file is run for that.

    Parameters
    ----------
    subject
        name of a model, or path of a file that ends in `.py`
    tables
        where its parameters stand

    Raises
    ------
    UsageError
        for an unknown model, or a file that is not there
    DataError
        when a table cannot be used
    ModelError
        when the code of the file fails, or what it makes is no model of its name
    """
    if not is_model_file(subject):
        return require_model(subject, tables), tables
    model = _run(Path(subject), tables)
    return model.name, replace(tables, model=model)


def _run(path: Path, tables: Tables) -> OdeModel:
    """Return the model a file makes of the parameters its tables have for it, none where they have none."""
    name = path.stem
    if not path.is_file():
        what = "is no file" if path.exists() else "does not exist"
        raise UsageError(f"model file '{path}' {what}; give a Python file, or the name of a model: kinimmune list")
    try:
        require_name(name, f"model file '{path}'")
    except KinimmuneError as error:
        raise UsageError(str(error)) from error
    parameters = tuple(item for row, item in examine_parameters(tables).require() if name in row.models)
    with _telling(path), _as_imported(path):
        module = _execute(path)
        build: Callable[[tuple[Parameter, ...]], object] | None = vars(module).get(name)
        if not callable(build):
            raise ModelError(f"it has no function '{name}'; write def {name}(parameters) that returns an OdeModel")
        model = build(parameters)
        if not isinstance(model, OdeModel):
            raise ModelError(f"'{name}' returned {type(model).__name__}; let it return an OdeModel")
        if model.name != name:
            raise ModelError(f"'{name}' returned the model '{model.name}'; give both one name")
        check_symbols(model)
    return model


def _execute(path: Path) -> ModuleType:
    module = ModuleType(f"{PRIVATE}{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look for the module of a class
    exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    return module


@contextmanager
def _as_imported(path: Path) -> Iterator[None]:
    """Let a file import what lies beside it, write no bytecode, and keep what it prints out of a command's output."""
    folder, before = str(path.resolve().parent), sys.dont_write_bytecode
    sys.path.append(folder)  # last, so that nothing there takes the place of a library
    sys.dont_write_bytecode = True
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.dont_write_bytecode = before
        sys.path.remove(folder)


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Turn whatever the user's code raises into one line with file and line."""
    try:
        yield
    except (Exception, SystemExit) as error:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        reason = " ".join(text.split())[:LONGEST_REASON]
        if not isinstance(error, KinimmuneError):
            reason = f"{f'{type(error).__name__}: {reason}'.removesuffix(': ')}; correct the file"
        raise ModelError(f"model file {_find_place(error, path)}: {reason}") from error


def _find_place(error: BaseException, path: Path) -> str:
    """Return the file and the line of it that an error came from, where it came from one."""
    if isinstance(error, SyntaxError) and error.filename is not None and error.lineno is not None:
        return f"{error.filename} line {error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"{path} line {lines[-1]}" if lines else str(path)
