"""What draws say together: numbers of arms with their intervals, curves with bands, patients at risk, events by calendar time.

Start with `summarise_arms`; hazard ratios are in `kinimmune.fitting.prediction.ratios`.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.prediction.calendar import count_entered
from kinimmune.fitting.prediction.mixtures import (
    LARGEST,
    LEVELS,
    binomial_quantiles,
    exponentiate,
    normal_quantiles,
    step_quantiles,
)
from kinimmune.fitting.prediction.outcome import (
    DrawnTrial,
    NumberPlace,
    calendar_months,
    list_endpoints_of,
    risk_months,
)
from kinimmune.fitting.prediction.results import CalendarRow, CurveRow, NumberRow, RiskRow
from kinimmune.fitting.problem.problem import FitProblem
from kinimmune.fitting.problem.targets import COUNTS, UNITS, Statistic
from kinimmune.models.arrays import Array
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.design import Endpoint

CERTAIN = 1e-9
"""Shares nearer to 0 or 1 count as that near where a logarithm is taken."""
Ends = tuple[float | None, float | None]


@dataclass(frozen=True)
class ArmSummaries:
    """What is told of arms and studies."""

    numbers: tuple[NumberRow, ...]
    at_risk: tuple[RiskRow, ...]
    calendar: tuple[CalendarRow, ...]
    curves: tuple[CurveRow, ...]


def summarise_arms(problem: FitProblem, draws: Sequence[DrawnTrial]) -> ArmSummaries:
    """Return what draws say of every arm and study of a problem."""
    curves = []
    for study, arm, endpoint in draws[0].curves:
        found = [draw.curves[study, arm, endpoint] for draw in draws]
        months = tuple(found[0].months.tolist())
        curves.append(CurveRow(study, arm, endpoint, months, *find_band(np.array([item.survival for item in found]))))
    return ArmSummaries(
        numbers=tuple(_summarise(problem, draws, place) for place in draws[0].numbers),
        at_risk=tuple(_list_at_risk(problem, draws)),
        calendar=tuple(_list_calendar(problem, draws)),
        curves=tuple(curves),
    )


def find_band(values: Array) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """Return the pointwise median, 2.5 and 97.5 % quantiles of draws, shape (k, r); quantiles are values of draws."""
    rows = np.quantile(values, (0.5, *LEVELS), axis=0, method="inverted_cdf")
    middle, low, high = (tuple(map(float, row)) for row in rows)
    return middle, low, high


def find_interval(values: Array) -> tuple[float | None, float | None, float | None]:
    """Return the median, 2.5 and 97.5 % quantiles of draws, shape (k,), None for infinity; quantiles are values of draws."""
    found = np.quantile(values, (0.5, *LEVELS), method="inverted_cdf").tolist()
    middle, low, high = (value if math.isfinite(value) else None for value in found)
    return middle, low, high


def _summarise(problem: FitProblem, draws: Sequence[DrawnTrial], place: NumberPlace) -> NumberRow:
    n = problem.trial(place.study).arm(place.arm).n
    values = np.array([draw.numbers[place].value for draw in draws])
    errors = np.array([draw.numbers[place].error for draw in draws])
    statistic = Statistic(place.statistic)
    return NumberRow(
        place.study,
        place.arm,
        n,
        place.endpoint or None,
        place.statistic,
        None if math.isnan(place.month) else place.month,
        UNITS.get(statistic, "1"),
        *find_interval(values),
        *_find_trial(draws, place, values, errors, n),
    )


def _find_trial(draws: Sequence[DrawnTrial], place: NumberPlace, values: Array, errors: Array, n: int) -> Ends:
    """Return between what one trial of n patients reports the number: normal on a scale, a count, or a curve that passes 1/2."""
    if place.statistic == Statistic.MEDIAN and place.endpoint != Endpoint.OS:
        found = [draw.curves[place.study, place.arm, place.endpoint] for draw in draws]
        survival, spread = (np.array([getattr(item, name) for item in found]) for name in ("survival", "error"))
        return step_quantiles(found[0].months, survival, spread)
    if place.statistic == Statistic.MEDIAN:
        seen = np.isfinite(errors)  # beyond the curve no trial reports one
        low, high = normal_quantiles(np.where(seen, np.log(values), math.inf), np.where(seen, errors, 0.0))
        return exponentiate(low), exponentiate(high)
    if place.statistic == Statistic.SURVIVAL:
        kept = np.clip(values, CERTAIN, 1.0 - CERTAIN)
        low, high = normal_quantiles(-np.log(-np.log(kept)), errors)
        return _to_share(low), _to_share(high)
    if Statistic(place.statistic) in COUNTS:
        return binomial_quantiles(values / n, n)
    few, many = binomial_quantiles(values, n)
    return few / n, many / n


def _to_share(score: float | None) -> float | None:
    return None if score is None else math.exp(-math.exp(min(-score, LARGEST)))


def _list_at_risk(problem: FitProblem, draws: Sequence[DrawnTrial]) -> Iterator[RiskRow]:
    for study, arm, endpoint in draws[0].at_risk:
        months = risk_months(problem.trial(study), Endpoint(endpoint))
        middle = np.median([draw.at_risk[study, arm, endpoint] for draw in draws], axis=0)
        yield RiskRow(study, arm, endpoint, tuple(months.tolist()), tuple(middle.tolist()))


def _list_calendar(problem: FitProblem, draws: Sequence[DrawnTrial]) -> Iterator[CalendarRow]:
    for trial in problem.trials:
        n = sum(arm.n for arm in trial.arms)
        for endpoint in list_endpoints_of(problem, trial):
            months = calendar_months(trial, endpoint)
            entered = count_entered(n, trial.follow_up[endpoint], months * DAYS_PER_MONTH)
            band = find_band(np.array([draw.calendar[trial.study, str(endpoint)] for draw in draws]))
            yield CalendarRow(trial.study, str(endpoint), tuple(months.tolist()), tuple(entered.tolist()), *band)
