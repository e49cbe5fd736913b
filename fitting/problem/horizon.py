"""How far the curves of a fit and of its report reach.

Start with `find_horizon`, of one target; `kinimmune.fitting.problem.problem.widen` reaches over everything a report shows.
"""

from collections.abc import Sequence

from kinimmune.fitting.problem.targets import Statistic, Target
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.design import Trial
from kinimmune.models.trial.published import PatientTimes, PublishedCurve

REPORT_MONTHS = 24.0
"""Horizon of printed curves [month]."""
FEWEST_SCANS = 4
"""Scans that the curves of a fit reach over where only responses are fitted."""
HORIZON_FACTOR = 1.5
"""Horizon of a fit over the longest published median; a median beyond it is extrapolated at the last hazard."""


def find_horizon(target: Target, trials: Sequence[Trial]) -> float:
    """Return how far [d] the curves of a fit must reach for a target: half as far again as a median, and over its follow-up."""
    trial = next(item for item in trials if item.study == target.study)
    if target.statistic is Statistic.MEDIAN:
        return target.number * HORIZON_FACTOR * DAYS_PER_MONTH
    if isinstance(target.published, PublishedCurve | PatientTimes):
        return float(target.published.time.max())
    if target.endpoint is None:
        return trial.scan_interval * FEWEST_SCANS
    if target.month is not None:
        return target.month * DAYS_PER_MONTH
    factor = HORIZON_FACTOR if target.statistic is Statistic.CUTOFF else 1.0
    return factor * trial.follow_up[target.endpoint].longest
