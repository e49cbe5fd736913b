"""The models of the library by name.

Start with `load_model`.  Every module of `kinimmune.models.library` is one model: a function of the module's own name makes it
from its parameters.  A new file there is a new model; nothing else has to be told.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from functools import lru_cache

import sympy as sp

from kinimmune.models import library
from kinimmune.models.errors import DataError, UsageError, nearest
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.tables.findings import Finding
from kinimmune.models.tables.parameters import examine_parameters
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
        when a table cannot be used, or names a model there is not or a parameter the model has no use for
    """
    tables = tables or Tables()
    model = _compose(require_model(name), read_parameters(name, tables))
    if tables.folder is not None:  # the package's tables are read whole
        findings = (*find_unknown_models(tables), *_find_unused(model, tables))
        if findings:
            raise DataError(findings[0].message)
    return model


def find_unknown_models(tables: Tables) -> tuple[Finding, ...]:
    """Return the rows of `parameters.csv` about models that do not exist."""
    names = model_names()
    return tuple(
        row.finding("model", f"unknown model '{name}' in column 'model'", nearest(name, names))
        for row, _ in examine_parameters(tables).entries
        for name in row.models
        if name not in names
    )


def _find_unused(model: OdeModel, tables: Tables) -> Iterator[Finding]:
    """Find parameters in no equation, spread or role of a model; those the package has may be read by a read-out."""
    known = {item.name for item in read_parameters(model.name)}
    for row, item in examine_parameters(tables).entries:
        if model.name in row.models and item.name not in known and item.name not in _list_used(model):
            problem = f"parameter '{item.key}' stands in no equation of model '{model.name}'"
            yield row.finding("name", problem, "correct its name or remove the row")


@lru_cache(maxsize=16)
def _list_used(model: OdeModel) -> frozenset[str]:
    """Return the names of everything that equations, spreads and roles of a model use."""
    expressions = [*model.rates.values(), *(item.expression for item in (*model.definitions, *model.outputs))]
    expressions += [state.initial for state in model.states]
    names = {symbol.name for expression in expressions for symbol in sp.sympify(expression).free_symbols}
    names |= {item.spread.sd for item in model.parameters if item.spread is not None and isinstance(item.spread.sd, str)}
    return frozenset(names | ({str(role) for role in vars(model.trial).values()} if model.trial is not None else set()))


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
