"""Hazard ratios over draws: in the population, in one trial, below a bound, significant, and in trials of other sizes.

Start with `summarise_ratios` and `plan_sizes`.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kinimmune.fitting.prediction.analyses import DrawnRatio, scale_ratio
from kinimmune.fitting.prediction.mixtures import exponentiate, normal_quantiles
from kinimmune.fitting.prediction.outcome import DrawnTrial, list_ratio_draws
from kinimmune.fitting.prediction.plan import PlannedPrediction
from kinimmune.fitting.prediction.results import BelowRow, RatioRow, SizeRow
from kinimmune.fitting.prediction.shares import RatioPlace, VarianceShares
from kinimmune.fitting.prediction.spending import AnalysisPlan, find_crossing
from kinimmune.fitting.prediction.success import Chance, find_assurance, find_below
from kinimmune.fitting.prediction.summary import find_interval
from kinimmune.fitting.prediction.trials import Contrast
from kinimmune.models.arrays import Array
from kinimmune.models.trial.design import Trial


def summarise_ratios(draws: Sequence[DrawnTrial], plan: PlannedPrediction, effective: float) -> tuple[RatioRow, ...]:
    """Return what draws say of every pair of arms and endpoint.

    Parameters
    ----------
    draws
        that could be computed, at least one
    plan
        bounds, assumed ratio and analyses
    effective
        independent draws that all of them count for
    """
    return tuple(_summarise(draws, pair, endpoint, plan, effective) for pair, endpoint in draws[0].ratios)


def _summarise(draws: Sequence[DrawnTrial], pair: Contrast, endpoint: str, plan: PlannedPrediction, effective: float) -> RatioRow:
    found = tuple(list_ratio_draws(draws, pair, endpoint))
    names = (pair.study, pair.arm, pair.reference, endpoint, len(draws) - len(found))
    if not found:
        reason = next(str(draw.ratios[pair, endpoint]) for draw in draws)
        return RatioRow(*names, reason)
    logs, errors = np.array([(item.log_ratio, item.error) for item in found]).T
    size = effective * len(found) / len(draws)
    low, high = normal_quantiles(logs, errors)
    success = find_chances(found, plan.analyses, plan.request.assume_ratio, size)[-1]
    return RatioRow(
        *names,
        "",
        *find_interval(np.exp(logs)),
        exponentiate(low),
        exponentiate(high),
        float(np.median(errors)),
        find_events(found)[0],
        tuple(_list_below(logs, errors, plan.request.below, size)),
        success.assurance.probability,
        success.assurance.error,
        assume_ratio(found, plan.request.assume_ratio),
        success.power,
    )


def add_shares(rows: Sequence[RatioRow], shares: Mapping[RatioPlace, VarianceShares]) -> tuple[RatioRow, ...]:
    """Return hazard ratios with what their variance rests on, where that is known."""
    found = [(row, shares.get((row.study, row.arm, row.reference_arm, row.endpoint))) for row in rows]
    return tuple(row if of is None else _add_share(row, of) for row, of in found)


def _add_share(row: RatioRow, of: VarianceShares) -> RatioRow:
    return replace(row, log_sd=of.sd, data_share=of.data, prior_share=of.priors, constant_share=of.constants)


@dataclass(frozen=True)
class Success:
    """How probable a success is up to an analysis."""

    assurance: Chance
    """Over the draws."""
    power: float
    """At the hazard ratio that is assumed."""


def find_chances(found: Sequence[DrawnRatio], analyses: AnalysisPlan, asked: float | None, size: float) -> tuple[Success, ...]:
    """Return how probable a success is up to each analysis.

    The information of the test at the ratio assumed is the median over the draws, whatever the ratio: as in Schoenfeld's formula
    it does not change the number of events; and hazards are proportional, so that the mean of the statistic rises with the root
    of the events.

    Parameters
    ----------
    found
        ratios of the draws that have one, with the looks of the analyses
    analyses
        when the test is made
    asked
        hazard ratio that is assumed, None for the median over the draws
    size
        independent draws that they count for
    """
    means = np.array([[*(-look.mean for look in item.looks), -item.log_ratio / item.test_error] for item in found])
    error = 1.0 / math.sqrt(float(np.median([item.test_error**-2.0 for item in found])))
    assumed = -math.log(assume_ratio(found, asked)) / error * np.sqrt(np.array(analyses.fractions))
    powers = find_crossing(analyses, assumed[None, :])[0].tolist()
    chances = find_assurance(means, analyses, size)
    return tuple(Success(chance, power) for chance, power in zip(chances, powers, strict=True))


def assume_ratio(found: Sequence[DrawnRatio], asked: float | None) -> float:
    """Return the hazard ratio that is assumed: as asked for, else the median over the draws."""
    logs = [item.log_ratio for item in found]
    return asked or float(np.exp(np.quantile(logs, 0.5, method="inverted_cdf")))


def _list_below(logs: Array, errors: Array, bounds: Sequence[float], size: float) -> Iterator[BelowRow]:
    for bound in bounds:
        known, reported = find_below(logs, errors, bound, size)
        yield BelowRow(bound, known.probability, known.error, reported.probability, reported.error)


def plan_sizes(draws: Sequence[DrawnTrial], plan: PlannedPrediction, effective: float) -> tuple[SizeRow, ...]:
    """Return assurance, power and events of trials of the sizes asked for.

    A trial of another size is randomised in the same proportions, accrued over the same period and followed as long: information
    and events are proportional to its patients, so nothing is simulated anew.  Arguments as of `summarise_ratios`.
    """
    rows = []
    for pair, endpoint in draws[0].ratios:
        found = tuple(list_ratio_draws(draws, pair, endpoint))
        total = count_patients(plan.problem.trial(pair.study))
        for size in plan.request.sizes if found else ():
            scaled = [scale_ratio(item, size / total) for item in found]
            counted = effective * len(found) / len(draws)
            success = find_chances(scaled, plan.analyses, plan.request.assume_ratio, counted)[-1]
            names = (pair.study, pair.arm, pair.reference, endpoint, size)
            assurance = success.assurance
            rows.append(SizeRow(*names, assurance.probability, assurance.error, success.power, *find_events(scaled)))
    return tuple(rows)


def count_patients(trial: Trial) -> int:
    """Return the patients of all predicted arms of a trial."""
    return sum(arm.n for arm in trial.arms)


def find_events(found: Sequence[DrawnRatio]) -> tuple[float, float, float]:
    """Return the median of the expected events of both arms, and between what they lie with 95 % probability."""
    middle, low, high = np.quantile([item.events for item in found], (0.5, 0.025, 0.975), method="inverted_cdf").tolist()
    return middle, low, high
