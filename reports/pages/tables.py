"""Results as rows for a page: what a virtual trial shows, under which rules, how accurately, and how the optimiser got there.

Start with `list_outcomes`; `kinimmune.reports.pages.comparisons` has published numbers beside predictions, and
`kinimmune.reports.model.tables` the tables about a model and its numbers.
"""

import math
from collections.abc import Iterator

from kinimmune.fitting.estimation.outcome_rows import QuadratureRow, StopRuleRow
from kinimmune.fitting.estimation.results import FitResult
from kinimmune.fitting.estimation.trial_results import ArmResult, TrialResult
from kinimmune.models.symbolic.roles import TrialRoles
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.tables.evidence import Observation
from kinimmune.reports.typesetting.blocks import Cell, Mark, Strong, Table, Tag
from kinimmune.reports.typesetting.formats import (
    MISSING,
    print_endpoint,
    print_fixed,
    print_number,
    print_percent,
)
from kinimmune.reports.typesetting.labels import PLAIN, Labels


def list_outcomes(fit: FitResult, trial: TrialResult, roles: TrialRoles, labels: Labels = PLAIN) -> Table:
    """Return the outcomes of each arm: rates, shares, events and time on treatment, arms as columns.

    Parameters
    ----------
    fit, trial
        what was found
    roles
        of the model, which leave out the rows it has nothing for
    labels
        titles of studies
    """
    arms, last_cause = trial.arms, list(roles.causes_of_death)[-1]
    readings: list[tuple[str, list[str], bool]] = [
        ("Alive at 6 months", [print_percent(arm.survival_6) for arm in arms], True),
        ("Alive at 12 months", [print_percent(arm.survival_12) for arm in arms], True),
        (
            "Without progression at 6 months, deaths censored",
            [print_percent(arm.ttp_6) for arm in arms],
            roles.has_progression,
        ),
        (
            "Progression-free at 6 months",
            [print_percent(arm.pfs_6) for arm in arms],
            all(arm.pfs_6 is not None for arm in arms),
        ),
        ("Median progression-free survival [months]", [_find_median(fit, arm, "pfs") for arm in arms], bool(fit.predicted)),
        (
            "Progressions seen by a new lesion alone",
            [print_percent(arm.new_lesion_share) for arm in arms],
            roles.new_lesions is not None,
        ),
        (f"Deaths by {last_cause}", [print_percent(arm.last_cause_share) for arm in arms], len(roles.causes_of_death) > 1),
        (
            "Objective response",
            [print_percent(arm.response_fraction) for arm in arms],
            roles.log_diameter is not None,
        ),
        (
            "Disease control: no progression at the first scan",
            [print_percent(arm.disease_control) for arm in arms],
            all(arm.disease_control is not None for arm in arms),
        ),
        (
            "Median duration of response [months]",
            [print_fixed(arm.response_duration, 1) for arm in arms],
            any(arm.response_duration is not None for arm in arms),
        ),
        ("Median time on treatment [months]", [print_fixed(arm.treatment_median, 1) for arm in arms], True),
        ("Expected deaths by the cut-off", [_count_events(fit, arm, "os") for arm in arms], True),
        ("Expected progressions by the cut-off", [_count_events(fit, arm, "ttp") for arm in arms], roles.has_progression),
        (
            "Expected progressions or deaths by the cut-off",
            [_count_events(fit, arm, "pfs") for arm in arms],
            any(row.endpoint == "pfs" for row in fit.events),
        ),
    ]
    rows = tuple((name, *values) for name, values, known in readings if known)
    return Table(("", *_name_arms(trial, labels)), rows, "l" + "r" * len(trial.arms), widths=(1.4, *([0.8] * len(trial.arms))))


def _find_median(fit: FitResult, arm: ArmResult, endpoint: str) -> str:
    place = (arm.study, arm.arm, endpoint, "median")
    found = [row.value for row in fit.predicted if (row.study, row.arm, row.endpoint, row.statistic) == place]
    return print_fixed(found[0] if found else None, 1)


def _count_events(fit: FitResult, arm: ArmResult, endpoint: str) -> str:
    found = [row.expected for row in fit.events if (row.study, row.arm, row.endpoint) == (arm.study, arm.arm, endpoint)]
    return print_fixed(found[0] if found else None, 0)


def _name_arms(trial: TrialResult, labels: Labels) -> list[str]:
    return [f"{labels.study(arm.study)} {arm.arm}" for arm in trial.arms]


def list_contrasts(trial: TrialResult, labels: Labels = PLAIN) -> Table:
    """Return hazard ratio and difference of restricted mean survival time per study and endpoint."""
    rows = tuple(
        (
            labels.comparison(row.study, row.arm),
            print_endpoint(row.endpoint),
            print_fixed(row.hazard_ratio, 2),
            f"{print_fixed(row.rmst_difference, 2)} months",
            f"{print_fixed(row.rmst_horizon, 1)} months",
        )
        for row in trial.contrasts
    )
    names = ("Study", "Endpoint", "Hazard ratio", "Gain in restricted mean time", "Restricted to")
    return Table(names, rows, "llrrr", group=0)


def list_observations(observations: tuple[Observation, ...], fit: FitResult, trial: TrialResult, labels: Labels = PLAIN) -> Table:
    """Return published numbers that were never fitted beside what the virtual trial gives; a dash where it gives none.

    Numbers of other patients, of no study here, stand beside every treated arm; numbers of other kinds are left out.
    """
    rows: list[tuple[Cell, ...]] = []
    for item in observations:
        if item.quantity not in _QUANTITIES or not _has_patients(item, trial):
            continue
        predicted = _predict(item, fit, trial)
        share = item.quantity.endswith("fraction")
        decimals = 0 if item.unit == "1" else 1
        printed = [print_percent(value) if share else print_fixed(value, decimals) for value in (item.value, predicted)]
        place = f"{labels.study(item.study)}, {item.arm or 'all arms'}"
        unit = item.unit if item.unit != "1" and not share else ""
        name = f"{_QUANTITIES.get(item.quantity, item.quantity)}{f' [{unit}]' if unit else ''}"
        rows.append((name, place, printed[0], Strong(printed[1]), Tag(item.source.status), Mark(item.source.key)))
    rows += [row for item in observations if item.study is None for row in _list_of_other_patients(item, fit, trial, labels)]
    return Table(("Quantity", "Arm", "Published", "Predicted", "Status", "Source"), tuple(rows), "llrrll", group=0)


_EVENTS = {"deaths": "os", "ttp_events": "ttp"}
"""Quantity that counts events -> their endpoint."""
_OF_OTHERS = {
    "diameter_doubling_time": "Growth of the sum of diameters a month, median patient",
    "new_lesion_fraction": "Progressions by a new lesion alone",
}
"""Quantity of patients of no study here, under the drug -> what it is called beside the treated arms."""
_QUANTITIES = {
    "deaths": "Deaths by the cut-off",
    "ttp_events": "Progressions by the cut-off",
    "response_fraction": "Objective response",
    "stable_fraction": "Stable disease",
    "control_fraction": "Disease control",
    "response_duration": "Median duration of response",
    "treatment_median": "Median time on treatment",
}


def _list_of_other_patients(item: Observation, fit: FitResult, trial: TrialResult, labels: Labels) -> Iterator[tuple[Cell, ...]]:
    """Yield a row for every treated arm beside a number of patients of none of the studies."""
    if item.quantity not in _OF_OTHERS:
        return
    published = _grow_by(math.log(2.0) / item.value) if item.quantity == "diameter_doubling_time" else item.value
    for arm in trial.arms:
        if arm.arm != fit.reference_arms.get(arm.study):
            growth = None if arm.diameter_growth is None else _grow_by(arm.diameter_growth)
            predicted = growth if item.quantity == "diameter_doubling_time" else arm.new_lesion_share
            place = f"{labels.study(arm.study)}, {arm.arm}; published of other patients"
            printed = print_percent(published), Strong(print_percent(predicted))
            yield (_OF_OTHERS[item.quantity], place, *printed, Tag(item.source.status), Mark(item.source.key))


def _grow_by(rate: float) -> float:
    """Return the relative growth in a month at a rate [1/d]."""
    return math.expm1(rate * DAYS_PER_MONTH)


def _has_patients(item: Observation, trial: TrialResult) -> bool:
    """Return whether a number is of an arm of the virtual trial, or of all arms of one of its studies and counts events."""
    arms = {arm.arm for arm in trial.arms if arm.study == item.study}
    return item.arm in arms or (item.arm is None and bool(arms) and item.quantity in _EVENTS)


def _predict(item: Observation, fit: FitResult, trial: TrialResult) -> float | None:
    endpoint = _EVENTS.get(item.quantity)
    if endpoint is not None:
        counts = [
            row.expected
            for row in fit.events
            if row.study == item.study and row.endpoint == endpoint and item.arm in (None, row.arm)
        ]
        return sum(counts) if counts else None
    arm = next((arm for arm in trial.arms if (arm.study, arm.arm) == (item.study, item.arm)), None)
    if arm is None:
        return None
    return _read(arm, item.quantity)


def _read(arm: ArmResult, quantity: str) -> float | None:
    control = arm.disease_control
    known = {
        "response_fraction": arm.response_fraction,
        "stable_fraction": None if control is None else control - arm.response_fraction,
        "control_fraction": control,
        "response_duration": arm.response_duration,
        "treatment_median": arm.treatment_median,
    }
    return known.get(quantity)


def list_stop_rules(rules: tuple[StopRuleRow, ...], labels: Labels = PLAIN) -> Table:
    """Return predictions under each stop rule, rules as columns."""
    outputs = list(dict.fromkeys(name for rule in rules for name in rule.predictions))
    rows: list[tuple[Cell, ...]] = []
    for name in outputs:
        decimals = 2 if name.startswith("hazard_ratio") else 1
        rows.append((labels.output(name), *(print_fixed(rule.predictions.get(name), decimals) for rule in rules)))
    rows.append(("Chi-square of the fitted numbers", *(print_fixed(rule.chi_square_data, 2) for rule in rules)))
    rows.append(("Parameters", *("fitted again" if rule.refitted else "kept" for rule in rules)))
    names = ("", *(rule.rule.replace("_", " ") for rule in rules))
    return Table(names, tuple(rows), "l" + "r" * len(rules))


def list_quadrature(trial: TrialResult, labels: Labels = PLAIN) -> Table:
    """Return how far each prediction moves over sets of virtual patients."""
    rows = tuple(
        (labels.output(row.name), print_number(row.value), print_number(_round_off(row.sd, row.value), 2), _print_relative(row))
        for row in trial.quadrature
    )
    return Table(("Prediction", "Value", "Standard deviation over seeds", "Relative"), rows, "lrrr")


def _round_off(sd: float, value: float) -> float:
    """Return a deviation, 0 where it is the rounding of equal values alone."""
    return sd if sd > _ROUNDING * abs(value) else 0.0


_ROUNDING = 1e-12
"""Relative difference of numbers that are equal but for the order of additions."""


def _print_relative(row: QuadratureRow) -> str:
    return MISSING if row.value == 0.0 else print_percent(abs(row.sd / row.value))


def list_starts(fit: FitResult) -> Table:
    """Return the starts of the optimiser, best first."""
    rows = tuple(
        (str(row.index), print_fixed(row.cost, 3), "yes" if row.converged else "no", str(row.evaluations), row.message)
        for row in sorted(fit.starts, key=lambda start: start.cost)
    )
    return Table(("Start", "Sum of squares", "Converged", "Evaluations", "Message"), rows, "rrlrl")
