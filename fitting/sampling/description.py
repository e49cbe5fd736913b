"""What samples of a fit share, however they are drawn: where they begin, and the course of their ensembles.

Start with `normal_approximation` and `trace_ensembles`.
"""

import numpy as np

from kinimmune.fitting.estimation.fitted import Fitted
from kinimmune.fitting.estimation.outcome_rows import Numbers
from kinimmune.fitting.sampling.results import Trace
from kinimmune.fitting.sampling.surrogate import NormalApproximation
from kinimmune.models.arrays import Array

SPARE_WALKERS = 2
"""Walkers above twice the number of parameters, when none are given: convergence needs many steps rather than many walkers."""
TRACE_POINTS = 200
"""Most steps at which the log probability of an ensemble is written."""


def normal_approximation(fitted: Fitted) -> NormalApproximation:
    """Return the normal approximation by the curvature at the estimates, on z-scores."""
    errors = np.array([row.contraction for row in fitted.result.parameters])
    correlation = np.array(fitted.result.correlation) if fitted.result.correlation else np.eye(errors.size)
    return NormalApproximation(fitted.z, correlation * np.outer(errors, errors))


def trace_ensembles(log_probability: Array) -> tuple[Trace, ...]:
    """Return the course of every ensemble; log_probability has shape (ensembles, steps, walkers)."""
    return tuple(_trace(ensemble, values) for ensemble, values in enumerate(log_probability, start=1))


def _trace(ensemble: int, log_probability: Array) -> Trace:
    """Return the course of one ensemble; log_probability has shape (steps, walkers)."""
    steps = np.unique(np.linspace(0, len(log_probability) - 1, TRACE_POINTS).astype(int))
    return Trace(
        ensemble,
        tuple(int(step) for step in steps),
        _numbers(np.median(log_probability[steps], axis=1)),
        _numbers(log_probability[steps].min(axis=1)),
        _numbers(log_probability[steps].max(axis=1)),
    )


def _numbers(values: Array) -> Numbers:
    return tuple(float(value) for value in values)
