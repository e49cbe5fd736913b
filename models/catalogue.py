"""The models by name: those of the library, and one of the user's own beside or in his tables.

Start with `load_model`.  Every module of `kinimmune.models.library` is one model: a function of the module's own name makes it
from its parameters.  A new file there is a new model; nothing else has to be told.  A folder of tables that holds a `model.json`
has a model as data in it, as every run of a model from outside does; reading it runs no code.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import sympy as sp

from kinimmune.models import library
from kinimmune.models.errors import DataError, UsageError, nearest
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.model_data import LARGEST_MODEL, read_model
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.tables.files import MODEL_FILE
from kinimmune.models.tables.findings import Finding
from kinimmune.models.tables.parameters import ParameterRow, examine_parameters
from kinimmune.models.tables.readers import read_parameters
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.routes import PER_BODY


def model_names(tables: Tables | None = None) -> tuple[str, ...]:
    """Return the names of all models of the library, and of the one beside some tables, in alphabetical order.

    >>> "gompertz" in model_names()
    True
    """
    own = None if tables is None else find_own_model(tables)
    names = {module.name for module in pkgutil.iter_modules(library.__path__)}
    return tuple(sorted(names if own is None else {*names, own.name}))


def find_own_model(tables: Tables) -> OdeModel | None:
    """Return the model of the user's own that goes with some tables, None where there is none.

    Raises
    ------
    DataError, ModelError
        when their folder holds a `model.json` that cannot be used
    """
    if tables.model is not None or tables.folder is None:
        return tables.model
    path = tables.folder / MODEL_FILE
    try:
        if not path.exists():
            return None
        if not path.is_file() or path.stat().st_size > LARGEST_MODEL:
            raise DataError(f"{path} is no plain file, or larger than the {LARGEST_MODEL} bytes of a model; restore it")
        return _read(path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}; restore it") from error


def load_model(name: str, tables: Tables | None = None) -> OdeModel:
    """Return a model of the library with the parameters of its tables, or the user's own that goes with them.

    Parameters
    ----------
    name
        one of `model_names(tables)`
    tables
        where its parameters stand; the package's if None

    Raises
    ------
    UsageError
        for an unknown model, with the nearest name, or a folder that does not exist
    DataError
        when a table cannot be used, or names a model there is not or a parameter the model has no use for
    """
    given = tables or Tables()
    own = find_own_model(given)
    if own is not None and own.name == name:
        return own
    model = _compose(require_model(name, given), read_parameters(name, given))
    if given.folder is not None:  # the package's tables are read whole
        findings = (*find_unknown_models(given), *_find_unused(model, given))
        if findings:
            raise DataError(findings[0].message)
    return model


def find_unknown_models(tables: Tables) -> tuple[Finding, ...]:
    """Return the rows of `parameters.csv` about models that do not exist."""
    names = model_names(tables)
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
        if model.name not in row.models:
            continue
        if item.name not in known and item.name not in _list_used(model):
            problem = f"parameter '{item.key}' stands in no equation of model '{model.name}'"
            yield row.finding("name", problem, "correct its name or remove the row")
        if item.drug is not None:
            yield from _find_no_property(model, row, item)


def _find_no_property(model: OdeModel, row: ParameterRow, item: Parameter) -> Iterator[Finding]:
    """Find values of a drug for what is no property of a drug in a model, or of the drug whose value is that of all."""
    roles = [role for role in model.drugs if item.name in role.parameters]
    if not roles:
        names = [name for role in model.drugs for name in role.parameters]
        problem = f"parameter '{item.key}': '{item.name}' is no property of a drug in model '{model.name}'"
        yield row.finding("name", problem, nearest(item.name, names) if names else "it takes none; remove the row")
    elif all(role.drug == item.drug for role in roles):
        problem = (
            f"parameter '{item.key}': the row of '{item.name}' without a drug is that of {item.drug} in model '{model.name}'"
        )
        yield row.finding("drug", problem, "change that row, and remove this one")


@lru_cache(maxsize=16)
def _list_used(model: OdeModel) -> frozenset[str]:
    """Return the names of everything that equations, spreads, roles and doses of a model use."""
    expressions = [*model.rates.values(), *(item.expression for item in (*model.definitions, *model.outputs))]
    expressions += [state.initial for state in model.states]
    names = {symbol.name for expression in expressions for symbol in (sp.S.Zero + expression).free_symbols}
    names |= {item.spread.sd for item in model.parameters if item.spread is not None and isinstance(item.spread.sd, str)}
    names |= {*PER_BODY.values(), *(name for role in model.drugs for name in role.parameters)}
    names |= {role.dose_volume for role in model.drugs if role.dose_volume is not None}
    return frozenset(names | ({str(role) for role in vars(model.trial).values()} if model.trial is not None else set()))


def require_model(name: str, tables: Tables | None = None) -> str:
    """Return `name`, or raise a `UsageError` with the nearest name when there is no such model."""
    names = model_names(tables)
    if name not in names:
        raise UsageError(f"unknown model '{name}'; {nearest(name, names)}")
    return name


@lru_cache(maxsize=16)
def _compose(name: str, parameters: tuple[Parameter, ...]) -> OdeModel:
    """Return a model with its units checked, which takes a third of a second the first time."""
    module = importlib.import_module(f"kinimmune.models.library.{name}")
    build: Callable[[tuple[Parameter, ...]], OdeModel] = getattr(module, name)
    return build(parameters)


@lru_cache(maxsize=4)
def _read(text: str, path: Path) -> OdeModel:
    return read_model(text, path)
