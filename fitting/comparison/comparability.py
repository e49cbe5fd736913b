"""Whether sums of squares of two fits are about the same thing.

Start with `find_data_obstacle`.  Each function returns why not in one line, empty where nothing stands in the way.
"""

import math
from collections.abc import Iterable

from kinimmune.fitting.comparison.numbers import name_rows
from kinimmune.fitting.comparison.reading import FittedRun, shorten
from kinimmune.fitting.estimation.results import ComparisonRow
from kinimmune.fitting.estimation.trial_results import ArmResult
from kinimmune.fitting.problem.targets import Statistic
from kinimmune.models.symbolic.parameters import Status

_SAME = 1e-6
"""Largest relative difference of two standard errors that were computed from the same numbers."""
_SMALLEST = 1e-8
"""Residual from which its standard error can be computed back."""
_TABLES = {str(Statistic.CURVE): "curves.csv", str(Statistic.PATIENTS): "patients.csv"}
"""Where data stand."""
_NAMED = 3
"""Names in a message; the others are counted."""


def find_data_obstacle(first: FittedRun, other: FittedRun) -> str:
    """Return why the sums of squares of the data, and what follows from them, cannot be compared.

    They can where the same published numbers were fitted with the same standard errors: same values and intervals, same patients,
    scans and follow-up behind them, residuals multiplied by the same factor, and one form of the objective.
    """
    checks = (_check_factor, _check_form, _check_fitted, _check_values, _check_tables, _check_designs, _check_errors)
    return next(filter(None, (check(first, other) for check in checks)), "")


def find_prior_obstacle(first: FittedRun, other: FittedRun) -> str:
    """Return why the sums of squares of the priors cannot be compared: other parameters, or other priors of one."""
    priors = [{row.name: row.prior for row in run.fit.parameters} for run in (first, other)]
    alone = sorted(set(priors[0]) ^ set(priors[1]))
    if alone:
        return f"other parameters were estimated: {_list(alone)} by one of the two alone"
    moved = [name for name in priors[0] if priors[0][name] != priors[1][name]]
    return f"other priors: {_list(moved)}" if moved else ""


def find_ratio_obstacle(first: FittedRun, other: FittedRun) -> str:
    """Return why the scores Q of hazard ratios, which fits to medians alone predict, cannot be compared."""
    sets = [
        {place: _read(row) for place, row in name_rows(_list_predicted(run)).items() if _counts(row)} for run in (first, other)
    ]
    if sets[0] != sets[1]:
        places = [str(place) for place in dict.fromkeys((*sets[0], *sets[1])) if sets[0].get(place) != sets[1].get(place)]
        return f"Q is of other hazard ratios: {_list(places)}"
    if _has_medians_alone(first) != _has_medians_alone(other):
        return "Q is of a fit to medians alone in one of the two only"
    return ""


def _list_predicted(run: FittedRun) -> tuple[ComparisonRow, ...]:
    """Return the rows that Q is of: those of the companion, where the fit has one."""
    companion = run.fit.companion
    return run.fit.unfitted if companion is None else companion.ratios


def _has_medians_alone(run: FittedRun) -> bool:
    """Return whether the fit was to medians alone, or has a companion that was."""
    return run.fit.companion is not None or all(row.statistic == "median" for row in run.fit.targets)


def _counts(row: ComparisonRow) -> bool:
    """Return whether a row is in Q: a hazard ratio whose interval was read."""
    return row.statistic == "hazard_ratio" and row.lower is not None and row.interval_status == Status.REPORTED


def _check_factor(first: FittedRun, other: FittedRun) -> str:
    if first.whitening == other.whitening:
        return ""
    told = ["as they are" if run.whitening is None else f"by {shorten(run.whitening)}" for run in (first, other)]
    return (
        f"residuals were multiplied by other factors ({told[0]}; {told[1]}): each fit finds the correlations of numbers "
        "that share patients at its own optimum; fit both with --no-correlations"
    )


def _check_form(first: FittedRun, other: FittedRun) -> str:
    """Compare the forms of the objective; one that is not known stands in no way."""
    forms = [run.record.digest.partition(":")[0] for run in (first, other)]
    return f"the objective had another form ({forms[0]} and {forms[1]})" if all(forms) and forms[0] != forms[1] else ""


def _check_fitted(first: FittedRun, other: FittedRun) -> str:
    fitted = [set(name_rows(run.fit.targets)) for run in (first, other)]
    if fitted[0] == fitted[1]:
        return ""
    sides = ((first.label, fitted[0] - fitted[1]), (other.label, fitted[1] - fitted[0]))
    told = [f"{_list(sorted(map(str, alone)))} by {label} alone" for label, alone in sides if alone]
    return f"other numbers were fitted: {'; '.join(told)}"


def _check_values(first: FittedRun, other: FittedRun) -> str:
    rows = [name_rows(run.fit.targets) for run in (first, other)]
    moved = [str(place) for place in rows[0] if _read(rows[0][place]) != _read(rows[1][place])]
    return f"fitted numbers have other values or intervals: {_list(moved)}" if moved else ""


def _check_tables(first: FittedRun, other: FittedRun) -> str:
    """Compare the tables of fitted curves and patients, of whose values the results tell none."""
    fitted = {place.statistic for place in name_rows(first.fit.targets)}
    moved = [
        name
        for statistic, name in _TABLES.items()
        if statistic in fitted and first.record.inputs.get(name) != other.record.inputs.get(name)
    ]
    return f"{_list(moved)}, of which curves or patients were fitted, are others" if moved else ""


def _read(row: ComparisonRow) -> tuple[object, ...]:
    """Return what of a published number its residual depends on."""
    return row.observed, row.lower, row.upper, row.interval_status, row.scan_observed


def _check_designs(first: FittedRun, other: FittedRun) -> str:
    """Compare the patients, scans and follow-up of arms of fitted studies: the numbers at risk make standard errors."""
    studies = {place.study for place in name_rows(first.fit.targets)}
    arms = [{f"{arm.study}:{arm.arm}": arm for arm in run.trial.arms if arm.study in studies} for run in (first, other)]
    moved = [name for name, arm in arms[0].items() if name in arms[1] and not _have_same_design(arm, arms[1][name])]
    return f"arms have other patients, scans or follow-up: {_list(moved)}" if moved else ""


def _have_same_design(one: ArmResult, two: ArmResult) -> bool:
    """Return whether two arms have as many patients, followed as long; scans beyond the shorter of the horizons do not count."""
    scans = zip(one.scan_months, two.scan_months, strict=False)
    periods = one.follow_up_pfs == two.follow_up_pfs or None in (one.follow_up_pfs, two.follow_up_pfs)
    known = (one.n, one.follow_up_os, one.follow_up_ttp) == (two.n, two.follow_up_os, two.follow_up_ttp)
    return known and periods and all(math.isclose(month, again, rel_tol=_SAME) for month, again in scans)


def _check_errors(first: FittedRun, other: FittedRun) -> str:
    """Compare what standard errors come from, and where residuals give them back themselves.

    The error of what is normal in ln is (ln predicted - ln observed)/residual.
    """
    rows = [name_rows(run.fit.targets) for run in (first, other)]
    otherwise = [str(place) for place in rows[0] if not _have_same_basis(rows[0][place], rows[1][place])]
    if otherwise:
        return f"standard errors of fitted numbers come from other patients or by another rule: {_list(otherwise)}"
    errors = [{place: error for place, row in own.items() if (error := _find_error(row)) is not None} for own in rows]
    shared = [place for place in errors[0] if place in errors[1]]
    moved = [str(place) for place in shared if not math.isclose(errors[0][place], errors[1][place], rel_tol=_SAME)]
    return f"fitted numbers have other standard errors: {_list(moved)}" if moved else ""


def _have_same_basis(one: ComparisonRow, two: ComparisonRow) -> bool:
    """Return whether two errors come from the same; what results from before do not tell stands in no way."""
    if one.n is None or two.n is None:
        return one.measured_error == two.measured_error
    return (one.n, one.error_rule, one.measured_error) == (two.n, two.error_rule, two.measured_error)


def _find_error(row: ComparisonRow) -> float | None:
    in_ln = row.statistic == "hazard_ratio" or (row.statistic == "median" and row.endpoint == "os")
    if not in_ln or row.predicted is None or row.observed is None or row.residual is None or abs(row.residual) < _SMALLEST:
        return None
    return (math.log(row.predicted) - math.log(row.observed)) / row.residual


def _list(names: Iterable[str]) -> str:
    """Return names for a message, the first few of many."""
    known = list(names)
    rest = f" and {len(known) - _NAMED} more" if len(known) > _NAMED else ""
    return f"{', '.join(known[:_NAMED])}{rest}"
