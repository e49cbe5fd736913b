"""Predictions of the trial with constant hazards of `exponential_trial`.

Start with `predict`; `plan` stops before anything is computed.
"""

from kinimmune.fitting.prediction.plan import PlannedPrediction
from kinimmune.fitting.prediction.predict import predict_plan
from kinimmune.fitting.prediction.request import PredictionRequest
from kinimmune.fitting.prediction.run import plan_model
from kinimmune.fitting.settings import ProblemOptions


def plan(opened, *, from_prior=False, jobs=1, trial=None, **asked) -> PlannedPrediction:
    """Return what is predicted of a model and its tables, as `open_model` gives them; the rest is that of a request."""
    name, tables = opened
    request = PredictionRequest(**{"draws": 32, **asked})
    options = ProblemOptions(patients=2)
    return plan_model(name, tables, request, trial=trial, from_prior=from_prior, options=options, seed=1, jobs=jobs)


def run(planned):
    """Return what a prediction shows."""
    return predict_plan(planned, 1, lambda _: None)


def predict(opened, *, from_prior=False, **asked):
    """Return the prediction of `plan`."""
    return run(plan(opened, from_prior=from_prior, **asked))
