"""Read-outs of claims about `breast`: what a change takes of the inhibitor's effect, independence, and the order of effects.

Start with `READOUTS`.
"""

import math

import numpy as np

from kinimmune.fitting.claims.batch import CLAIM_TOLERANCES, Laboratory
from kinimmune.fitting.claims.table import Claim
from kinimmune.models.arrays import Array
from kinimmune.models.experiments.run import Readings, run_experiment

TREATED, CONTROL = "cdk46i", "vehicle"
NO_EFFECT = math.log(1.05)
"""Change of a logarithm below which there is no effect to lose."""
NO_MOVE = math.log(1.01)
"""The same where only the share of an effect is asked for, not its size."""
SINGLES = {"cdk46i_low_pd1": ("cdk46i", "low_pd1"), "m1_medium_low_pd1": ("m1_medium", "low_pd1")}
"""Combination -> what it combines."""
CASCADE = ("mif", "m1_fraction", "cd8_cells")
"""The order in which effects should set in."""
MOMENTS = 80
"""Read-out times of the cascade."""
FIRST = 1e-3
"""First of them after the drug, as a share of the time to the last."""


def effect_lost(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the share of the inhibitor's effect on a quantity, up or down, that is missing under `experiment`, shape (n,).

    1 - (experiment - baseline) / (inhibitor - vehicle); NaN where the inhibitor moves it by less than 1 %.
    """
    treated, control, changed, base = _four(laboratory, claim)
    moved = np.where(np.abs(np.log(treated / control)) > NO_MOVE, treated - control, math.nan)
    return 1.0 - (changed - base) / moved


def benefit_lost(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the share of the inhibitor's reduction of tumour volume that is missing under `experiment`, shape (n,).

    1 - ln(experiment / baseline) / ln(inhibitor / vehicle); NaN where the inhibitor reduces it by less than 5 %.
    """
    treated, control, changed, base = _four(laboratory, claim)
    reduced = np.log(treated / control)
    return 1.0 - np.log(changed / base) / np.where(reduced < -NO_EFFECT, reduced, math.nan)


def bliss_excess(laboratory: Laboratory, claim: Claim) -> Array:
    """Return how much more a combination lowers the growth rate than independent actions would, shape (n,).

    With growth r = ln(volume over that at the start of treatment): (r_a + r_b - r_ab - r_v) / r_v, r_v under vehicle.  Cells that
    survive two independent actions are the product of the shares that survive each (Bliss), so that losses of growth rate add.
    NaN where the vehicle's tumour shrank or passed half its capacity, near which every effect is compressed.
    """
    first, second = (_growth(laboratory, claim, name) for name in SINGLES[claim.experiment])
    control = _growth(laboratory, claim, claim.baseline)
    comparable = (control > 0.0) & (laboratory.read(claim.baseline, "growth_room", claim.day) < 1.0 / 2.0)
    excess = first + second - _growth(laboratory, claim, claim.experiment) - control
    return excess / np.where(comparable, control, math.nan)


def cascade_order(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the shortest time [d] by which one effect of the cascade comes before the next, shape (n,).

    An effect, up or down, has come when half of its largest size is reached; NaN where one of them never reaches 5 %.
    """
    start, end = laboratory.day("start"), laboratory.day("end")
    days = start + (end - start) * np.geomspace(FIRST, 1.0, MOMENTS)
    treated, control = (_course(laboratory, name, days) for name in (claim.experiment, claim.baseline))
    reached = [_half_time(np.abs(np.log(treated.values[name] / control.values[name])), days) for name in CASCADE]
    gaps: Array = np.min(np.diff(np.array(reached), axis=0), axis=0)
    return gaps


def helpful_from(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the smallest value of the parameter named by `quantity` at which adding a drug gains 5 %, shape (n,).

    Searched on a grid of powers around the table's value; infinite where it never does.
    """
    row = laboratory.bench.compiled.model.parameter_names.index(claim.quantity)
    grid = laboratory.bench.compiled.model.parameters[row].value * np.geomspace(0.01, 100.0, 13)
    sets = np.repeat(laboratory.parameters, grid.size, axis=1)
    sets[row] = np.tile(grid, laboratory.size)
    tried = Laboratory(laboratory.bench, sets, laboratory.cut, laboratory.seed)
    above, below = (tried.read(name, "tumour_volume", claim.day) for name in (claim.experiment, claim.baseline))
    useful = (np.log(above / below) < -NO_EFFECT).reshape(laboratory.size, grid.size)
    return np.where(useful.any(axis=1), grid[np.argmax(useful, axis=1)], math.inf)


def _four(laboratory: Laboratory, claim: Claim) -> tuple[Array, Array, Array, Array]:
    """Return the quantity under inhibitor, vehicle, and the two arms of the claim, each of shape (n,)."""
    names = (TREATED, CONTROL, claim.experiment, claim.baseline)
    treated, control, changed, base = (laboratory.read(name, claim.quantity, claim.day) for name in names)
    return treated, control, changed, base


def _growth(laboratory: Laboratory, claim: Claim, experiment: str) -> Array:
    """Return ln of the volume over that at the start of treatment, shape (n,)."""
    return np.log(laboratory.read(experiment, claim.quantity, claim.day) / laboratory.read(experiment, claim.quantity, "start"))


def _course(laboratory: Laboratory, experiment: str, days: Array) -> Readings:
    bench = laboratory.bench
    return run_experiment(
        bench.compiled,
        bench.integrate,
        bench.experiments[experiment],
        laboratory.changed(experiment),
        tuple(map(float, days)),
        CLAIM_TOLERANCES,
    )


def _half_time(effect: Array, days: Array) -> Array:
    """Return when `effect`, shape (n_days, n), first reaches half of its largest value, between days by a straight line."""
    half = effect.max(axis=0) / 2.0
    after = np.argmax(effect >= half, axis=0)
    columns = np.arange(effect.shape[1])
    before = np.maximum(after - 1, 0)
    low, high = effect[before, columns], effect[after, columns]
    share = np.divide(half - low, high - low, out=np.zeros_like(half), where=high > low)
    time = days[before] + share * (days[after] - days[before])
    return np.where(effect.max(axis=0) > NO_EFFECT, time, math.nan)


READOUTS = {
    "effect_lost": effect_lost,
    "benefit_lost": benefit_lost,
    "bliss_excess": bliss_excess,
    "cascade_order": cascade_order,
    "helpful_from": helpful_from,
}
