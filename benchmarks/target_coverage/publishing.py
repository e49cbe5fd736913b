"""What a drawn trial publishes: all its statistics with their 95 % intervals, curves read off figures, or its patients.

Start with `PUBLISH`, a function for each kind.  None stands for a trial that lacks one of the numbers.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import product

import numpy as np

from kinimmune.fitting.estimation.drawn_trials import DrawnArm, DrawnTrial
from kinimmune.fitting.estimation.printed_numbers import print_number, read_figure
from kinimmune.fitting.problem.problem import FitProblem
from kinimmune.fitting.problem.targets import Role, Statistic, Target
from kinimmune.models.arrays import NORMAL_95, Array
from kinimmune.models.symbolic.parameters import Source, Status
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.design import Endpoint, ErrorRule, Trial
from kinimmune.models.trial.observed import ProductLimit, cox_ratio
from kinimmune.models.trial.published import PatientTimes, PublishedCurve

Drawn = Mapping[str, DrawnTrial]
"""Study -> its drawn trial."""
Published = tuple[Target, ...] | None

ORIGIN = Source("drawn", "", Status.REPORTED)
MONTHS = (6.0, 12.0)
"""Months of which survival is published."""
READING_ERROR = 0.005
TABLE = 3.0
"""Months between the times of a risk table."""
FEWEST_AT_RISK = 5
"""Patients at risk without whom a figure is not read any further."""
FRONT = (Endpoint.OS, Endpoint.TTP)


def publish_statistics(problem: FitProblem, drawn: Drawn, errors: ErrorRule | None, _: np.random.Generator) -> Published:
    """Return medians, ratios, survival at two months, response and control rates, and deaths."""
    found = []
    for trial in problem.trials:
        for target in _list_statistics(trial):
            value = print_number(target, drawn[trial.study])
            if not math.isfinite(value):
                return None
            found.append(_with_value(target, value, drawn[trial.study], errors))
    return tuple(found)


def publish_curves(problem: FitProblem, drawn: Drawn, _: ErrorRule | None, generator: np.random.Generator) -> Published:
    """Return curves of OS and TTP of every arm, read with an error at the times of three-monthly risk tables."""
    found = []
    for study, arm, endpoint in _places(problem):
        curve = _read_curve(problem, drawn[study][arm], (study, arm, endpoint), generator)
        if curve is None:
            return None
        found.append(_make(Statistic.CURVE, study, arm, endpoint, drawn[study][arm].n, published=curve))
    return tuple(found)


def publish_patients(problem: FitProblem, drawn: Drawn, _: ErrorRule | None, __: np.random.Generator) -> Published:
    """Return the patients of every arm, OS and TTP; progression lies between two visits of each."""
    found = []
    for study, arm, endpoint in _places(problem):
        patients = _list_patients(problem.trial(study), drawn[study][arm], (study, arm, endpoint))
        if not patients.event.any():
            return None
        found.append(_make(Statistic.PATIENTS, study, arm, endpoint, drawn[study][arm].n, published=patients))
    return tuple(found)


Publisher = Callable[[FitProblem, Drawn, ErrorRule | None, np.random.Generator], Published]
PUBLISH: Mapping[str, Publisher] = {
    "statistics": publish_statistics,
    "curves": publish_curves,
    "patients": publish_patients,
}


def _places(problem: FitProblem) -> Iterator[tuple[str, str, Endpoint]]:
    for (study, arm), endpoint in product(problem.arms, FRONT):
        yield study, arm, endpoint


def _make(statistic: Statistic, study: str, arm: str | None, endpoint: Endpoint | None, n: int, **given: object) -> Target:
    unit = "month" if statistic is Statistic.MEDIAN else "1"
    usual: dict[str, object] = {"value": None, "lower": None, "upper": None, "interval_source": None}
    fields = {**usual, **given, "n": n, "unit": unit, "role": Role.FIT, "value_source": ORIGIN}
    return Target(study, arm, endpoint, statistic, **fields)  # type: ignore[arg-type]


def _list_statistics(trial: Trial) -> Iterator[Target]:
    """Yield targets with numbers that stand in for those to be printed."""
    for arm, endpoint in product(trial.arms, FRONT):
        yield _make(Statistic.MEDIAN, trial.study, arm.name, endpoint, arm.n, value=1.0)
    for endpoint in FRONT:
        yield _make(Statistic.HAZARD_RATIO, trial.study, None, endpoint, sum(arm.n for arm in trial.arms), value=1.0)
    for arm in trial.arms:
        for month in MONTHS:
            yield _make(Statistic.SURVIVAL, trial.study, arm.name, Endpoint.OS, arm.n, value=0.5, month=month)
        for rate in (Statistic.RESPONSE_RATE, Statistic.CONTROL_RATE):
            yield _make(rate, trial.study, arm.name, None, arm.n, value=0.5)
        yield _make(Statistic.DEATHS, trial.study, arm.name, Endpoint.OS, arm.n, value=1.0)


def _with_value(target: Target, value: float, drawn: DrawnTrial, errors: ErrorRule | None) -> Target:
    """Return a target with its number and the interval a paper prints, where that has two ends about it."""
    ends = _find_interval(target, drawn)
    fields = {"value": value, "month": target.month, "errors": errors}
    if ends is not None and 0.0 < ends[0] <= value <= ends[1] and math.isfinite(ends[1]) and ends[0] < ends[1]:
        fields |= {"lower": ends[0], "upper": ends[1], "interval_source": ORIGIN}
    return _make(target.statistic, target.study, target.arm, target.endpoint, target.n, **fields)


def _find_interval(target: Target, drawn: DrawnTrial) -> tuple[float, float] | None:
    if target.statistic is Statistic.HAZARD_RATIO:
        trial = next(iter(drawn.values())).trial
        found = cox_ratio(*(drawn[arm.name].observe(target.place) for arm in trial.contrast(target.arm)))
        return tuple(math.exp(found.log_ratio + side * NORMAL_95 * found.error) for side in (-1.0, 1.0))  # type: ignore[return-value]
    if target.statistic not in (Statistic.MEDIAN, Statistic.SURVIVAL):
        return None
    curve = drawn[target.arm or ""].estimate(target.place)
    lower, upper = (_shift(curve, side) for side in (1.0, -1.0))
    if target.statistic is Statistic.MEDIAN:
        return _cross(curve.time, lower), _cross(curve.time, upper)
    place = int(np.searchsorted(curve.time, (target.month or 0.0) * DAYS_PER_MONTH, side="right")) - 1
    return (float(lower[place]), float(upper[place])) if place >= 0 else None


def _shift(curve: ProductLimit, side: float) -> Array:
    """Return an end of the pointwise interval of a curve on the scale of ln(-ln S) (Brookmeyer and Crowley for its median)."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.nan_to_num(curve.survival ** np.exp(side * NORMAL_95 * curve.errors()), nan=0.0)


def _cross(time: Array, survival: Array) -> float:
    below = survival <= 0.5
    return round(float(time[np.argmax(below)]) / DAYS_PER_MONTH, 1) if below.any() else math.inf


def _read_curve(
    problem: FitProblem, arm: DrawnArm, place: tuple[str, str, Endpoint], generator: np.random.Generator
) -> PublishedCurve | None:
    """Return a curve at the times of its risk table, as long as patients are at risk; None without an event or a second time."""
    time, event = arm.observe(place[2], at_visits=True)
    months = np.arange(0.0, problem.trial(place[0]).follow_up[place[2]].longest / DAYS_PER_MONTH, TABLE)
    days = months * DAYS_PER_MONTH
    days = days[(time[None, :] >= days[:, None]).sum(axis=1) >= FEWEST_AT_RISK]
    exact = np.array([1.0, *([0.5] * (days.size - 1))])
    errors = np.where(days > 0.0, READING_ERROR, 0.0)
    if days.size < 2:
        return None
    pattern = PublishedCurve(*place, days, exact, np.full(days.size, float(arm.n)), errors)
    survival, at_risk = read_figure(time, event, pattern, generator)
    if survival[-1] == 1.0:
        return None
    return PublishedCurve(*place, days, survival, at_risk, errors)


def _list_patients(trial: Trial, arm: DrawnArm, place: tuple[str, str, Endpoint]) -> PatientTimes:
    """Return patients with the visit before the one that showed progression; who has none ends with the last visit without it."""
    time, event = arm.observe(place[2], at_visits=True)
    if place[2] is Endpoint.OS:
        return PatientTimes(*place, np.maximum(time, 0.5), event, np.full(time.size, math.nan))
    before = np.where(event, np.maximum(time - trial.scan_interval, 0.0), math.nan)
    seen = np.where(event, time, np.maximum(trial.scan_interval * np.floor(time / trial.scan_interval), 0.5))
    return PatientTimes(*place, seen, event, np.where(before < 0.5 * trial.scan_interval, 0.0, before))
