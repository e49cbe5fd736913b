"""One point of a profile, and the optimum profiles start from: the functions of their tasks.

Start with `find_point`, for any objective; `compute_point`, `compute_constrained_prediction`, `compute_optimum` and
`compute_predictions` open the objective of a fit and are what tasks call.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kinimmune.fitting.estimation.optimise import StartOutcome, minimise
from kinimmune.fitting.problem.derivatives import forward_points, forward_slopes
from kinimmune.fitting.problem.objective import ConstrainedPrediction, Objective, TrialObjective, log_prediction
from kinimmune.fitting.problem.problem import FitProblem, predict, widen
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem
from kinimmune.fitting.profile.descent import descend
from kinimmune.fitting.workflow.task import Json, TaskFunction
from kinimmune.models.arrays import Array
from kinimmune.models.errors import NumericalError

RANGE = 4.0
"""Prior standard deviations from the prior median within which parameters are profiled and re-optimised."""
MAX_ROUNDS = 4
"""Times a minimisation is begun, each time where the last one ended."""
MIN_GAIN = 1e-3
"""Fall of the sum of squares that is worth another round."""


def find_optimum(objective: Objective, start: Array) -> dict[str, object]:
    """Minimise, again from where it ended until that gains nothing, and return `point`, `cost` and `jacobian` there.

    Along a flat valley one minimisation stops before its floor.
    """
    lower, upper = objective.bounds
    found = minimise(objective, np.clip(start, lower, upper), _ignore, tolerance=objective.tolerance)
    evaluations = found.evaluations
    for _ in range(MAX_ROUNDS - 1):
        again = minimise(objective, np.array(found.z), _ignore, tolerance=objective.tolerance)
        evaluations += again.evaluations
        gained = found.chi_square - again.chi_square
        found = again if gained > 0.0 else found
        if not gained > MIN_GAIN:
            break
    finite = math.isfinite(found.chi_square)
    slopes = objective.jacobian(np.array(found.z)).tolist() if finite else None
    return {**_outcome(found, evaluations), "jacobian": slopes, **_failure("optimum", found)}


def find_point(objective: Objective, index: int, value: float, start: Sequence[float]) -> dict[str, object]:
    """Minimise with one coordinate fixed at a value and return `point`, `cost`, `reached` (the value) and how that went."""
    begin = np.clip(np.array(start, dtype=float), *objective.bounds)
    begin[index] = value
    found = descend(objective, begin, (index,), objective.tolerance)
    what = f"{objective.names[index]} at {value:.4g} prior sd"
    return {**_outcome(found, found.evaluations), "reached": value, **_failure(what, found)}


def open_objective(inputs: Json) -> TrialObjective:
    """Return the objective of a fit that the inputs of a task describe, within the range of profiles."""
    problem = open_problem(ProblemSettings(**inputs["problem"]), inputs["folder"], inputs["jobs"])
    if inputs.get("without") is not None:
        problem = replace(problem, targets=tuple(item for item in problem.targets if item.label != inputs["without"]))
    return TrialObjective(problem, prior_weight=float(inputs["prior_weight"]), reach=RANGE)


def compute_optimum(inputs: Json) -> Json:
    """Find the optimum of data and priors, or of the data alone: the function of a task."""
    return find_optimum(open_objective(inputs), np.array(inputs["start"]))


def compute_point(inputs: Json) -> Json:
    """Find a point of a parameter's profile, and what it predicts: the function of a task."""
    objective = open_objective(inputs)
    found = find_point(objective, int(inputs["place"]), float(inputs["value"]), inputs["start"])
    names = inputs["predictions"]
    if "failures" in found or not names:
        return {**found, "predictions": {}}
    wide = widen(objective.problem)
    try:
        (logarithms,) = _log_predictions(wide, [np.array(found["point"])], names)
    except NumericalError as error:
        return {**found, "predictions": {}, "failures": [{"what": "predictions along a profile", "reason": str(error)}]}
    return {**found, "predictions": {name: math.exp(value) for name, value in zip(names, logarithms.tolist(), strict=True)}}


def compute_predictions(inputs: Json) -> Json:
    """Return what an optimum predicts: the function of a task.

    The outcome holds the sum of squares there as `cost`, ln of each prediction in `values`, and their derivatives by the z-scores
    in `slopes`; both are empty where one of the predictions does not exist.
    """
    objective = open_objective(inputs)
    problem, z, names = widen(objective.problem), np.array(inputs["point"]), inputs["predictions"]
    row = replace(objective, problem=problem).residuals(z)
    found = {"cost": float(row @ row), "evaluations": z.size + 2}
    steps = objective.steps(z)
    try:
        values = _log_predictions(problem, forward_points(z, steps), names)
    except NumericalError as error:
        return {**found, "values": {}, "slopes": {}, "failures": [{"what": "predictions at an optimum", "reason": str(error)}]}
    slopes = forward_slopes(values, steps)
    return {
        **found,
        "values": dict(zip(names, values[0].tolist(), strict=True)),
        "slopes": dict(zip(names, slopes.tolist(), strict=True)),
    }


def compute_constrained_prediction(inputs: Json) -> Json:
    """Find a point of a prediction's profile, with one more residual that draws it to a value: the function of a task.

    Whatever the width of that residual, its minimum is the lowest deviance among all points with the prediction it reached:
    there the residual is the same.  So the deviance belongs exactly to `reached`, which is close to the value asked for
    (C. Kreutz et al., BMC Systems Biology 6:120, 2012, for the idea of constrained predictions).
    """
    objective = open_objective(inputs)
    constraint = ConstrainedPrediction(str(inputs["prediction"]), float(inputs["value"]), float(inputs["width"]))
    constrained = replace(objective, problem=widen(objective.problem), constraint=constraint)
    start = np.clip(np.array(inputs["start"]), *constrained.bounds)
    found = descend(constrained, start, (), constrained.tolerance)
    outcome = {**_outcome(found, found.evaluations + 1), "asked": constraint.value}
    if not math.isfinite(found.chi_square):
        return {**outcome, "reached": None, **_failure(constraint.name, found)}
    row = constrained.residuals(np.array(found.z))
    reached = constraint.value + constraint.width * float(row[-1])
    return {**outcome, "cost": float(row[:-1] @ row[:-1]), "reached": reached}


def _log_predictions(problem: FitProblem, points: Sequence[Array], names: Sequence[str]) -> list[Array]:
    """Return ln of the predictions at each point, in the order of `names`."""
    return [
        np.array([log_prediction(problem, outcomes, name) for name in names], dtype=float)
        for outcomes in predict(problem, points)
    ]


def _outcome(found: StartOutcome, evaluations: int) -> dict[str, object]:
    return {"point": list(found.z), "cost": found.chi_square, "converged": found.converged, "evaluations": evaluations}


def _failure(what: str, found: StartOutcome) -> dict[str, object]:
    return {} if math.isfinite(found.chi_square) else {"failures": [{"what": what, "reason": found.message}]}


def _ignore(_chi_square: float) -> None:
    """Do nothing with a sum of squares that was met on the way."""


PROFILE_OPTIMUM = TaskFunction("profile.optimum", compute_optimum, "kinimmune.fitting.profile_points:trial_optimum")
PROFILE_POINT = TaskFunction("profile.point", compute_point, "kinimmune.fitting.profile_points:trial_point")
PROFILE_OUTLOOK = TaskFunction("profile.outlook", compute_predictions, "kinimmune.fitting.profile_points:trial_outlook")
PROFILE_PREDICTION = TaskFunction(
    "profile.prediction", compute_constrained_prediction, "kinimmune.fitting.profile_points:trial_prediction"
)
