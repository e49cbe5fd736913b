"""What a trial sees of a patient: progression at scans, response, and how long the drug is taken.

Start with `p_no_progression` and `treatment_course`.  Everything here is a probability given the patient's course, smooth in the
model's parameters: nothing is drawn.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from kinimmune.models.arrays import Array, Integers
from kinimmune.models.errors import UsageError
from kinimmune.models.trial.design import Arm, StopRule, Trial


@dataclass(frozen=True)
class DiameterReadings:
    """The sum of diameters at K scans of n patients."""

    log_diameter: Array
    """ln of the sum of diameters over its start, shape (K, n)."""
    speed: Array
    """Derivative [1/d] of ln of the sum of diameters, shape (K, n)."""


@dataclass(frozen=True)
class ScanReadings:
    """What K scans have to see of n patients."""

    hazard_of_lesions: Array
    """Cumulative hazard of new lesions, shape (K, n); 0 in a model without new lesions."""
    diameter: DiameterReadings | None
    """None in a model without a diameter."""


def p_no_progression(readings: ScanReadings, trial: Trial) -> Array:
    """Return the probability that no scan up to each has shown progression.

    The probability that no reading of the sum of diameters has crossed RECIST's limit, times exp(-G(v_k)), with G the cumulative
    hazard of new lesions at the date v_k of scan k.

    Parameters
    ----------
    readings
        what the scans have to see
    trial
        its ratio and errors

    Returns
    -------
    Array
        shape (K, n)
    """
    no_lesion = np.exp(-readings.hazard_of_lesions)
    return no_lesion if readings.diameter is None else p_no_crossing(readings.diameter, trial) * no_lesion


def p_no_crossing(diameter: DiameterReadings, trial: Trial) -> Array:
    """Return the probability that no reading of the sum of diameters up to each scan has crossed RECIST's limit.

    1 - Phi(max over scans j <= k of (z_j - ln r) / e_j), with z_j the rise of ln of the sum of diameters at scan j over its
    smallest value at any scan so far, and r RECIST's ratio; where an increase in mm is asked for too, ln r is what
    `Trial.progression_limit` tells.  What a patient's reader and calendar add is one normal deviation for all scans:
    e_j^2 = s_r^2 + (x'_j s_v)^2, the reading error of ln of the sum and the visit's deviation [d] times the speed of ln of the
    sum.  Where the tumour grows fast this is Phi((v_k - t*) / s_v) about the time t* of crossing; where it hovers about the
    limit, reading decides.

    Parameters
    ----------
    diameter
        the sum of diameters at K scans of n patients
    trial
        its ratio and errors

    Returns
    -------
    Array
        shape (K, n)
    """
    lowest = np.minimum(np.minimum.accumulate(diameter.log_diameter, axis=0), 0.0)
    error = np.hypot(trial.reading_error, diameter.speed * trial.scan_jitter)
    excess = (diameter.log_diameter - lowest - trial.progression_limit(lowest)) / error
    return np.asarray(ndtr(-np.maximum.accumulate(excess, axis=0)))


@dataclass(frozen=True)
class TreatmentCourse:
    """How patients leave treatment at scans: probabilities, leaving death aside."""

    on_drug: Array
    """Probability of being on drug after each scan, shape (n_scans, n)."""
    stopped: Array
    """Probability of stopping at each scan, for any reason, shape (n_scans, n)."""
    discontinued: Array
    """Probability of stopping at each scan for adverse events, whatever the scans show, shape (n_scans,)."""
    intolerant: Array
    """Probability of stopping at each scan for adverse events and not by the rule, shape (n_scans, n)."""


def treatment_course(trial: Trial, arm: Arm, rule: StopRule, scans: Array, not_seen: Array) -> TreatmentCourse:
    """Return how the drug is stopped under a rule.

    With U_k the probability of no progression seen by scan k, d the probability of not stopping for adverse events
    between two scans, and R_k the probability that the rule has stopped treatment by scan k, a patient is on drug after
    scan k with probability (1 - R_k) d^k.  R_k is 1 - U_k at radiological progression, 1 - U_(k-1) one scan later, and
    (1 - U_k)(1 - exp(-s v_k)) when progression must be seen and felt, symptoms coming at rate s independently.  Of those who
    stop at scan k adverse events alone stop (1 - R_k)(d^(k-1) - d^k).

    Raises
    ------
    UsageError
        when the rule needs the time of symptomatic progression and the arm has none
    """
    rate = 0.0 if rule is StopRule.NEVER else arm.discontinuation_rate
    keep = np.exp(-rate * trial.scan_interval * trial.plan.first(scans.size))
    allowed = 1.0 - _stopped_by_rule(arm, rule, scans, not_seen)
    on_drug = allowed * keep[:, None]
    before = np.vstack([np.ones_like(on_drug[:1]), on_drug[:-1]])
    discontinued = np.concatenate([[1.0], keep[:-1]]) - keep
    return TreatmentCourse(on_drug, before - on_drug, discontinued, allowed * discontinued[:, None])


def require_symptoms(arm: Arm, rule: StopRule) -> None:
    """Raise a `UsageError` when a rule needs the time of symptomatic progression and the arm has none."""
    if rule is StopRule.RADIOLOGICAL_AND_SYMPTOMATIC and not np.isfinite(arm.symptomatic_median):
        raise UsageError(
            f"stop rule '{rule}' needs the median time to symptomatic progression of arm '{arm.study}:{arm.name}'; "
            "give symptomatic_median in design.csv or choose another rule"
        )


def _stopped_by_rule(arm: Arm, rule: StopRule, scans: Array, not_seen: Array) -> Array:
    if rule is StopRule.NEVER:
        return np.zeros_like(not_seen)
    if rule is StopRule.RADIOLOGICAL:
        return 1.0 - not_seen
    if rule is StopRule.ONE_SCAN_LATER:
        return np.vstack([np.zeros_like(not_seen[:1]), 1.0 - not_seen[:-1]])
    require_symptoms(arm, rule)
    return (1.0 - not_seen) * -np.expm1(-arm.symptomatic_rate * scans)[:, None]


def confirmed_response(log_diameter: Array, threshold: float) -> Integers:
    """Return the scan at which each patient's response is confirmed, -1 without one.

    Response: the sum of diameters stands at or below the threshold at two scans in a row.

    Parameters
    ----------
    log_diameter
        ln of the sum of diameters over its start at the scans, shape (n_scans, n)
    threshold
        ln of the ratio that counts as response

    Returns
    -------
    Integers
        index of the confirming scan, shape (n,)
    """
    small = log_diameter <= threshold
    twice = small[1:] & small[:-1]
    return np.where(twice.any(axis=0), twice.argmax(axis=0) + 1, -1)
