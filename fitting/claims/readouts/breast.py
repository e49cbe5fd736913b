"""Read-outs of claims about `breast`: the share of an effect that is lost, independence of two drugs, and the order of effects.

Start with `READOUTS`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.claims.batch import ExperimentBatch
from kinimmune.fitting.claims.readout import Choice, Named, Readout
from kinimmune.fitting.claims.table import Claim
from kinimmune.models.arrays import Array
from kinimmune.models.experiments.run import Readings

TREATED, CONTROL = "cdk46i", "vehicle"
NO_EFFECT = math.log(1.05)
"""Change of a logarithm below which there is no effect to lose."""
NO_MOVE = math.log(1.01)
"""The same where only the share of an effect is asked for, not its size."""
SINGLES = {"cdk46i_low_pd1": ("cdk46i", "low_pd1"), "m1_medium_low_pd1": ("m1_medium", "low_pd1")}
"""Combination -> the two treatments it combines."""
CASCADE = ("mif", "m1_fraction", "cd8_cells")
"""Quantities in the order in which effects should set in."""
TUMOUR, ROOM = "tumour_volume", "growth_room"
START, END = "start", "end"
"""Read-out days: first dose and end of the experiment."""
TIMES = 80
"""Number of read-out times of the cascade."""
FIRST_TIME = 1e-3
"""First of them after the first dose, as a share of the time to the end."""


@dataclass(frozen=True)
class ArmValues:
    """A quantity under four treatments, shape (n,) each."""

    inhibitor: Array
    vehicle: Array
    experiment: Array
    """Under the claim's experiment."""
    baseline: Array
    """Under the claim's baseline."""


def effect_lost(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the share of the inhibitor's effect on a quantity, up or down, that is missing under `experiment`, shape (n,).

    1 - (experiment - baseline) / (inhibitor - vehicle); NaN where the inhibitor moves it by less than 1 %.
    """
    arms = _read_arms(batch, claim)
    moved = np.where(np.abs(np.log(arms.inhibitor / arms.vehicle)) > NO_MOVE, arms.inhibitor - arms.vehicle, math.nan)
    return 1.0 - (arms.experiment - arms.baseline) / moved


def benefit_lost(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the share of the inhibitor's reduction of tumour volume that is missing under `experiment`, shape (n,).

    1 - ln(experiment / baseline) / ln(inhibitor / vehicle); NaN where the inhibitor reduces it by less than 5 %.
    """
    arms = _read_arms(batch, claim)
    reduced = np.log(arms.inhibitor / arms.vehicle)
    return 1.0 - np.log(arms.experiment / arms.baseline) / np.where(reduced < -NO_EFFECT, reduced, math.nan)


def bliss_excess(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return how much more a combination lowers the growth rate than independent actions would, shape (n,).

    With growth r = ln(volume over that at the start of treatment): (r_a + r_b - r_ab - r_v) / r_v, r_v under vehicle.  Cells that
    survive two independent actions are the product of the shares that survive each (Bliss), so that losses of growth rate add.
    NaN where the vehicle's tumour shrank or passed half its capacity, near which every effect is compressed.
    """
    first, second = (_growth(batch, claim, name) for name in SINGLES[claim.experiment])
    control = _growth(batch, claim, claim.baseline)
    comparable = (control > 0.0) & (batch.read(claim.baseline, ROOM, claim.day) < 1.0 / 2.0)
    excess = first + second - _growth(batch, claim, claim.experiment) - control
    return excess / np.where(comparable, control, math.nan)


def cascade_order(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the shortest time [d] by which one effect of the cascade comes before the next, shape (n,).

    An effect, up or down, has come when half of its largest size is reached; NaN where one of them never reaches 5 %.
    """
    start, end = batch.day(START), batch.day(END)
    days = start + (end - start) * np.geomspace(FIRST_TIME, 1.0, TIMES)
    treated, control = (_run(batch, name, days) for name in (claim.experiment, claim.baseline))
    reached = [_half_time(np.abs(np.log(treated.values[name] / control.values[name])), days) for name in CASCADE]
    gaps: Array = np.min(np.diff(np.array(reached), axis=0), axis=0)
    return gaps


def helpful_from(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the smallest value of the parameter named by `quantity` at which adding a drug gains 5 %, shape (n,).

    Searched on a grid of powers around the table's value; infinite where it never does.
    """
    grid = batch.setup.compiled.model.parameters[batch.row(claim.quantity)].value * np.geomspace(0.01, 100.0, 13)
    tried = batch.repeated(grid.size).with_values(claim.quantity, np.tile(grid, batch.size))
    above, below = (tried.read(name, TUMOUR, claim.day) for name in (claim.experiment, claim.baseline))
    useful = (np.log(above / below) < -NO_EFFECT).reshape(batch.size, grid.size)
    return np.where(useful.any(axis=1), grid[np.argmax(useful, axis=1)], math.inf)


def _read_arms(batch: ExperimentBatch, claim: Claim) -> ArmValues:
    names = (TREATED, CONTROL, claim.experiment, claim.baseline)
    return ArmValues(*(batch.read(name, claim.quantity, claim.day) for name in names))


def _growth(batch: ExperimentBatch, claim: Claim, experiment: str) -> Array:
    """Return ln of the volume over that at the start of treatment, shape (n,)."""
    return np.log(batch.read(experiment, claim.quantity, claim.day) / batch.read(experiment, claim.quantity, START))


def _run(batch: ExperimentBatch, experiment: str, days: Array) -> Readings:
    return batch.run(experiment, batch.changed(experiment), [float(day) for day in days])


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


_PAIR = {"experiment": Named.EXPERIMENT, "baseline": Named.EXPERIMENT}
_COMPARED = _PAIR | {"quantity": Named.QUANTITY, "day": Named.DAY}
_ARMS = {Named.EXPERIMENT: (TREATED, CONTROL)}
READOUTS: Mapping[str, Readout] = {
    "effect_lost": Readout(effect_lost, _COMPARED, _ARMS),
    "benefit_lost": Readout(benefit_lost, _COMPARED, _ARMS),
    "bliss_excess": Readout(
        bliss_excess,
        _COMPARED | {"experiment": Choice("combination", tuple(SINGLES))},
        {
            Named.EXPERIMENT: tuple(dict.fromkeys(name for pair in SINGLES.values() for name in pair)),
            Named.QUANTITY: (ROOM,),
            Named.DAY: (START,),
        },
    ),
    "cascade_order": Readout(cascade_order, _PAIR, {Named.QUANTITY: CASCADE, Named.DAY: (START, END)}, unit="d"),
    "helpful_from": Readout(
        helpful_from, _PAIR | {"quantity": Named.PARAMETER, "day": Named.DAY}, {Named.QUANTITY: (TUMOUR,)}, Named.PARAMETER
    ),
}
