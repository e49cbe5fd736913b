"""Code that is not the package's, run in order: what it prints kept apart, its errors told in one line, its model checked.

Start with `build_model`.  `kinimmune.models.model_file` decides whose code is run; nothing else leads here.
"""

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from kinimmune.models.errors import KinimmuneError, ModelError
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.model_data import check_symbols
from kinimmune.models.symbolic.parameters import Parameter

Build = Callable[[tuple[Parameter, ...]], object]
"""A function that makes a model, as far as it can be trusted."""
LONGEST_REASON = 300
"""Characters of an error of such code that are told."""


def build_model(build: object, name: str, parameters: tuple[Parameter, ...]) -> OdeModel:
    """Return the model that a function makes.

    Parameters
    ----------
    build
        the function, None where there is none
    name
        of the function and of the model
    parameters
        those that tables have for the model

    Raises
    ------
    ModelError
        when it is no function, or what it makes is no model of that name
    DataError
        for a name or a printed symbol that is none
    """
    if not callable(build):
        raise ModelError(f"it has no function '{name}'; write def {name}(parameters) that returns an OdeModel")
    model = build(parameters)
    if not isinstance(model, OdeModel):
        raise ModelError(f"'{name}' returned {type(model).__name__}; let it return an OdeModel")
    if model.name != name:
        raise ModelError(f"'{name}' returned the model '{model.name}'; give both one name")
    check_symbols(model)
    return model


@contextmanager
def kept_apart() -> Iterator[None]:
    """Write no bytecode, and keep what code prints out of a command's output."""
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.dont_write_bytecode = before


@contextmanager
def telling(what: str, path: Path | None, advice: str) -> Iterator[None]:
    """Turn whatever code raises into one line.

    Parameters
    ----------
    what
        kind of the code, such as `model file`
    path
        file whose line is named; None where the code has no file of its own
    advice
        what to do where the error does not say
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        reason = " ".join(text.split())[:LONGEST_REASON]
        if not isinstance(error, KinimmuneError):
            reason = f"{f'{type(error).__name__}: {reason}'.removesuffix(': ')}; {advice}"
        place = what if path is None else f"{what} {_find_place(error, path)}"
        raise ModelError(f"{place}: {reason}") from error


def _find_place(error: BaseException, path: Path) -> str:
    """Return the file and the line of it that an error came from, where it came from one."""
    if isinstance(error, SyntaxError) and error.filename is not None and error.lineno is not None:
        return f"{error.filename} line {error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"{path} line {lines[-1]}" if lines else str(path)
