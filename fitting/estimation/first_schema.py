"""A fit in the schema of before, `kinimmune.fit/1`, for one release; what that has no word for is refused before the fit.

Start with `require_first_schema` and `write_first_schema`.  The first schema knows times of death and of progression, and ratios
that name no arm: of studies that compare one arm with their control, or none.
"""

import json
from collections.abc import Sequence
from typing import Any

from kinimmune.fitting.estimation.fit import FitPlan
from kinimmune.fitting.estimation.results import FIT_JSON, FitResult
from kinimmune.fitting.problem.read_targets import read_targets
from kinimmune.fitting.problem.targets import Statistic, Target
from kinimmune.models.errors import UsageError
from kinimmune.models.tables.readers import read_trials
from kinimmune.models.trial.design import Endpoint, Trial

SCHEMA = "kinimmune.fit/1"
ENDPOINTS = (str(Endpoint.OS), str(Endpoint.TTP))
STATISTICS = (str(Statistic.MEDIAN), str(Statistic.HAZARD_RATIO))
_LATER = (
    *("predicted", "changes", "warnings", "deaths_by_cause", "n_data_residuals", "q_basis", "q_reference", "reference_arms"),
    *("whitening", "q_reason", "companion"),
)
"""Keys of a fit that the first schema does not have."""
_LATER_IN_ROWS = (
    "reference_arm",
    "reason",
    "changed",
    "standard_error_scale",
    "control",
    "duration_median",
    "role",
    "month",
    "deviance",
    "n_residuals",
    "read_out",
    "day",
    "reference_day",
    "n",
    "error_rule",
    "measured_error",
    "trial_place",
    "interval_reason",
    "strata",
)
"""Keys of its rows."""


def require_first_schema(plan: FitPlan) -> None:
    """Raise a `UsageError` where the results of a fit cannot be told in the first schema."""
    problem = find_first_schema_obstacle(read_trials(plan.tables), read_targets(plan.tables, plan.problem.model))
    if plan.problem.changes:
        problem = "parameters are changed at the call"
    if plan.takes_correlations:
        problem = "numbers that share patients are fitted with their correlations"
    if problem:
        raise UsageError(f"--schema 1: {SCHEMA} cannot tell this fit: {problem}; leave --schema out")


def find_first_schema_obstacle(trials: Sequence[Trial], targets: Sequence[Target]) -> str:
    """Return why fits to targets cannot be told in the first schema; empty where they can."""
    fitted = {target.study for target in targets if target.role == "fit"}
    for trial in trials:
        if trial.study in fitted and len(trial.compared) > 1:
            return f"study '{trial.study}' compares {len(trial.compared)} arms with its control, and a ratio names no arm there"
    for target in targets:
        if target.study in fitted and target.endpoint not in (None, *ENDPOINTS):
            return f"{target.label} is no endpoint of it ({', '.join(ENDPOINTS)})"
        if target.study in fitted and target.statistic not in STATISTICS:
            return f"{target.label} is no statistic of it ({', '.join(STATISTICS)})"
    return ""


def write_first_schema(result: FitResult) -> str:
    """Return a fit as JSON text in the first schema; rows of progression-free survival, which it does not have, are left out."""
    content: dict[str, Any] = json.loads(FIT_JSON.dump(result))
    for key in _LATER:
        content.pop(key)
    for key in ("targets", "unfitted", "transport", "responses", "events", "curves", "parameters", "constants"):
        content[key] = [_express(row) for row in content[key] if row.get("endpoint") in (None, *ENDPOINTS)]
    return json.dumps({**content, "schema": SCHEMA}, indent=1, allow_nan=False)


def _express(row: dict[str, Any]) -> dict[str, Any]:
    compared = "observed" in row  # rows of parameters have had a unit from the beginning
    kept = {key: value for key, value in row.items() if key not in _LATER_IN_ROWS and not (compared and key == "unit")}
    return {**kept, "arm": None} if kept.get("statistic") == "hazard_ratio" else kept
