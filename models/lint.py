"""What tables about the display of models name, held against those models: quantities, experiments, days, mechanisms.

Start with `check_displays`.  Rows of the package's tables that a user's folder does not replace are left alone: where the folder
has other experiments, a panel without them is not drawn.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial

from kinimmune.models.catalogue import load_model, model_names
from kinimmune.models.errors import DataError, ModelError, nearest
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import values_for
from kinimmune.models.tables.case_mix import enrol_case_mixes
from kinimmune.models.tables.covariate_effects import examine_effects
from kinimmune.models.tables.design import DesignRow
from kinimmune.models.tables.drugs import examine_drugs, find_drug_values, find_next_line_values
from kinimmune.models.tables.evidence import KinaseRow
from kinimmune.models.tables.experiments import ChangeKind, ExperimentRow
from kinimmune.models.tables.findings import Finding, capped
from kinimmune.models.tables.limitations import LimitationRow
from kinimmune.models.tables.panels import PanelRow
from kinimmune.models.tables.parameters import examine_parameters
from kinimmune.models.tables.rows import TableRow, Tables
from kinimmune.models.tables.studies import list_studies
from kinimmune.models.tables.trials import examine_trials
from kinimmune.models.trial.design import supports_trials
from kinimmune.models.trial.next_line import plan_next_line
from kinimmune.models.trial.regimens import plan_dosing
from kinimmune.models.trial.subgroups import Condition, Subgroup

SHORT_HORIZON = 30.0
"""Time [d] for which a regimen is tried: its units and roles are those of any time."""


def check_displays(tables: Tables) -> tuple[Finding, ...]:
    """Return what is wrong with panels, limitations and kinases beside the models they are about.

    A model without rows in `parameters.csv`, or one that cannot be built, is left alone.  The tables themselves must be without
    findings.
    """
    known = model_names(tables)
    in_use = {name for row, _ in examine_parameters(tables).entries for name in row.models if name in known}
    panels = [row for row in tables.rows(PanelRow).entries if _is_own(row) and row.model in in_use]
    limitations = [row for row in tables.rows(LimitationRow).entries if _is_own(row)]
    named = {row.model for row in panels} | {name for row in limitations for name in row.models if name in in_use}
    models = {name: model for name in sorted(named) if (model := _build(name, tables)) is not None}
    kinases = [row for row in tables.rows(KinaseRow).entries if _is_own(row) and row.drives]
    return (
        *_check_panels(panels, models, tables),
        *_check_limitations(limitations, models, tables),
        *_check_kinases(kinases, models, tables),
    )


def check_treatments(tables: Tables) -> tuple[Finding, ...]:
    """Return the arms that the models trials are run in cannot give what they are given: a drug without a role, another unit.

    The tables themselves must be without findings.
    """
    in_use = {name for row, _ in examine_parameters(tables).entries for name in row.models if name in model_names(tables)}
    models = [model for name in sorted(in_use) if (model := _build(name, tables)) is not None and supports_trials(model)]
    (drugs,) = examine_drugs(tables).entries
    found = []
    for model in models:
        studies = list_studies(model.name, tables)
        for arm in (arm for trial in examine_trials(tables).entries if trial.study in studies for arm in trial.arms):
            usual, place = values_for(model.parameters, None), f"arm '{arm.study}:{arm.name}'"
            try:
                values = usual | find_drug_values(model, arm.administrations, drugs)
                plan_dosing(model, arm.administrations, values, SHORT_HORIZON)
            except DataError as error:
                found.append(Finding("regimens.csv" if arm.regimen else "arms.csv", None, None, f"{place}: {error}"))
                continue
            if arm.next_line is None:
                continue
            try:
                plan_next_line(model, arm.next_line, usual | find_next_line_values(model, arm, drugs), SHORT_HORIZON)
            except DataError as error:
                found.append(Finding("regimens.csv", None, None, f"{place}, next line '{arm.next_line.arm}': {error}"))
    return tuple(dict.fromkeys(found))


def check_covariates(tables: Tables) -> tuple[Finding, ...]:
    """Return the covariates on which a parameter depends and of which nothing is known in an arm of a study of its model.

    The tables themselves must be without findings.
    """
    effects = examine_effects(tables).entries
    trials = enrol_case_mixes(examine_trials(tables).entries, tables) if effects else ()
    found = []
    for row, effect in effects:
        studies = {study for model in row.models for study in list_studies(model, tables)}
        for arm in (arm for trial in trials if trial.study in studies for arm in trial.arms):
            if arm.case_mix is None or effect.covariate not in arm.case_mix.names:
                untold = f"'{effect.covariate}', of which {arm.study}:{arm.name} tells nothing"
                problem = f"parameter '{row.parameter}' depends on covariate {untold}"
                found.append(row.finding("covariate", problem, "add a row to case_mix.csv, or a column to patients.csv"))
    return tuple(capped(found))


def find_unseen_levels(tables: Tables) -> tuple[Finding, ...]:
    """Return the effects of levels that no arm of a study of their model has: nothing but their priors tells of them."""
    effects = [(row, effect) for row, effect in examine_effects(tables).entries if effect.level is not None]
    trials = enrol_case_mixes(examine_trials(tables).entries, tables) if effects else ()
    found = []
    for row, effect in effects:
        studies = {study for model in row.models for study in list_studies(model, tables)}
        mixes = [arm.case_mix for trial in trials if trial.study in studies for arm in trial.arms if arm.case_mix is not None]
        subgroup = Subgroup((Condition(effect.covariate, effect.level),))
        if not any(mix.share(subgroup) > 0.0 for mix in mixes if effect.covariate in mix.names):
            problem = f"nobody in any arm has level '{effect.level}' of covariate '{effect.covariate}'"
            found.append(row.finding("level", problem, "its effect stays at its prior; leave the row out, or correct the level"))
    return tuple(found)


def find_unread_errors(tables: Tables) -> tuple[Finding, ...]:
    """Return the reading errors of designs that no model reads: the models their studies are run in have another of their own."""
    in_use = {name for row, _ in examine_parameters(tables).entries for name in row.models if name in model_names(tables)}
    models = [model for name in sorted(in_use) if (model := _build(name, tables)) is not None]
    readers = {model.name: model.trial.reading_error for model in models if model.trial is not None}
    found = []
    for row in tables.rows(DesignRow).entries:
        names = [name for name in readers if row.quantity == "reading_error" and row.study in list_studies(name, tables)]
        values = {item.value for model in models for item in model.parameters if item.name == readers.get(model.name)}
        if names and all(readers[name] is not None for name in names) and values != {row.value}:
            own = ", ".join(f"{model} has the parameter '{readers[model]}'" for model in names)
            problem = f"reading_error {row.value:g} of study '{row.study}' is not read: {own}, whose value is another"
            found.append(row.finding("value", problem, "give both one value, or take the parameter's row out of parameters.csv"))
    return tuple(found)


def _is_own(row: TableRow) -> bool:
    return row.file == row.table


def _build(name: str, tables: Tables) -> OdeModel | None:
    try:
        return load_model(name, tables)
    except (DataError, ModelError):
        return None  # told where experiments and claims are held against the model


def _check_panels(rows: Iterable[PanelRow], models: Mapping[str, OdeModel], tables: Tables) -> Iterator[Finding]:
    changes = tables.rows(ExperimentRow).entries
    for row in rows:
        if row.model not in models:
            continue
        model = models[row.model]
        own = [change for change in changes if change.model == row.model]
        days = {change.experiment for change in own if change.kind is ChangeKind.DAY}
        find = partial(_find_unknown, row)
        yield from find(
            "quantities", "quantity", row.quantity_names, {*model.state_names, *(item.name for item in model.outputs)}
        )
        yield from find("experiments", "experiment", row.experiment_names, {change.experiment for change in own} - days)
        yield from find("day", "read-out day", (row.day,) if row.day else (), days)
        yield from find("parameter", "parameter", (row.parameter,) if row.parameter else (), model.parameter_names)


def _check_limitations(rows: Iterable[LimitationRow], models: Mapping[str, OdeModel], tables: Tables) -> Iterator[Finding]:
    everywhere: set[str] = set()
    for row in rows:
        if row.mechanism is None:
            continue
        for name in row.models:
            if name in models:
                known = {item.name for item in models[name].mechanisms}
                if row.mechanism not in known:
                    yield _unknown(row, "mechanism", f"model '{name}'", "mechanism", row.mechanism, known)
        if not row.models:
            everywhere = everywhere or _list_mechanisms(tables)
            if row.mechanism not in everywhere:
                yield _unknown(row, "mechanism", "the library", "mechanism", row.mechanism, everywhere)


def _check_kinases(rows: Iterable[KinaseRow], models: Mapping[str, OdeModel], tables: Tables) -> Iterator[Finding]:
    """Find kinases that drive what no model defines; those of other models are asked for when these do not have it."""
    known = {item.name for model in models.values() for item in model.definitions}
    everywhere: set[str] = set()
    for row in rows:
        if row.drives is None or row.drives in known:
            continue
        everywhere = everywhere or {item.name for model in _build_all(tables) for item in model.definitions}
        if row.drives not in everywhere:
            yield _unknown(row, "drives", "the library", "definition", row.drives, everywhere)


def _list_mechanisms(tables: Tables) -> set[str]:
    return {item.name for model in _build_all(tables) for item in model.mechanisms}


def _build_all(tables: Tables) -> Iterator[OdeModel]:
    """Yield every model, by the package's parameters where these tables have none for it."""
    for name in model_names():
        model = _build(name, tables) or _build(name, Tables())
        if model is not None:
            yield model


def _find_unknown(row: PanelRow, column: str, what: str, given: Iterable[str], known: Collection[str]) -> Iterator[Finding]:
    for name in given:
        if name not in known:
            yield _unknown(row, column, f"model '{row.model}'", what, name, known)


def _unknown(row: TableRow, column: str, owner: str, what: str, given: str, known: Collection[str]) -> Finding:
    return row.finding(column, f"{owner} has no {what} '{given}' in column '{column}'", nearest(given, sorted(known)))
