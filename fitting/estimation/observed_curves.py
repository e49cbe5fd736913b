"""Published curves and patients as a report draws them beside the virtual trial.

Start with `describe_observed`.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.stats import CensoredData, ecdf

from kinimmune.fitting.estimation.outcome_rows import ObservedRow
from kinimmune.fitting.problem.targets import Target
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.published import PatientTimes, PublishedCurve


def describe_observed(targets: Iterable[Target], risk_months: Sequence[float]) -> tuple[ObservedRow, ...]:
    """Return the curves of targets that are curves or patients, with their numbers at risk.

    Parameters
    ----------
    targets
        of any kind
    risk_months
        times [month] at which patients at risk are counted; of a curve read off a figure those of its own table are kept
    """
    rows = []
    for target in targets:
        if isinstance(target.published, PublishedCurve):
            rows.append(_describe_curve(target, target.published))
        elif isinstance(target.published, PatientTimes):
            rows.append(_describe_patients(target, target.published, risk_months))
    return tuple(rows)


def _describe_curve(target: Target, curve: PublishedCurve) -> ObservedRow:
    months = tuple(map(float, curve.time / DAYS_PER_MONTH))
    survival, counts = tuple(map(float, curve.survival)), tuple(map(float, curve.at_risk))
    place = (curve.study, curve.arm, str(curve.endpoint), str(target.statistic), str(target.role))
    return ObservedRow(*place, months, survival, months, counts)


def _describe_patients(target: Target, patients: PatientTimes, risk_months: Sequence[float]) -> ObservedRow:
    """Return the product-limit curve of patients; an event seen at a visit counts on its day, as reports have it."""
    known = CensoredData(uncensored=patients.time[patients.event], right=patients.time[~patients.event])
    curve = ecdf(known).sf
    months = np.concatenate([[0.0], curve.quantiles / DAYS_PER_MONTH])
    survival = np.concatenate([[1.0], curve.probabilities])
    counts = [float((patients.time >= month * DAYS_PER_MONTH).sum()) for month in risk_months]
    place = (patients.study, patients.arm, str(patients.endpoint), str(target.statistic), str(target.role))
    return ObservedRow(*place, tuple(map(float, months)), tuple(map(float, survival)), tuple(risk_months), tuple(counts))
