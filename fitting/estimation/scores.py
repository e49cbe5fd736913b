"""The score Q of hazard ratios, and which of the published ones it is of.

Start with `list_scored` and `score`.  What stands beside Q is told in `kinimmune.fitting.estimation.score_summary`.
"""

import math
from collections.abc import Collection, Sequence

from kinimmune.fitting.estimation.results import ComparisonRow
from kinimmune.fitting.problem.targets import Statistic, Target, can_predict
from kinimmune.models.trial.design import Endpoint


def list_scored(published: Sequence[Target], studies: Collection[str], endpoints: Sequence[Endpoint]) -> tuple[Target, ...]:
    """Return the hazard ratios that Q is of, fitted or not: those a model has, whose interval was read in a source."""
    return tuple(
        item
        for item in published
        if item.statistic is Statistic.HAZARD_RATIO
        and item.study in studies
        and item.printed_log_error is not None
        and can_predict(item, endpoints)
    )


def score(rows: Sequence[ComparisonRow], targets: Sequence[Target], null: bool) -> float | None:
    """Return Q, the sum over hazard ratios of ((ln predicted - ln reported) / se)^2, of the model or of the null.

    None when a prediction is missing or no hazard ratio was published with an interval.

    Parameters
    ----------
    rows
        from `compare`; those of medians do not count
    targets
        of the rows, in their order
    null
        whether it is that of the null
    """
    total, count = 0.0, 0
    for row, target in zip(rows, targets, strict=True):
        if target.statistic is not Statistic.HAZARD_RATIO:
            continue
        value = row.null_prediction if null else row.predicted
        if target.printed_log_error is None:
            continue
        if value is None:
            return None
        total += ((math.log(value) - math.log(target.number)) / target.printed_log_error) ** 2
        count += 1
    return total if count else None
