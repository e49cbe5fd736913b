"""Hazard ratios over draws: in the population, in one trial, below a bound, significant, and in trials of other sizes.

Start with `summarise_ratios` and `plan_sizes`.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from kinimmune.fitting.prediction.mixtures import exponentiate, normal_quantiles
from kinimmune.fitting.prediction.outcome import DrawnRatio, DrawnTrial, list_ratio_draws, scale_ratio
from kinimmune.fitting.prediction.request import PredictionRequest
from kinimmune.fitting.prediction.results import BelowRow, RatioRow, SizeRow
from kinimmune.fitting.prediction.shares import RatioPlace, VarianceShares
from kinimmune.fitting.prediction.success import find_assurance, find_below, find_success
from kinimmune.fitting.prediction.summary import find_interval
from kinimmune.fitting.prediction.trials import Contrast
from kinimmune.models.arrays import Array
from kinimmune.models.trial.design import Trial


def summarise_ratios(draws: Sequence[DrawnTrial], request: PredictionRequest, effective: float) -> tuple[RatioRow, ...]:
    """Return what draws say of every pair of arms and endpoint.

    Parameters
    ----------
    draws
        that could be computed, at least one
    request
        bounds, level and assumed ratio
    effective
        independent draws that all of them count for
    """
    return tuple(_summarise(draws, pair, endpoint, request, effective) for pair, endpoint in draws[0].ratios)


def _summarise(
    draws: Sequence[DrawnTrial], pair: Contrast, endpoint: str, request: PredictionRequest, effective: float
) -> RatioRow:
    found = tuple(list_ratio_draws(draws, pair, endpoint))
    names = (pair.study, pair.arm, pair.reference, endpoint, len(draws) - len(found))
    if not found:
        reason = next(str(draw.ratios[pair, endpoint]) for draw in draws)
        return RatioRow(*names, reason)
    logs, errors, tests, events = _columns(found)
    size = effective * len(found) / len(draws)
    low, high = normal_quantiles(logs, errors)
    assurance = find_assurance(logs, tests, request.alpha, size)
    assumed, power = find_power(found, request)
    return RatioRow(
        *names,
        "",
        *find_interval(np.exp(logs)),
        exponentiate(low),
        exponentiate(high),
        float(np.median(errors)),
        float(np.median(events)),
        tuple(_list_below(logs, errors, request.below, size)),
        assurance.probability,
        assurance.error,
        assumed,
        power,
    )


def _columns(found: Sequence[DrawnRatio]) -> tuple[Array, Array, Array, Array]:
    rows = np.array([(item.log_ratio, item.error, item.test_error, item.events) for item in found])
    logs, errors, tests, events = rows.T
    return logs, errors, tests, events


def add_shares(rows: Sequence[RatioRow], shares: Mapping[RatioPlace, VarianceShares]) -> tuple[RatioRow, ...]:
    """Return hazard ratios with what their variance rests on, where that is known."""
    found = [(row, shares.get((row.study, row.arm, row.reference_arm, row.endpoint))) for row in rows]
    return tuple(
        row if of is None else replace(row, log_sd=of.sd, data_share=of.data, prior_share=of.priors) for row, of in found
    )


def find_power(found: Sequence[DrawnRatio], request: PredictionRequest) -> tuple[float, float]:
    """Return the hazard ratio that is assumed, and the power of the test there.

    The information of the test is the median over the draws, whatever ratio is assumed: as in Schoenfeld's formula the ratio does
    not change the number of events.
    """
    logs, _, tests, _ = _columns(found)
    assumed = request.assume_ratio or float(np.exp(np.quantile(logs, 0.5, method="inverted_cdf")))
    error = 1.0 / math.sqrt(float(np.median(tests**-2.0)))
    return assumed, float(find_success(math.log(assumed), error, request.alpha))


def _list_below(logs: Array, errors: Array, bounds: Sequence[float], size: float) -> Iterator[BelowRow]:
    for bound in bounds:
        known, reported = find_below(logs, errors, bound, size)
        yield BelowRow(bound, known.probability, known.error, reported.probability, reported.error)


def plan_sizes(
    trials: Sequence[Trial], draws: Sequence[DrawnTrial], request: PredictionRequest, effective: float
) -> tuple[SizeRow, ...]:
    """Return assurance, power and events of trials of the sizes asked for.

    A trial of another size is randomised in the same proportions, accrued over the same period and followed as long: information
    and events are proportional to its patients, so nothing is simulated anew.  Arguments as of `summarise_ratios`.
    """
    total = {trial.study: sum(arm.n for arm in trial.arms) for trial in trials}
    rows = []
    for pair, endpoint in draws[0].ratios:
        found = tuple(list_ratio_draws(draws, pair, endpoint))
        for size in request.sizes if found else ():
            scaled = [scale_ratio(item, size / total[pair.study]) for item in found]
            rows.append(_plan_size(scaled, pair, endpoint, size, request, effective * len(found) / len(draws)))
    return tuple(rows)


def _plan_size(
    scaled: Sequence[DrawnRatio], pair: Contrast, endpoint: str, size: int, request: PredictionRequest, effective: float
) -> SizeRow:
    logs, _, tests, events = _columns(scaled)
    assurance = find_assurance(logs, tests, request.alpha, effective)
    middle, low, high = np.quantile(events, (0.5, 0.025, 0.975), method="inverted_cdf").tolist()
    power = find_power(scaled, request)[1]
    names = (pair.study, pair.arm, pair.reference, endpoint, size)
    return SizeRow(*names, assurance.probability, assurance.error, power, middle, low, high)
