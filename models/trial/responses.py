"""What becomes of responses: disease control, and how long responses last.

Start with `disease_control` and `duration_of_response`; `ArmOutcome.responded` is the share with a confirmed response.
"""

import numpy as np

from kinimmune.models.trial.progression_free import scan_places
from kinimmune.models.trial.step_curve import StepCurve
from kinimmune.models.trial.virtual_trial import ArmOutcome

FEWEST_RESPONDERS = 8.0
"""Virtual patients in response without whom the duration of response is not told."""


def disease_control(outcome: ArmOutcome) -> float:
    """Return the probability of disease control: alive at the first scan, which shows no progression.

    Those are the patients whose best response is partial or complete response or stable disease; who dies before the first scan
    is not controlled.  It does not ask that stable disease lasts beyond that scan.
    """
    return float(outcome.unprogressed[scan_places(outcome)[0]])


def duration_of_response(outcome: ArmOutcome) -> StepCurve | None:
    """Return the curve of the duration of confirmed responses, None with fewer than `FEWEST_RESPONDERS` virtual responders.

    From the first of the two scans that show the response to progression or death.
    """
    held, before, after = outcome.responding
    known = np.cumprod(held > 0.0) > 0.0
    if outcome.responded * outcome.patients < FEWEST_RESPONDERS or known.sum() < 2:
        return None
    held, before, after = held[known][1:], before[known][1:], after[known][1:]
    steps = np.flatnonzero(after < before)
    kept = np.cumprod(after / held)
    nearly = np.concatenate([[1.0], kept[:-1]]) * (before / held)
    time = outcome.grid[known][1:]
    at_scan = np.insert(np.zeros(time.size, dtype=bool), steps + 1, np.ones(steps.size, dtype=bool))
    return StepCurve(np.insert(time, steps + 1, time[steps]), np.insert(nearly, steps + 1, kept[steps]), at_scan)
