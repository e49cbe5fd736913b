"""When a trial is analysed: interim looks before its cut-off, and cut-offs on other days.

Start with `summarise_looks` and `summarise_cut_offs`.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.special import ndtr

from kinimmune.fitting.prediction.analyses import DrawnRatio
from kinimmune.fitting.prediction.calendar import count_entered
from kinimmune.fitting.prediction.outcome import DrawnTrial, list_ratio_draws
from kinimmune.fitting.prediction.plan import PlannedPrediction
from kinimmune.fitting.prediction.ratios import count_patients, find_chances, find_events
from kinimmune.fitting.prediction.results import CutOffRow, LookRow
from kinimmune.fitting.prediction.summary import find_interval
from kinimmune.fitting.prediction.trials import Contrast
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.design import Endpoint


def summarise_looks(draws: Sequence[DrawnTrial], plan: PlannedPrediction, effective: float) -> Iterator[LookRow]:
    """Yield the analyses of every pair of arms and endpoint; none where there is one alone.

    Parameters
    ----------
    draws
        that could be computed, at least one
    plan
        with its analyses
    effective
        independent draws that all of them count for
    """
    for pair, endpoint in draws[0].ratios if plan.analyses.interim else ():
        found = tuple(list_ratio_draws(draws, pair, endpoint))
        if found:
            yield from _list_looks(found, pair, endpoint, plan, effective * len(found) / len(draws))


def _list_looks(
    found: Sequence[DrawnRatio], pair: Contrast, endpoint: str, plan: PlannedPrediction, size: float
) -> Iterator[LookRow]:
    analyses, last = plan.analyses, plan.problem.trial(pair.study).follow_up[Endpoint(endpoint)].longest
    days = np.array([[*(look.day for look in item.looks), last] for item in found])
    months = np.quantile(days, (0.5, 0.025, 0.975), axis=0, method="inverted_cdf") / DAYS_PER_MONTH
    information = float(np.median([item.test_error**-2.0 for item in found]))
    events = find_events(found)[0]
    for place, success in enumerate(find_chances(found, analyses, plan.request.assume_ratio, size)):
        share, bound = analyses.fractions[place], analyses.bounds[place]
        middle, low, high = months[:, place].tolist()
        yield LookRow(
            study=pair.study,
            arm=pair.arm,
            reference_arm=pair.reference,
            endpoint=endpoint,
            look=place + 1,
            share=share,
            month=middle,
            month_lower=low,
            month_upper=high,
            events=share * events,
            z=bound,
            p=2.0 * float(ndtr(-bound)),
            ratio=math.exp(-bound / math.sqrt(share * information)),
            spent=analyses.levels[place],
            assurance=success.assurance.probability,
            assurance_error=success.assurance.error,
            power=success.power,
        )


def summarise_cut_offs(draws: Sequence[DrawnTrial], plan: PlannedPrediction, effective: float) -> Iterator[CutOffRow]:
    """Yield the test with the data cut off at the months asked for; arguments as of `summarise_looks`."""
    for pair, endpoint in draws[0].ratios:
        trial = plan.problem.trial(pair.study)
        for place, month in enumerate(plan.request.cut_offs):
            known = [draw.later[pair, endpoint][place] for draw in draws]
            found = [item for item in known if isinstance(item, DrawnRatio)]
            moment = np.array([month * DAYS_PER_MONTH])
            entered = float(count_entered(count_patients(trial), trial.follow_up[Endpoint(endpoint)], moment)[0])
            names = (pair.study, pair.arm, pair.reference, endpoint, month, entered, len(draws) - len(found))
            if not found:
                yield CutOffRow(*names, *[None] * 9)
                continue
            size = effective * len(found) / len(draws)
            success = find_chances(found, plan.analyses, plan.request.assume_ratio, size)[-1]
            interval = find_interval(np.exp([item.log_ratio for item in found]))
            chance = success.assurance
            yield CutOffRow(*names, *interval, chance.probability, chance.error, success.power, *find_events(found))
