"""What a model can be tried and fitted with, said before anything is computed.

Start with `examine_fit` and `choose_changes`.  A fit runs the arms of trials and aims at published medians: it needs a model
that trials can be run in, published numbers to aim at, a value of every parameter for every study, and something to estimate.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from kinimmune.fitting.problem.changes import ParameterChange, apply_changes, resolve_changes
from kinimmune.fitting.problem.measurements import read_measurements
from kinimmune.fitting.problem.read_targets import list_tried_studies, read_fitted_targets
from kinimmune.fitting.problem.targets import Role, Target, can_predict
from kinimmune.fitting.settings import FitOptions
from kinimmune.models.catalogue import load_model, model_names
from kinimmune.models.errors import DataError, KinimmuneError, UsageError
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.tables.rows import Tables
from kinimmune.models.tables.studies import list_named_studies
from kinimmune.models.trial.design import Endpoint, list_endpoints, supports_trials

MOST_NAMES = 4
"""Names of a list in a message; further ones are counted."""


@dataclass(frozen=True)
class FitScope:
    """What a fit of a model would aim at."""

    endpoints: tuple[Endpoint, ...]
    """What is timed in a trial of the model; none for one that no trial can be run in."""
    targets: dict[str, int]
    """Study -> number of published medians a fit aims at; none where it cannot be fitted."""
    obstacle: str
    """Why the model cannot be fitted, and what to do; empty where it can."""


def examine_fit(model: OdeModel, tables: Tables) -> FitScope:
    """Return what a fit of a model would aim at, or why there is none.

    Raises
    ------
    DataError
        when the tables of trials or targets are wrong
    """
    obstacle = next(_find_obstacles(model, tables), "")
    targets = {} if obstacle else dict(Counter(target.study for target in _list_fitted(model, tables)))
    return FitScope(list_endpoints(model) if supports_trials(model) else (), targets, obstacle)


def choose_changes(model: str, tables: Tables, asked: FitOptions) -> tuple[ParameterChange, ...]:
    """Return what a fit takes otherwise than the tables say, once it is known that the model can be fitted.

    Raises
    ------
    UsageError
        when it cannot be fitted, with the models that can, or when a parameter cannot be changed as asked
    DataError
        when a table cannot be used
    """
    built = load_model(model, tables)
    _require_none(built, tables, next(_find_trial_obstacles(built, tables), ""))
    parameters = select_parameters(built, list_tried_studies(built.name, tables))
    changes = resolve_changes(parameters, asked)
    then = apply_changes(parameters, changes)
    if any(item.estimated for item in parameters) and not any(item.estimated for item in then):
        raise UsageError("--fix leaves no parameter to estimate; leave at least one of them free")
    _require_none(built, tables, next(_find_estimate_obstacles(then), ""))
    return changes


def require_trials(model: OdeModel, tables: Tables) -> None:
    """Raise a `UsageError` unless virtual trials can be run: of a fit, or of the studies that name a model without a fit.

    Whether there is something to estimate is not asked.
    """
    obstacles = _find_run_obstacles if list_named_studies(model.name, tables) else _find_trial_obstacles
    _require_none(model, tables, next(obstacles(model, tables), ""))


def select_parameters(model: OdeModel, studies: Collection[str]) -> tuple[Parameter, ...]:
    """Return the parameters of a problem: those all studies share, and those of its own studies."""
    return tuple(item for item in model.parameters if item.study is None or item.study in studies)


def _find_obstacles(model: OdeModel, tables: Tables) -> Iterator[str]:
    yield from _find_trial_obstacles(model, tables)
    yield from _find_estimate_obstacles(select_parameters(model, list_tried_studies(model.name, tables)))


def _list_fitted(model: OdeModel, tables: Tables) -> tuple[Target, ...]:
    """Return what a fit of a model aims at: numbers of trials where it can be tried in any, and measurements."""
    measured = tuple(target for target in read_measurements(model, tables) if target.role is Role.FIT)
    return (*(read_fitted_targets(model.name, tables) if supports_trials(model) else ()), *measured)


def _find_trial_obstacles(model: OdeModel, tables: Tables) -> Iterator[str]:
    """Find what keeps the virtual trials of a fit from being run or compared, the first first; experiments need none."""
    if any(not target.of_trial for target in _list_fitted(model, tables)):
        yield from _find_unshared(model)
        if not (supports_trials(model) and read_fitted_targets(model.name, tables)):
            return
    if supports_trials(model) and not read_fitted_targets(model.name, tables):
        named = list_named_studies(model.name, tables)
        where = f" of {_shorten(named)}, the studies that name it" if named else ""
        yield f"targets.csv has no row with role 'fit'{where}; mark the numbers it should aim at"
    yield from _find_run_obstacles(model, tables)


def _find_run_obstacles(model: OdeModel, tables: Tables) -> Iterator[str]:
    """Find what keeps the virtual trials of a model from being run, the first first."""
    if model.trial is None:
        yield "a fit aims at what trials published, and the model has no hazard of death, or at measurements, and there are none"
        return
    if not supports_trials(model):
        yield "a fit aims at what trials published, and the model does not take the dose of an arm"
        return
    fitted = read_fitted_targets(model.name, tables)
    yield from _find_unfit_targets(fitted, list_endpoints(model))
    for study in list_tried_studies(model.name, tables):
        known = {item.name for item in model.parameters if item.study in (None, study) and item.everywhere}
        missing = [name for name in model.parameter_names if name not in known]
        if missing:
            why = ", whose targets have role 'fit'" if fitted else ""
            empty = "leave column 'study' empty"
            remedy = f"{empty}, or give its targets role 'unfitted'" if fitted else f"or {empty}"
            what = f"parameters.csv has no value of {_shorten(missing)} for study '{study}'{why}"
            yield f"{what}; add a row for that study, {remedy}"


def _find_unshared(model: OdeModel) -> Iterator[str]:
    """Find parameters without a value outside the studies, which the typical individual of an experiment needs."""
    known = {item.name for item in model.parameters if item.study is None and item.everywhere}
    missing = [name for name in model.parameter_names if name not in known]
    if missing:
        yield f"an experiment needs values outside any study, and parameters.csv has none of {_shorten(missing)}; add a row each"


def _find_unfit_targets(targets: Iterable[Target], endpoints: Sequence[Endpoint]) -> Iterator[str]:
    """Find targets with role `fit` that no residual can be made for."""
    for target in targets:
        if not can_predict(target, endpoints):
            yield f"it has no progression, and {target.label} ({target.origin}) has role 'fit'; give it role 'unfitted'"


def _find_estimate_obstacles(parameters: Sequence[Parameter]) -> Iterator[str]:
    """Find what leaves a fit nothing it could move."""
    estimated = [item for item in parameters if item.estimated]
    if not estimated:
        yield "no parameter of it is estimated; write yes in column 'estimated' of parameters.csv, or --free NAME"
    for item in estimated:
        try:
            ends = [item.prior.to_z(item.lower), item.prior.to_z(item.upper)]
        except DataError:
            ends = [math.nan]
        if any(map(math.isnan, ends)):
            reach = f"parameter '{item.key}' is estimated and its range [{item.lower:g}, {item.upper:g}] ({item.origin})"
            yield f"{reach} reaches beyond its {item.prior.scale} prior; fill in lower and upper"


def _require_none(model: OdeModel, tables: Tables, obstacle: str) -> None:
    if not obstacle:
        return
    where = "" if tables.folder is None else f" with the tables in {tables.folder}"
    raise UsageError(f"model '{model.name}' cannot be fitted{where}: {obstacle}{_name_others(model, tables)}")


def _name_others(model: OdeModel, tables: Tables) -> str:
    """Return which other models can be fitted with the same tables; where none can, what keeps the first that has trials."""
    scopes = dict(_examine_others(model, tables))
    able = [name for name, scope in scopes.items() if not scope.obstacle]
    if able:
        return f"; models that can be fitted: {', '.join(able)}"
    if supports_trials(model):
        return ""
    tried = [f"; nor can '{name}': {scope.obstacle}" for name, scope in scopes.items() if scope.endpoints]
    return tried[0] if tried else "; nor can any other model"


def _examine_others(model: OdeModel, tables: Tables) -> Iterator[tuple[str, FitScope]]:
    for name in model_names():
        if name != model.name:
            try:
                yield name, examine_fit(load_model(name, tables), tables)
            except KinimmuneError:  # tables of a user need not have every model
                continue


def _shorten(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"{', '.join(names[:MOST_NAMES])}{more}"
