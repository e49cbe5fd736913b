"""The models by name: those of the library, and one of the user's own beside or in his tables.

Start with `load_model`.  Every module of `kinimmune.models.library` is one model: a function of the module's own name makes it
from its parameters.  A new file there is a new model; nothing else has to be told.  A module with `DRUG_KINDS` is also told
which drugs of those kinds the arms of its studies give, so that a mechanism joins a model only where a drug of its kind is given.

A folder of tables that holds a `model.json` has a model as data in it, as every run of a model from outside does; reading it runs
no code.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import ModuleType

import sympy as sp

from kinimmune.models import library
from kinimmune.models.errors import DataError, UsageError, nearest
from kinimmune.models.plug_ins import find_plug_ins
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.model_data import LARGEST_MODEL, read_model
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.tables.covariate_effects import EffectRow, add_effects, list_coefficients
from kinimmune.models.tables.deviations import add_deviations
from kinimmune.models.tables.drugs import DrugRow
from kinimmune.models.tables.experiments import ExperimentRow
from kinimmune.models.tables.files import MODEL_FILE
from kinimmune.models.tables.findings import Finding, capped
from kinimmune.models.tables.limitations import LimitationRow
from kinimmune.models.tables.observations import ObservationRow
from kinimmune.models.tables.panels import PanelRow
from kinimmune.models.tables.parameters import ParameterRow, examine_parameters
from kinimmune.models.tables.readers import read_parameters
from kinimmune.models.tables.rows import TableRow, Tables
from kinimmune.models.tables.studies import list_studies
from kinimmune.models.tables.treatments import ArmRow, list_regimens
from kinimmune.models.tables.trials import TrialRow
from kinimmune.models.trial.routes import PER_BODY

GivenKinds = tuple[tuple[str, tuple[str, ...]], ...]
"""Kind of drug, by the quantity of `drugs.csv` that only such drugs have, and the drugs of it that are given."""


def model_names(tables: Tables | None = None) -> tuple[str, ...]:
    """Return the names of all models of the library, and of the one beside some tables, in alphabetical order.

    >>> "gompertz" in model_names()
    True
    """
    own = None if tables is None else find_own_model(tables)
    names = {module.name for module in pkgutil.iter_modules(library.__path__)}
    return tuple(sorted(names if own is None else {*names, own.name}))


def known_names(tables: Tables, asked: Iterable[str]) -> tuple[str, ...]:
    """Return the names rows of tables may give a model: those at hand and, where others are asked for, of files and plug-ins.

    Files beside the tables and plug-ins are neither read nor run for that.
    """
    names = model_names(tables)
    if set(asked) <= set(names):
        return names
    beside = () if tables.folder is None else (path.stem for path in tables.folder.glob("*.py"))
    return tuple(sorted({*names, *beside, *find_plug_ins()}))


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
    model = _compose(require_model(name, given), read_parameters(name, given), _find_given_kinds(name, given))
    if given.folder is not None:  # the package's tables are read whole
        findings = (*find_unknown_models(given), *_find_unused(model, given))
        if findings:
            raise DataError(findings[0].message)
    return add_effects(add_deviations(model, given), given)


def find_unknown_models(tables: Tables) -> tuple[Finding, ...]:
    """Return the rows of a folder's tables, those of claims left out, about models that do not exist."""
    rows: list[tuple[TableRow, tuple[str, ...]]] = [(row, row.models) for row, _ in examine_parameters(tables).entries]
    rows += [(row, (row.model,)) for row in tables.rows(ExperimentRow).entries]
    rows += [(row, (row.model,)) for row in tables.rows(PanelRow).entries]
    rows += [(row, row.models) for row in tables.rows(LimitationRow).entries]
    rows += [(row, row.models) for row in tables.rows(TrialRow).entries]
    rows += [(row, row.models) for row in tables.rows(EffectRow).entries]
    rows += [(row, row.models) for row in tables.rows(ObservationRow).entries]
    known = known_names(tables, (name for _, models in rows for name in models))
    unknown = ((row, name) for row, models in rows for name in models if name not in known)
    return tuple(
        capped(row.finding("model", f"unknown model '{name}' in column 'model'", nearest(name, known)) for row, name in unknown)
    )


def _find_unused(model: OdeModel, tables: Tables) -> Iterator[Finding]:
    """Find parameters in no equation, spread or role of a model; those the package has may be read by a read-out."""
    known = {item.name for item in read_parameters(model.name)}
    for row, item in examine_parameters(tables).entries:
        if model.name not in row.models:
            continue
        if item.name not in known | list_coefficients(model.name, tables) and item.name not in _list_used(model):
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
def _compose(name: str, parameters: tuple[Parameter, ...], given: GivenKinds) -> OdeModel:
    """Return a model with its units checked, which takes a third of a second the first time.

    A model with `DRUG_KINDS` is told which drugs of each kind its arms give, and joins the mechanism of a kind that any does;
    the parameters of the others it does not get.
    """
    module = _import(name)
    build: Callable[..., OdeModel] = getattr(module, name)
    kinds = _list_kinds(module)
    if not kinds:
        return build(parameters)
    given_kinds = dict(given)
    absent = {parameter for kind, own in kinds.items() if kind not in given_kinds for parameter in own}
    known = {item.name for item in parameters}
    for kind, drugs in given:
        for parameter in kinds[kind]:
            if parameter not in known:
                needs = f"model '{name}' needs where an arm gives {' or '.join(drugs)}"
                raise DataError(f"parameters.csv has no '{parameter}', which {needs}; add a row, as in the package's table")
    return build(tuple(item for item in parameters if item.name not in absent), given_kinds)


def _find_given_kinds(name: str, tables: Tables) -> GivenKinds:
    """Return the kinds of drugs a model of the library knows that the arms of its studies give, each with the drugs.

    What is wrong with the tables is told where they are read.
    """
    if name not in {module.name for module in pkgutil.iter_modules(library.__path__)}:
        return ()
    kinds, studies = _list_kinds(_import(name)), list_studies(name, tables)
    if not kinds:
        return ()
    arms, regimens = tables.rows(ArmRow).entries, list_regimens(tables)
    named = {row.drug for row in arms if row.study in studies} | {row.drug for row in regimens if row.study in studies}
    drugs = [(row.quantity, row.drug) for row in tables.rows(DrugRow).entries if row.drug in named]
    found = {kind: tuple(drug for quantity, drug in drugs if quantity == kind) for kind in kinds}
    return tuple((kind, given) for kind, given in found.items() if given)


def _import(name: str) -> ModuleType:
    return importlib.import_module(f"kinimmune.models.library.{name}")


def _list_kinds(module: ModuleType) -> Mapping[str, tuple[str, ...]]:
    """Return quantity of `drugs.csv` that only drugs of a kind have -> parameters that a model needs for that kind alone."""
    kinds: Mapping[str, tuple[str, ...]] = getattr(module, "DRUG_KINDS", {})
    return kinds


@lru_cache(maxsize=4)
def _read(text: str, path: Path) -> OdeModel:
    return read_model(text, path)
