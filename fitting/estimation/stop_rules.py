"""The fit under each rule by which treatment may have stopped, the largest lever on overall survival.

Start with `compare_stop_rules`; `require_rules` tells before a fit whether its trials can be run under its rules.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from kinimmune.fitting.estimation.optimise import Optimiser
from kinimmune.fitting.estimation.outcome_rows import StopRuleRow
from kinimmune.fitting.problem.predictions import predictions
from kinimmune.fitting.problem.problem import FitProblem, predict, widen
from kinimmune.fitting.problem.residuals import residuals
from kinimmune.fitting.settings import FitOptions
from kinimmune.models.arrays import Array
from kinimmune.models.trial.assessments import require_symptoms
from kinimmune.models.trial.design import StopRule, Trial

COMPARED = (StopRule.RADIOLOGICAL, StopRule.ONE_SCAN_LATER, StopRule.RADIOLOGICAL_AND_SYMPTOMATIC)


def require_rules(trials: Iterable[Trial], options: FitOptions) -> None:
    """Raise a `UsageError` when a trial cannot be run under the rule of a fit, or under those it is to be compared under."""
    for trial in trials:
        for rule in (options.stop_rule or trial.stop_rule, *(COMPARED if options.compare_rules else ())):
            for arm in trial.arms:
                require_symptoms(arm, rule)


def compare_stop_rules(
    problem: FitProblem, z: Array, optimise: Optimiser, progress: Callable[[str], None]
) -> tuple[StopRuleRow, ...]:
    """Fit again from a point under each rule, the same in all studies, and return what each predicts.

    A rule under which all studies were fitted already is not fitted again.
    """
    rows = []
    for rule in COMPARED:
        progress(f"stop rule {rule}")
        ruled = replace(problem, rules=dict.fromkeys(problem.rules, rule))
        known = dict(ruled.rules) == dict(problem.rules)
        found = z if known else np.array(optimise(ruled, z, lambda _: None).z)
        wide = widen(ruled)
        outcomes = predict(wide, [found])[0]
        data = residuals(wide, outcomes, found)[: -found.size]
        rows.append(StopRuleRow(str(rule), predictions(wide, outcomes), float(data @ data), refitted=not known))
    return tuple(rows)
