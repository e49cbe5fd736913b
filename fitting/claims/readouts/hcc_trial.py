"""Read-outs of claims about `hcc_trial`: virtual trials of 64 common patients, and the order in which effects set in.

Start with `READOUTS`.  Where a claim is about a mechanism the drug is taken to the end (no branches); where it is about what a
trial found, treatment stops by the rule of the study.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np

from kinimmune.fitting.claims.batch import CLAIM_TOLERANCES, ExperimentBatch
from kinimmune.fitting.claims.readout import Named, Readout
from kinimmune.fitting.claims.table import Claim
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.scope import parameters_of
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.cohort import ArmCohort
from kinimmune.models.trial.design import Endpoint, StopRule
from kinimmune.models.trial.population import draw_population, individual_values
from kinimmune.models.trial.regimens import plan_dosing
from kinimmune.models.trial.simulator import TrialSimulator
from kinimmune.models.trial.survival import expected_curve, hazard_ratio, progression_free
from kinimmune.models.trial.virtual_trial import ArmOutcome, run_arms

PATIENTS = 64
"""Virtual patients of an arm, the same in every arm and for every parameter set."""
HORIZON = 20.0
"""End of integration [month], beyond the follow-up of both trials."""
UNTREATED = "placebo"
"""Experiment whose parameters a trial starts from; the arms of the trial give the doses."""
EARLY, LATE = "day1", "day28"
"""Read-out days between which effects set in."""
SHIFT, CLEARANCE = "kinase_shift", "clearance"
SCAN = 3
"""Place of the fourth scan among those that read progression."""
WORTHWHILE = 0.01
"""Gain in progression-free probability that counts."""
Arms = Mapping[str, ArmOutcome]
"""Name of an arm -> its outcome."""


def os_hazard_ratio(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the hazard ratio of death in the study named by `experiment`, or the larger of two with `baseline`, shape (n,)."""
    return _find_largest(batch, claim, Endpoint.OS)


def ttp_hazard_ratio(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the hazard ratio of progression in the study named by `experiment`, or the larger of two with `baseline`, (n,)."""
    return _find_largest(batch, claim, Endpoint.TTP)


def ttp_gain(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the gain in progression-free probability at the fourth scan over the control, shape (n,)."""

    def read_gain(treated: ArmOutcome, control: ArmOutcome) -> float:
        above, below = (progression_free(item)[SCAN] for item in (treated, control))
        return float(above - below)

    return _read_contrasts(batch, claim.experiment, StopRule.NEVER, read_gain)


def ttp_gain_through(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the part of that gain that is lost without the claim's first mechanism, as a fraction, shape (n,)."""
    whole = ttp_gain(batch, claim)
    return 1.0 - _quotient(ttp_gain(batch.without(claim.knock_outs[0]), claim), whole)


def os_benefit_through(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the part of ln HR of death that is lost without the claim's first mechanism, as a fraction, shape (n,)."""

    def read(tried: ExperimentBatch) -> Array:
        return np.log(_read_hazard_ratios(tried, claim.experiment, StopRule.NEVER, Endpoint.OS))

    return 1.0 - _quotient(read(batch.without(claim.knock_outs[0])), read(batch))


def onset_difference(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the share of its day-28 effect that `quantity` shows on day 1, less that of the quantity `baseline`, shape (n,)."""
    return _onset(batch, claim.experiment, claim.quantity) - _onset(batch, claim.experiment, claim.baseline)


def exposure_boundary(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the smallest kinase shift at which doubling exposure gains a hundredth at the fourth scan, shape (n,).

    The literature disagrees on whether exposure matters: below this shift kinases are full and it does not.
    """
    grid = np.geomspace(1e-3, 10.0, 13)
    many = batch.repeated(2 * grid.size).with_values(SHIFT, np.tile(grid, 2 * batch.size))
    halves = np.tile(np.repeat((1.0, 0.5), grid.size), batch.size)
    gains = ttp_gain(many.with_values(CLEARANCE, many.parameter(CLEARANCE) * halves), claim)
    usual, doubled = gains.reshape(batch.size, 2, grid.size).swapaxes(0, 1)
    worth = doubled - usual >= WORTHWHILE
    return np.where(worth.any(axis=1), grid[np.argmax(worth, axis=1)], math.inf)


def _onset(batch: ExperimentBatch, experiment: str, quantity: str) -> Array:
    """Return the share of its late effect that a quantity shows early, shape (n,)."""
    early, late = (batch.read(experiment, quantity, day) for day in (EARLY, LATE))
    return _quotient(1.0 - early, 1.0 - late)


def _quotient(above: Array, below: Array) -> Array:
    """Return above / below, NaN where there is nothing to divide by."""
    return np.asarray(np.divide(above, below, out=np.full(above.shape, math.nan), where=below != 0.0))


def _find_largest(batch: ExperimentBatch, claim: Claim, endpoint: Endpoint) -> Array:
    """Return the largest hazard ratio among the studies a claim names, under the rule of each, shape (n,)."""
    ratios = [
        _read_hazard_ratios(batch, place, batch.trial(place.partition(":")[0]).stop_rule, endpoint)
        for place in (claim.experiment, claim.baseline)
        if place
    ]
    return np.asarray(np.max(ratios, axis=0))


def _read_hazard_ratios(batch: ExperimentBatch, place: str, rule: StopRule, endpoint: Endpoint) -> Array:
    """Return a hazard ratio for every parameter set, shape (n,); not a number where there is none."""
    follow_up = batch.trial(place.partition(":")[0]).follow_up[endpoint]

    def read_ratio(treated: ArmOutcome, control: ArmOutcome) -> float:
        try:
            return hazard_ratio(*(expected_curve(item, endpoint, follow_up) for item in (treated, control)))
        except DataError:  # a draw under which nobody progresses or dies has no ratio
            return math.nan

    return _read_contrasts(batch, place, rule, read_ratio)


def _read_contrasts(batch: ExperimentBatch, place: str, rule: StopRule, read: Callable[[ArmOutcome, ArmOutcome], float]) -> Array:
    """Return a number of a treated arm and its control for every parameter set, shape (n,).

    Parameters
    ----------
    batch
        of parameter sets
    place
        STUDY, or STUDY:ARM where several arms are compared with the control
    rule
        by which treatment stops
    read
        takes the outcomes of both

    Raises
    ------
    UsageError
        where no such arm is compared
    """
    study, _, arm = place.partition(":")
    treated, control = (item.name for item in batch.trial(study).contrast(arm or None))
    return np.array([read(arms[treated], arms[control]) for arms in batch.cached(_run_trials, study, rule)])


def _run_trials(batch: ExperimentBatch, study: str, rule: StopRule) -> list[Arms]:
    """Return the arms of the virtual trial of a study for every parameter set, treatment stopped by a rule."""
    setup, trial = batch.setup, batch.trial(study)
    simulator = TrialSimulator(setup.compiled, setup.integrate, CLAIM_TOLERANCES, HORIZON * DAYS_PER_MONTH)
    model = setup.compiled.model
    population = draw_population(model.parameters, PATIENTS, batch.seed)
    cohorts = []
    owns = {arm.name: batch.arm_values(study, arm.name) for arm in trial.arms}
    for place, column in enumerate(batch.changed(UNTREATED, study).T):
        values = dict(zip(model.parameter_names, map(float, column), strict=True))
        shared = individual_values(parameters_of(model.parameters, study, None), values, population)
        for arm in trial.arms:
            own = owns[arm.name][place]
            seen = {**values, **own}
            rows = parameters_of(model.parameters, study, arm.name, arm.drugs)
            patients = individual_values(rows, seen, population, arm.case_mix) if own or arm.case_mix is not None else shared
            dosing = plan_dosing(model, arm.administrations, seen, simulator.horizon)
            cohorts.append(ArmCohort(trial, arm, rule, patients, dosing))
    outcomes = run_arms(simulator, cohorts, setup.jobs)
    width = len(trial.arms)
    return [{item.arm.name: item for item in outcomes[first : first + width]} for first in range(0, len(outcomes), width)]


_STUDY = {"experiment": Named.STUDY}
_THROUGH = _STUDY | {"arrows": Named.INTERACTION}
_TRIAL = {Named.EXPERIMENT: (UNTREATED,)}
READOUTS: Mapping[str, Readout] = {
    "os_hazard_ratio": Readout(os_hazard_ratio, _STUDY, _TRIAL),
    "ttp_hazard_ratio": Readout(ttp_hazard_ratio, _STUDY, _TRIAL),
    "ttp_gain": Readout(ttp_gain, _STUDY, _TRIAL),
    "ttp_gain_through": Readout(ttp_gain_through, _THROUGH, _TRIAL),
    "os_benefit_through": Readout(os_benefit_through, _THROUGH, _TRIAL, share_of_benefit=True),
    "sooner": Readout(
        onset_difference,
        {"experiment": Named.EXPERIMENT, "quantity": Named.QUANTITY, "baseline": Named.QUANTITY},
        {Named.DAY: (EARLY, LATE)},
    ),
    "exposure_boundary": Readout(exposure_boundary, _STUDY, _TRIAL | {Named.PARAMETER: (SHIFT, CLEARANCE)}),
}
