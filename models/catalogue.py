"""The models of the library by name.

Start with `load_model`.  Every module of `kinimmune.models.library` is one model: a function of the module's own name makes it
from its parameters.  A new file there is a new model; nothing else has to be told.
"""

import importlib
import pkgutil
from collections.abc import Callable
from functools import lru_cache

from kinimmune.models import library
from kinimmune.models.errors import UsageError, nearest
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.tables.readers import read_parameters
from kinimmune.models.tables.rows import Tables


def model_names() -> tuple[str, ...]:
    """Return the names of all models, in alphabetical order.

    >>> "gompertz" in model_names()
    True
    """
    return tuple(sorted(module.name for module in pkgutil.iter_modules(library.__path__)))


def load_model(name: str, tables: Tables | None = None) -> OdeModel:
    """Return a model of the library with the parameters of its tables.

    Parameters
    ----------
    name
        one of `model_names()`
    tables
        where its parameters stand; the package's if None

    Raises
    ------
    UsageError
        for an unknown model, with the nearest name, or a folder that does not exist
    DataError
        when a table cannot be used
    """
    return _compose(require_model(name), read_parameters(name, tables or Tables()))


def require_model(name: str) -> str:
    """Return `name`, or raise a `UsageError` with the nearest name when there is no such model."""
    names = model_names()
    if name not in names:
        raise UsageError(f"unknown model '{name}'; {nearest(name, names)}")
    return name


@lru_cache(maxsize=16)
def _compose(name: str, parameters: tuple[Parameter, ...]) -> OdeModel:
    """Return a model with its units checked, which takes a third of a second the first time."""
    module = importlib.import_module(f"kinimmune.models.library.{name}")
    build: Callable[[tuple[Parameter, ...]], OdeModel] = getattr(module, name)
    return build(parameters)
