"""Read-outs of claims about `hcc_trial`: virtual trials of 64 common patients, and the order in which effects set in.

Start with `READOUTS`.  In these trials the drug is taken to the end (no branches), because the claims are about mechanisms.
"""

import math
from collections.abc import Callable

import numpy as np

from kinimmune.fitting.claims.batch import CLAIM_TOLERANCES, Laboratory
from kinimmune.fitting.claims.table import Claim
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError
from kinimmune.models.tables.readers import read_trials
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import DAYS_PER_MONTH, Endpoint, StopRule, Trial
from kinimmune.models.trial.population import draw_population, individual_values
from kinimmune.models.trial.survival import follow, hazard_ratio, progression_free
from kinimmune.models.trial.treatment_paths import ArmTask, Engine
from kinimmune.models.trial.virtual_trial import ArmOutcome, run_arms

PATIENTS = 64
HORIZON = 20.0
"""[month], beyond the follow-up of both trials"""
Arms = list[dict[str, ArmOutcome]]
"""One mapping arm -> outcome per parameter set."""


def os_hazard_ratio(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the hazard ratio of death in the study named by `experiment`, or the larger of two with `baseline`, shape (n,)."""
    return _largest(laboratory, claim, Endpoint.OS)


def ttp_hazard_ratio(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the hazard ratio of progression, of one study or the larger of two as above, shape (n,)."""
    return _largest(laboratory, claim, Endpoint.TTP)


def _largest(laboratory: Laboratory, claim: Claim, endpoint: Endpoint) -> Array:
    studies = [study for study in (claim.experiment, claim.baseline) if study]
    return np.asarray(np.max([_hazard_ratios(laboratory, study, endpoint) for study in studies], axis=0))


def ttp_gain(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the gain in progression-free probability at the fourth scan over placebo, shape (n,)."""
    return _each(laboratory, claim.experiment, _gain)


def ttp_gain_through(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the part of that gain that is lost without the claim's first mechanism, as a fraction, shape (n,)."""
    whole = ttp_gain(laboratory, claim)
    return 1.0 - _quotient(ttp_gain(laboratory.without(claim.arrows[0]), claim), whole)


def os_benefit_through(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the part of ln HR of death that is lost without the claim's first mechanism, as a fraction, shape (n,)."""
    whole = np.log(os_hazard_ratio(laboratory, claim))
    return 1.0 - _quotient(np.log(os_hazard_ratio(laboratory.without(claim.arrows[0]), claim)), whole)


def sooner(laboratory: Laboratory, claim: Claim) -> Array:
    """Return how much more of its day-28 effect `quantity` shows on the first day than the quantity named by `baseline`."""
    return _progress(laboratory, claim.experiment, claim.quantity) - _progress(laboratory, claim.experiment, claim.baseline)


def _progress(laboratory: Laboratory, experiment: str, quantity: str) -> Array:
    early, late = (laboratory.read(experiment, quantity, day) for day in ("day1", "day28"))
    return _quotient(1.0 - early, 1.0 - late)


def _quotient(above: Array, below: Array) -> Array:
    """Return above / below, NaN where there is nothing to divide by."""
    return np.asarray(np.divide(above, below, out=np.full(above.shape, math.nan), where=below != 0.0))


def exposure_boundary(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the smallest kinase shift at which doubling exposure gains a hundredth at the fourth scan, shape (n,).

    The literature disagrees on whether exposure matters: below this shift kinases are full and it does not.
    """
    names = laboratory.bench.compiled.model.parameter_names
    shift, clearance = names.index("kinase_shift"), names.index("clearance")
    grid = np.geomspace(1e-3, 10.0, 13)
    found = []
    for column in laboratory.parameters.T:
        sets = np.repeat(column[:, None], 2 * grid.size, axis=1)
        sets[shift] = np.tile(grid, 2)
        sets[clearance, grid.size :] /= 2.0
        gains = ttp_gain(Laboratory(laboratory.bench, sets, laboratory.cut, laboratory.seed), claim)
        difference = gains[grid.size :] - gains[: grid.size]
        found.append(grid[int(np.argmax(difference >= 0.01))] if np.any(difference >= 0.01) else math.inf)
    return np.array(found)


def _gain(arms: dict[str, ArmOutcome]) -> float:
    treated, control = (progression_free(item)[3] for item in _both(arms))
    return float(treated - control)


def _both(arms: dict[str, ArmOutcome]) -> tuple[ArmOutcome, ArmOutcome]:
    """Return the treated and the control outcome."""
    treated, control = sorted(arms.values(), key=lambda item: item.arm.control)
    return treated, control


def _hazard_ratios(laboratory: Laboratory, study: str, endpoint: Endpoint) -> Array:
    trial = _trial(study)

    def of(arms: dict[str, ArmOutcome]) -> float:
        treated, control = (follow(item, endpoint, trial.follow_up[endpoint]) for item in _both(arms))
        try:
            return hazard_ratio(treated, control)
        except DataError:  # a draw under which nobody progresses or dies has no ratio
            return math.nan

    return _each(laboratory, study, of)


def _each(laboratory: Laboratory, study: str, read: Callable[[dict[str, ArmOutcome]], float]) -> Array:
    arms = laboratory.once(f"trial {study}", lambda: _run(laboratory, _trial(study)))
    return np.array([read(item) for item in arms])


def _trial(study: str) -> Trial:
    return next(trial for trial in read_trials(Tables()) if trial.study == study)


def _run(laboratory: Laboratory, trial: Trial) -> Arms:
    bench = laboratory.bench
    engine = Engine(bench.compiled, bench.integrate, CLAIM_TOLERANCES, HORIZON * DAYS_PER_MONTH)
    model = bench.compiled.model
    population = draw_population(model.parameters, PATIENTS, laboratory.seed)
    tasks = []
    for column in laboratory.changed("placebo").T:
        values = dict(zip(model.parameter_names, map(float, column), strict=True))
        patients = individual_values(model.parameters, values, population)
        tasks += [ArmTask(trial, arm, StopRule.NEVER, patients) for arm in trial.arms]
    outcomes = run_arms(engine, tasks, bench.jobs)
    width = len(trial.arms)
    return [{item.arm.name: item for item in outcomes[first : first + width]} for first in range(0, len(outcomes), width)]


READOUTS = {
    "os_hazard_ratio": os_hazard_ratio,
    "ttp_hazard_ratio": ttp_hazard_ratio,
    "ttp_gain": ttp_gain,
    "ttp_gain_through": ttp_gain_through,
    "os_benefit_through": os_benefit_through,
    "sooner": sooner,
    "exposure_boundary": exposure_boundary,
}
