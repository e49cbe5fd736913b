"""Digests of what results depend on: the rows and columns of tables that a problem reads, and the equations of its model.

Start with `digest_inputs`.  A digest is versioned and canonical: another order of rows, another note, locator or table, and a
column that is not read leave it as it is; a value, a range, a prior, a design, a published number to be fitted or an equation
changes it.  A finished task of long work is only used again under the same digest.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence

import sympy as sp

from kinimmune.fitting.problem.measurements import read_measurements
from kinimmune.fitting.problem.read_targets import read_fitted_targets, read_tried_trials
from kinimmune.fitting.problem.targets import Role, Statistic, Target
from kinimmune.models.catalogue import load_model
from kinimmune.models.experiments.design import Experiment
from kinimmune.models.experiments.measurement import Measurement
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter, Spread, values_for
from kinimmune.models.tables.drugs import KnownDrugs, find_drug_values, find_next_line_values
from kinimmune.models.tables.readers import read_drugs, read_experiments
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.case_mix import CaseMix
from kinimmune.models.trial.design import Arm, Endpoint, ErrorRule, Trial, supports_trials
from kinimmune.models.trial.next_line import NextLine
from kinimmune.models.trial.published import PatientTimes, PublishedCurve
from kinimmune.models.trial.regimens import Administration, list_changes

VERSION = 1
"""Of the canonical form."""
NUMERICS = 3
"""Increased whenever the same inputs give other results: a change of the integrator, of the virtual trial or of the objective.
Finished tasks of before are then computed again, whole chains at a time."""


def digest_inputs(model: str, tables: Tables) -> str:
    """Return the digest of everything the fit of a model, or a virtual trial of it, depends on besides its settings.

    Parameters
    ----------
    model
        a name of the library
    tables
        what it is read from

    Raises
    ------
    DataError, UsageError
        as the readers of the tables do
    """
    built = load_model(model, tables)
    parts: dict[str, object] = {"equations": digest_equations(built), "parameters": sorted(map(_parameter, built.parameters))}
    if supports_trials(built):
        parts["targets"] = list(map(_target, read_fitted_targets(model, tables)))
        trials = read_tried_trials(model, tables)
        parts["trials"] = list(map(_trial, trials))
        parts |= _drugs(built, trials, read_drugs(tables)) | _reading_error(built)
    parts |= _measurements(built, tables)
    return digest(parts)


def digest(parts: Mapping[str, object]) -> str:
    """Return the digest of plain values, such as `1.1:9f...`: version of the form and of the numerics, then SHA-256."""
    text = json.dumps(parts, sort_keys=True, allow_nan=True)
    return f"{VERSION}.{NUMERICS}:{hashlib.sha256(text.encode()).hexdigest()}"


def digest_equations(model: OdeModel) -> str:
    """Return the SHA-256 of the names and expressions of a model: states, rates, definitions, outputs, inputs."""
    lines = [f"{state.name}'={sp.srepr(model.rates[state.name])}" for state in model.states]
    lines += [f"{state.name}(0)={sp.srepr(sp.S.Zero + state.initial)}" for state in model.states]
    lines += [f"{item.name}={sp.srepr(sp.S.Zero + item.expression)}" for item in (*model.definitions, *model.outputs)]
    lines += [item.name for item in model.inputs]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def digest_experiment(model: OdeModel, experiment: Experiment) -> str:
    """Return the digest of what an experiment of a model changes and gives; what has no last day stands as it was written."""
    closed = [item for item in experiment.given if item.last_day < math.inf]
    last = max((item.last_day for item in closed), default=0.0)
    changes = list_changes(model, closed, values_for(model.parameters, None) | dict(experiment.values), last)
    spans = [[span.name, span.value, span.first_day, span.last_day] for own, _ in changes for span in own]
    doses = [[dose.time, dose.state, dose.amount] for _, own in changes for dose in own]
    parts = {"values": dict(experiment.values), "factors": dict(experiment.factors), "spans": spans, "doses": doses}
    lasting = [_administration(item) for item in experiment.given if item.last_day == math.inf]
    return digest(parts | ({"lasting": lasting} if lasting else {}))


def _measurements(model: OdeModel, tables: Tables) -> dict[str, object]:
    """Return the measurements that are fitted with the experiments they were made in; nothing where there are none."""
    fitted = [item for item in read_measurements(model, tables) if item.role is Role.FIT]
    if not fitted:
        return {}
    found = [item.published for item in fitted if isinstance(item.published, Measurement)]
    numbers = [[item.label, item.value, item.lower, item.upper, item.error, str(item.errors), item.n] for item in found]
    needed = {name for item in found for name, _ in item.readings}
    experiments = {item.name: digest_experiment(model, item) for item in read_experiments(model, tables) if item.name in needed}
    return {"measurements": numbers, "experiments": experiments}


def _parameter(item: Parameter) -> tuple[object, ...]:
    """Return what a result depends on; text first, so that parameters can be sorted."""
    prior = [str(item.prior.scale), item.prior.median, item.prior.sd]
    told = (item.key, item.unit, item.value, item.lower, item.upper, item.estimated, prior, _spread(item.spread))
    effects = [[[effect.covariate, effect.by, effect.level, effect.reference] for effect in item.effects]] if item.effects else []
    return (*told, *effects) if item.shift is None else (*told, [item.shift.name, str(item.shift.scale)])


def _spread(spread: Spread | None) -> list[object] | None:
    return None if spread is None else [str(spread.scale), spread.sd]


def _target(target: Target) -> list[object]:
    """Return a target to be fitted; of its interval only what was read counts, and of data all numbers."""
    told: list[object] = [target.label, target.value, target.n, target.log_error]
    if target.error_interval is not None and (target.statistic is Statistic.SURVIVAL or target.errors is ErrorRule.SIDES):
        told[3] = list(target.error_interval)
    if isinstance(target.published, PublishedCurve):
        data = target.published
        return [*told, *(column.tolist() for column in (data.time, data.survival, data.at_risk, data.reading_error))]
    if isinstance(target.published, PatientTimes):
        last = [None if math.isnan(day) else day for day in target.published.last_without.tolist()]
        known = {name: values.tolist() for name, values in target.published.covariates.items()}
        return [*told, target.published.time.tolist(), target.published.event.tolist(), last, *([known] if known else [])]
    return told


def _drugs(model: OdeModel, trials: Sequence[Trial], drugs: KnownDrugs) -> dict[str, object]:
    """Return the properties of the drugs that are not the model's own; nothing where all are."""
    arms = [arm for trial in trials for arm in trial.arms]
    values = {f"{arm.study}:{arm.name}": find_drug_values(model, arm.administrations, drugs) for arm in arms}
    after = [arm for arm in arms if arm.next_line is not None]
    values |= {f"{arm.study}:{arm.name}:then": find_next_line_values(model, arm, drugs) for arm in after}
    others = {place: found for place, found in values.items() if found}
    return {"drugs": others} if others else {}


def _reading_error(model: OdeModel) -> dict[str, object]:
    """Return which parameter is the error of readings; nothing where a design tells it."""
    name = None if model.trial is None else model.trial.reading_error
    return {} if name is None else {"reading_error": name}


def _arm(arm: Arm) -> list[object]:
    """Return what a result depends on; a regimen and a next line add to it, so that arms without are what they were."""
    design = [arm.name, arm.n, arm.control, arm.dose, arm.doses_per_day, arm.discontinuation_rate, arm.symptomatic_median]
    regimen = [list(map(_administration, arm.regimen))] if arm.regimen else []
    later = [_next_line(arm.next_line)] if arm.next_line is not None else []
    return [*design, *regimen, *later, *([_case_mix(arm.case_mix)] if arm.case_mix is not None else [])]


def _case_mix(mix: CaseMix) -> dict[str, object]:
    """Return who is enrolled in an arm: patients one by one, and what a baseline table tells."""
    return {"known": list(mix.known), "rows": list(map(list, mix.rows)), "marginals": list(map(repr, mix.marginals))}


def _next_line(line: NextLine) -> dict[str, object]:
    """Return what a result depends on; the name of the regimen is none of it."""
    return {"share": line.share, "when": str(line.when), "given": list(map(_administration, line.administrations))}


def _administration(item: Administration) -> str:
    """Return what is given as text; a target adds to it, so that what goes to none is what it was."""
    names = ("drug", "amount", "unit", "first_day", "last_day", "every", "duration", "on_days", "off_days", "stops")
    text = f"Administration({', '.join(f'{name}={getattr(item, name)!r}' for name in names)})"
    return text if item.target is None else f"{text} to {item.target}"


def _trial(trial: Trial) -> dict[str, object]:
    scans = [trial.scan_interval, trial.scan_jitter, trial.reading_error, trial.progression_ratio, trial.response_ratio]
    if trial.later_scan_interval is not None and trial.later_scans_from is not None:
        scans += [trial.later_scan_interval, trial.later_scans_from]
    if trial.progression_increase > 0.0 and trial.baseline_diameter is not None:
        scans += [trial.progression_increase, trial.baseline_diameter]
    arms = [_arm(arm) for arm in trial.arms]
    periods = dict(trial.follow_up)
    if periods.get(Endpoint.PFS) == periods.get(Endpoint.TTP):
        periods.pop(Endpoint.PFS, None)  # as where no row of `follow_up.csv` gives one
    follow_up = {str(of): [period.shortest, period.longest, period.shape] for of, period in periods.items()}
    return {"study": trial.study, "scans": scans, "arms": arms, "follow_up": follow_up, "stop_rule": str(trial.stop_rule)}
