"""One point of a profile, and the optimum profiles start from: the work of their steps.

Start with `find_point`, for any objective; `trial_point`, `trial_prediction`, `trial_optimum` and `trial_outlook` open the
objective of a fit and are what steps carry out.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kinimmune.fitting.estimation.optimise import StartOutcome, minimise
from kinimmune.fitting.problem.objective import Held, Objective, TrialObjective, log_prediction
from kinimmune.fitting.problem.problem import REPORT_MONTHS, FitProblem, predict, to_horizon
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem
from kinimmune.fitting.workflow.task import Json, TaskFunction
from kinimmune.models.arrays import Array
from kinimmune.models.errors import NumericalError

RANGE = 4.0
"""Prior standard deviations from the prior median within which parameters are profiled and re-optimised."""
MOST_ROUNDS = 4
"""Times a minimisation is begun where the last one ended."""
GAIN = 1e-3
"""Fall of the sum of squares that is worth another round."""


def find_optimum(objective: Objective, start: Array) -> dict[str, object]:
    """Minimise, again from where it ended until that gains nothing, and return `point`, `cost` and `jacobian` there.

    Along a flat valley one minimisation stops before its floor.
    """
    lower, upper = objective.bounds
    found = minimise(objective, np.clip(start, lower, upper), _ignore, tolerance=objective.tolerance)
    evaluations = found.evaluations
    for _ in range(MOST_ROUNDS - 1):
        again = minimise(objective, np.array(found.point), _ignore, tolerance=objective.tolerance)
        evaluations += again.evaluations
        gained = found.cost - again.cost
        found = again if gained > 0.0 else found
        if not gained > GAIN:
            break
    finite = math.isfinite(found.cost)
    slopes = objective.jacobian(np.array(found.point)).tolist() if finite else None
    return {**_outcome(found, evaluations), "jacobian": slopes, **_failure("optimum", found)}


def find_point(objective: Objective, place: int, value: float, start: Sequence[float]) -> dict[str, object]:
    """Minimise with one coordinate at a value: `point`, `cost`, `reached` (the value) and how that went."""
    begin = np.clip(np.array(start, dtype=float), *objective.bounds)
    begin[place] = value
    found = minimise(objective, begin, _ignore, (place,), objective.tolerance)
    what = f"{objective.names[place]} at {value:.4g} prior sd"
    return {**_outcome(found, found.evaluations), "reached": value, **_failure(what, found)}


def open_objective(inputs: Json) -> TrialObjective:
    """Return the objective of a fit that the inputs of a step describe, within the range of profiles."""
    problem = open_problem(ProblemSettings(**inputs["problem"]), inputs["folder"], inputs["jobs"])
    if inputs.get("without") is not None:
        problem = replace(problem, targets=tuple(item for item in problem.targets if item.label != inputs["without"]))
    return TrialObjective(problem, prior_weight=float(inputs["prior_weight"]), reach=RANGE)


def trial_optimum(inputs: Json) -> Json:
    """Find the optimum of data and priors, or of the data alone."""
    return find_optimum(open_objective(inputs), np.array(inputs["start"]))


def trial_point(inputs: Json) -> Json:
    """Find a point of a parameter's profile, and what it predicts."""
    objective = open_objective(inputs)
    found = find_point(objective, int(inputs["place"]), float(inputs["value"]), inputs["start"])
    names = inputs["predictions"]
    if "failures" in found or not names:
        return {**found, "predictions": {}}
    wide = to_horizon(objective.problem, REPORT_MONTHS)
    try:
        read = _read(wide, [np.array(found["point"])], names)[0]
    except NumericalError as error:
        return {**found, "predictions": {}, "failures": [{"what": "predictions along a profile", "reason": str(error)}]}
    return {**found, "predictions": {name: math.exp(value) for name, value in read.items()}}


def trial_outlook(inputs: Json) -> Json:
    """Return the cost at an optimum, and ln of predictions with their derivatives by the point, or none of them."""
    objective = open_objective(inputs)
    problem, point, names = to_horizon(objective.problem, REPORT_MONTHS), np.array(inputs["point"]), inputs["predictions"]
    row = replace(objective, problem=problem).residuals(point)
    found = {"cost": float(row @ row), "evaluations": point.size + 2}
    try:
        steps = objective.steps(point)
        first, *rows = _read(problem, [point, *(point + shift for shift in np.diag(steps))], names)
    except NumericalError as error:
        return {**found, "values": {}, "slopes": {}, "failures": [{"what": "predictions at an optimum", "reason": str(error)}]}
    slopes = {
        name: [(item[name] - first[name]) / step for item, step in zip(rows, steps.tolist(), strict=True)] for name in names
    }
    return {**found, "values": first, "slopes": slopes}


def trial_prediction(inputs: Json) -> Json:
    """Find a point of a prediction's profile: minimise with one more residual that draws the prediction to a value.

    Whatever the width of that residual, its minimum is the lowest deviance among all points with the prediction it reached:
    there the residual is the same.  So the deviance belongs exactly to `reached`, which is close to the value asked for
    (C. Kreutz et al., BMC Systems Biology 6:120, 2012, for the idea of constrained predictions).
    """
    objective = open_objective(inputs)
    wide = replace(objective, problem=to_horizon(objective.problem, REPORT_MONTHS))
    held = Held(str(inputs["prediction"]), float(inputs["value"]), float(inputs["width"]))
    drawn = replace(wide, held=held)
    found = minimise(drawn, np.clip(np.array(inputs["start"]), *drawn.bounds), _ignore, (), drawn.tolerance)
    outcome = {**_outcome(found, found.evaluations + 1), "asked": held.value}
    if not math.isfinite(found.cost):
        return {**outcome, "reached": None, **_failure(held.name, found)}
    row = drawn.residuals(np.array(found.point))
    return {**outcome, "cost": float(row[:-1] @ row[:-1]), "reached": held.value + held.width * float(row[-1])}


def _read(problem: FitProblem, points: Sequence[Array], names: Sequence[str]) -> list[dict[str, float]]:
    """Return ln of each prediction at each point."""
    return [{name: log_prediction(problem, outcomes, name) for name in names} for outcomes in predict(problem, points)]


def _outcome(found: StartOutcome, evaluations: int) -> dict[str, object]:
    return {"point": list(found.point), "cost": found.cost, "converged": found.converged, "evaluations": evaluations}


def _failure(what: str, found: StartOutcome) -> dict[str, object]:
    return {} if math.isfinite(found.cost) else {"failures": [{"what": what, "reason": found.message}]}


def _ignore(_cost: float) -> None:
    """Take a cost nobody asked for."""


PROFILE_OPTIMUM = TaskFunction("profile.optimum", trial_optimum, "kinimmune.fitting.profile_points:trial_optimum")
PROFILE_POINT = TaskFunction("profile.point", trial_point, "kinimmune.fitting.profile_points:trial_point")
PROFILE_OUTLOOK = TaskFunction("profile.outlook", trial_outlook, "kinimmune.fitting.profile_points:trial_outlook")
PROFILE_PREDICTION = TaskFunction("profile.prediction", trial_prediction, "kinimmune.fitting.profile_points:trial_prediction")
