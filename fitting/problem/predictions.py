"""Named predictions of a virtual trial, and the naive predictions they have to beat.

Start with `predictions`.  Names are those of the command line: `median:STUDY:ARM:ENDPOINT` and
`hazard_ratio:STUDY[:ARM]:ENDPOINT`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.problem.likelihood import scan_of
from kinimmune.fitting.problem.outputs import HazardRatioOutput, MedianOutput, list_ratios, read_output, read_published_output
from kinimmune.fitting.problem.problem import FitProblem, Outcomes, curve
from kinimmune.fitting.problem.targets import Statistic, Target
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.design import Endpoint, Trial
from kinimmune.models.trial.progression_free import progression_free_survival
from kinimmune.models.trial.survival import (
    TrialCurves,
    greenwood,
    hazard_ratio,
    log_ratio_error,
    median_scan,
    median_time,
    progression_free,
)
from kinimmune.models.trial.virtual_trial import ArmOutcome


def median_months(outcomes: Outcomes, study: str, arm: str, endpoint: Endpoint) -> float | None:
    """Return a predicted median [month]: of OS from the smooth curve, of TTP the scan at which the curve passes one half.

    Of PFS the first time at which the curve stands at one half or below, at a scan or between two.  None when a curve of TTP or
    PFS stays above one half to the horizon.
    """
    outcome = outcomes[study, arm]
    if endpoint is Endpoint.OS:
        return median_time(outcome.grid, outcome.survival) / DAYS_PER_MONTH
    if endpoint is Endpoint.PFS:
        median = progression_free_survival(outcome).median()
        return None if median is None else median / DAYS_PER_MONTH
    scan = median_scan(progression_free(outcome))
    return None if scan is None else float(outcome.scans[scan - 1]) / DAYS_PER_MONTH


def stepped_curve(outcome: ArmOutcome, endpoint: Endpoint) -> tuple[Array, Array]:
    """Return times [d] and S of an endpoint whose curve falls by steps: of TTP at the scans, of PFS between them too."""
    if endpoint is Endpoint.TTP:
        return outcome.scans, progression_free(outcome)
    curve = progression_free_survival(outcome)
    return curve.time, curve.survival


def contrast_curves(problem: FitProblem, outcomes: Outcomes, ratio: HazardRatioOutput) -> tuple[TrialCurves, TrialCurves]:
    """Return the curves of the treated arm of a ratio and of the control under the study's follow-up."""
    trial = problem.trial(ratio.study)
    arms = trial.contrast(ratio.arm)
    treated, control = (curve(problem, outcomes, trial.study, arm.name, ratio.endpoint) for arm in arms)
    return treated, control


@dataclass(frozen=True)
class Ratio:
    """A hazard ratio with the error of one trial, or why there is none."""

    value: float | None
    log_error: float | None
    """Standard error of ln ratio by which a trial of this size scatters."""
    reason: str = ""
    """Why there is none; empty where there is one."""


def predict_ratio(problem: FitProblem, outcomes: Outcomes, output: HazardRatioOutput) -> Ratio:
    """Return the ratio a trial reports; where an arm has no events within the follow-up there is none, and nothing else ends."""
    treated, control = contrast_curves(problem, outcomes, output)
    try:
        value = hazard_ratio(treated, control)
    except DataError as error:
        return Ratio(None, None, str(error))
    return Ratio(value, log_ratio_error(treated, control, value))


def predictions(problem: FitProblem, outcomes: Outcomes) -> dict[str, float | None]:
    """Return every named prediction: medians [month] of all arms, hazard ratios of all treated arms; None for what is none."""
    named: dict[str, float | None] = {}
    for trial in problem.trials:
        for endpoint in problem.endpoints:
            for arm in trial.arms:
                name = MedianOutput(trial.study, arm.name, endpoint).name
                named[name] = median_months(outcomes, trial.study, arm.name, endpoint)
            for ratio in list_ratios(trial, endpoint):
                named[ratio.name] = predict_ratio(problem, outcomes, ratio).value
    return named


def smooth_predictions(problem: FitProblem, outcomes: Outcomes) -> dict[str, Array]:
    """Return predictions on a scale where they are smooth and nearly normal, for intervals by the delta method.

    ln of OS medians and of hazard ratios, shape (1,); in place of medians of TTP and PFS, which jump, the curves they come from.
    """
    named: dict[str, Array] = {}
    for name, value in predictions(problem, outcomes).items():
        output = read_output(name)
        if isinstance(output, MedianOutput) and output.endpoint is not Endpoint.OS:
            named[name] = stepped_curve(outcomes[output.study, output.arm], output.endpoint)[1]
        else:
            named[name] = np.array([math.log(value if value is not None else math.nan)])
    return named


def sampling_error(problem: FitProblem, outcomes: Outcomes, name: str) -> Array:
    """Return the standard error by which one trial of this size scatters about a smooth prediction; same shape.

    Not a number where the prediction is none.
    """
    output = read_published_output(name)
    if isinstance(output, HazardRatioOutput):
        error = predict_ratio(problem, outcomes, output).log_error
        return np.array([math.nan if error is None else error])
    observed = curve(problem, outcomes, output.study, output.arm, output.endpoint)
    errors = greenwood(observed)
    if output.endpoint is not Endpoint.OS:
        return errors
    place = int(np.argmax(observed.survival <= 0.5)) if observed.survival[-1] <= 0.5 else observed.survival.size - 1
    rate = -math.log(observed.survival[place] / observed.survival[place - 1])
    step = math.log(observed.time[place] / observed.time[place - 1])
    return np.array([errors[place] / (observed.survival[place] * rate / step)])


def null_prediction(target: Target, targets: Sequence[Target], trials: Sequence[Trial]) -> float | None:
    """Return what the naive rule says of a number that is not fitted, None where it has nothing to say.

    A hazard ratio: the ratio of the study's published medians, control over treated.  A median of a treated arm: the
    control's published median times the ratio of medians in the other study.  A study without a control has neither.
    """
    if target.statistic not in (Statistic.MEDIAN, Statistic.HAZARD_RATIO):
        return None
    published = {(item.study, item.arm, item.endpoint): item.number for item in targets if item.statistic is Statistic.MEDIAN}
    trial = next(item for item in trials if item.study == target.study)
    if trial.control is None or target.arm == trial.control.name:
        return None  # what the control comes from no ratio tells
    treated, control = (arm.name for arm in trial.contrast(target.arm))

    def ratio(study: Trial, name: str) -> float | None:
        above, below = (published.get((study.study, arm.name, target.endpoint)) for arm in study.contrast(name))
        return None if above is None or below is None else above / below

    if target.statistic is Statistic.HAZARD_RATIO:
        own = ratio(trial, treated)
        return None if own is None else 1.0 / own
    others = (item for item in trials if item.study != target.study and item.compared)
    other = next((ratio(item, _counterpart(item, treated)) for item in others), None)
    below = published.get((target.study, control, target.endpoint))
    return None if other is None or below is None else below * other


def _counterpart(trial: Trial, arm: str) -> str:
    """Return the arm of another study that is compared as `arm` is: that of the same name, else the first."""
    names = [item.name for item in trial.compared]
    return arm if arm in names else names[0]


def scans_of(target: Target, predicted: float | None, trials: Sequence[Trial]) -> tuple[int | None, int | None]:
    """Return the scans of a published and a predicted median of TTP; None for every other statistic."""
    if target.statistic is not Statistic.MEDIAN or target.endpoint is not Endpoint.TTP:
        return None, None
    trial = next(item for item in trials if item.study == target.study)
    found = None if predicted is None else trial.plan.nearest(predicted * DAYS_PER_MONTH)
    return scan_of(target, trial.plan), found
