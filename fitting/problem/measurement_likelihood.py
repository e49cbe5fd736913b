"""How far predictions lie from single numbers of other kinds: counts of patients, and measurements in experiments.

Start with `measurement_residual` and `binomial_root`.
"""

import math

from scipy.special import log_ndtr, xlogy

from kinimmune.models.experiments.measurement import ErrorModel, Measurement, find_score

CERTAIN = 1e-9
"""Shares nearer to 0 or 1 count as that near."""


def binomial_root(events: float, expected: float, total: int) -> float:
    """Return the signed root of the binomial deviance of a count, positive where more are expected than there were."""
    most = float(total)
    kept = min(max(expected, CERTAIN * most), most * (1.0 - CERTAIN))
    deviance = xlogy(events, events / kept) + xlogy(most - events, (most - events) / (most - kept))
    return math.copysign(math.sqrt(max(2.0 * float(deviance), 0.0)), kept - events)


def stable_share(share: float, total: int) -> float:
    """Return 2 sqrt(n) arcsin(sqrt(p)), whose squared derivative is the information of n patients about a share."""
    return 2.0 * math.sqrt(total) * math.asin(math.sqrt(min(max(share, CERTAIN), 1.0 - CERTAIN)))


def measurement_residual(measurement: Measurement, predicted: float) -> float:
    """Return the residual of a measurement, positive where more is predicted than was measured.

    Of a value (x - m)/s on the scale of its errors, of a share the signed root of the binomial deviance.  Of a range
    sqrt(-2 ln P), P = Phi((x - a)/s) Phi((b - x)/s): next to nothing inside, and outside it the distance over s; without a sign.

    Raises
    ------
    NumericalError
        where the prediction has no logarithm and needs one
    """
    if measurement.errors is ErrorModel.BINOMIAL:
        total = measurement.n or 1
        return binomial_root((measurement.value or 0.0) * total, predicted * total, total)
    score, error = find_score(measurement, predicted), measurement.error or 1.0
    if measurement.value is not None:
        return (score - find_score(measurement, measurement.value)) / error
    inside = 0.0
    if measurement.lower is not None:
        inside += float(log_ndtr((score - find_score(measurement, measurement.lower)) / error))
    if measurement.upper is not None:
        inside += float(log_ndtr((find_score(measurement, measurement.upper) - score) / error))
    return math.sqrt(max(-2.0 * inside, 0.0))


def measurement_information(measurement: Measurement, predicted: float) -> float:
    """Return a number whose squared derivative is the information of `measurement_residual`."""
    if measurement.errors is ErrorModel.BINOMIAL:
        return stable_share(predicted, measurement.n or 1)
    return measurement_residual(measurement, predicted)
