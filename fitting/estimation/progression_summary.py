"""Progression-free survival and responses of an arm, in the numbers a report draws.

Start with `add_pfs` and `describe_response`.
"""

from dataclasses import replace

import numpy as np

from kinimmune.fitting.estimation.outcome_rows import ResponseRow
from kinimmune.fitting.estimation.trial_results import ArmResult
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.follow_up import FollowUp
from kinimmune.models.trial.progression_free import progression_free_survival
from kinimmune.models.trial.responses import disease_control, duration_of_response
from kinimmune.models.trial.virtual_trial import ArmOutcome

RATE_MONTHS = 6.0
"""[month] of the rate that is printed."""


def add_pfs(described: ArmResult, outcome: ArmOutcome, follow_up: FollowUp) -> ArmResult:
    """Return an arm with its progression-free survival, its disease control and the duration of its responses.

    Parameters
    ----------
    described
        the arm without
    outcome
        of the virtual trial
    follow_up
        for PFS
    """
    curve = progression_free_survival(outcome)
    risk = np.array(described.risk_months) * DAYS_PER_MONTH
    at_risk = described.n * follow_up.uncensored(risk) * curve.at(risk)
    return replace(
        described,
        pfs_months=tuple(map(float, (0.0, *(curve.time / DAYS_PER_MONTH)))),
        pfs_survival=tuple(map(float, (1.0, *curve.survival))),
        follow_up_pfs=(follow_up.shortest / DAYS_PER_MONTH, follow_up.longest / DAYS_PER_MONTH),
        at_risk_pfs=tuple(map(float, at_risk)),
        disease_control=disease_control(outcome),
        response_duration=median_response(outcome),
        pfs_6=float(curve.at(np.array([RATE_MONTHS * DAYS_PER_MONTH]))[0]),
    )


def describe_response(study: str, arm: str, outcome: ArmOutcome, *, progresses: bool) -> ResponseRow:
    """Return the responses of an arm; disease control only where progression can be seen."""
    control = disease_control(outcome) if progresses else None
    return ResponseRow(study, arm, outcome.responded, control, median_response(outcome))


def median_response(outcome: ArmOutcome) -> float | None:
    """Return the median duration of confirmed responses [month], None where there is none."""
    curve = duration_of_response(outcome)
    median = None if curve is None else curve.median()
    return None if median is None else median / DAYS_PER_MONTH
