"""What a trial sees of a patient: progression at scans, response, and how long the drug is taken.

Start with `assess` and `treatment_course`; how diameters are read is in `kinimmune.models.trial.readings`.  Everything here is a
probability given the patient's course, smooth in the model's parameters: nothing is drawn.
"""

from dataclasses import dataclass, replace

import numpy as np

from kinimmune.models.arrays import Array, Integers
from kinimmune.models.errors import UsageError
from kinimmune.models.trial.design import Arm, StopRule, Trial
from kinimmune.models.trial.readings import (
    DiameterReadings,
    LaterReadings,
    Responses,
    no_responses,
    p_no_crossing,
    read_diameters,
)


@dataclass(frozen=True)
class ScanReadings:
    """What K scans have to see of n patients."""

    hazard_of_lesions: Array
    """Cumulative hazard of new lesions, shape (K, n); 0 in a model without new lesions."""
    diameter: DiameterReadings | None
    """None in a model without a diameter."""


@dataclass(frozen=True)
class Departures:
    """Who leaves treatment when: one entry a path after treatment, m in all."""

    scan: Integers
    """Scan (0-based) at which treatment is left, shape (m,)."""
    patient: Integers
    """Place of the patient, shape (m,)."""


@dataclass(frozen=True)
class Assessments:
    """What scans show of n patients on treatment and of m paths after it; death and adverse events aside."""

    no_progression: Array
    """Probability that no scan up to each has shown progression on treatment, shape (K, n)."""
    no_progression_after: Array
    """The same, on treatment up to the departure and off treatment since, shape (K, m)."""
    confirmed: Array
    """Probability that a scan on treatment confirms a first response, none up to it having shown progression, shape (K, n)."""
    responses: Responses


def p_no_progression(readings: ScanReadings, trial: Trial) -> Array:
    """Return the probability that no scan up to each has shown progression, shape (K, n).

    The probability that no reading of the sum of diameters has crossed RECIST's limit (`kinimmune.models.trial.readings`), times
    exp(-G(v_k)), with G the cumulative hazard of new lesions at the date v_k of scan k.

    Parameters
    ----------
    readings
        what the scans have to see
    trial
        its criterion and errors
    """
    no_lesion = np.exp(-readings.hazard_of_lesions)
    return no_lesion if readings.diameter is None else p_no_crossing(readings.diameter, trial) * no_lesion


def assess(on: ScanReadings, off: ScanReadings, departures: Departures, trial: Trial) -> Assessments:
    """Return what scans show of patients, and of those who leave treatment.

    Parameters
    ----------
    on
        of n patients on treatment
    off
        of m paths; what comes after the departures counts
    departures
        where the paths begin
    trial
        its criterion and errors
    """
    before = np.arange(on.hazard_of_lesions.shape[0])[:, None] <= departures.scan
    free = np.exp(-on.hazard_of_lesions)
    free_after = np.where(before, free[:, departures.patient], np.exp(-off.hazard_of_lesions))
    if on.diameter is None or off.diameter is None:
        return Assessments(free, free_after, np.zeros(free.shape), no_responses(free.shape[0]))
    seen = read_diameters(on.diameter, LaterReadings(off.diameter, departures.scan, departures.patient), trial)
    responses = replace(
        seen.responses,
        lasting=seen.responses.lasting * free.T[seen.responses.patients, None, :],
        lasting_after=seen.responses.lasting_after * free_after.T[seen.responses.paths, None, :],
    )
    return Assessments(seen.unseen * free, seen.unseen_after * free_after, seen.confirmed * free, responses)


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
