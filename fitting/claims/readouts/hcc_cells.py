"""Read-outs of claims about `hcc_cells`: concentrations read off a dose-response series.

Start with `READOUTS`.
"""

from collections.abc import Mapping

import numpy as np

from kinimmune.fitting.claims.batch import ExperimentBatch
from kinimmune.fitting.claims.readout import Choice, Named, Readout
from kinimmune.fitting.claims.table import Claim
from kinimmune.models.arrays import Array
from kinimmune.models.experiments.dose_response import concentrations, crossing_concentration
from kinimmune.models.experiments.run import Readings
from kinimmune.models.library.hcc_cells import KINASES, MEDIUM, SHIFT

NANOMOL_PER_MICROMOL = 1000.0


def halving_concentration(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the concentration [umol/L] that halves a number of cells against no drug, shape (n,); infinite where none does."""
    untreated = batch.read(claim.experiment, claim.quantity, claim.day)
    number = _series(batch, claim).values[claim.quantity][0].reshape(-1, batch.size)
    return crossing_concentration(concentrations(), number / untreated, 1.0 / 2.0) / NANOMOL_PER_MICROMOL


def half_occupancy_error(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return |ln| of the free concentration that occupies half of a kinase over the shift times its IC50, shape (n,)."""
    occupied = _series(batch, claim).values[f"held_{claim.quantity}"][0].reshape(-1, batch.size)
    total = crossing_concentration(concentrations(), occupied, 1.0 / 2.0)
    shift, ic50, bound, share = (
        batch.parameter(name) for name in (SHIFT, f"ic50_{claim.quantity}", "unbound_fraction", "serum_protein_share")
    )
    free = total / (1.0 + share * (1.0 / bound - 1.0))
    return np.abs(np.log(free / (shift * ic50)))


def _series(batch: ExperimentBatch, claim: Claim) -> Readings:
    """Return one experiment at every concentration; columns are concentrations, and within each the batch."""
    return batch.cached(_run_series, claim.experiment, claim.day)


def _run_series(batch: ExperimentBatch, experiment: str, day: str) -> Readings:
    series = concentrations()
    sets = np.tile(batch.changed(experiment), series.size)
    sets[batch.row(MEDIUM)] = np.repeat(series, batch.size)
    return batch.run(experiment, sets, [batch.day(day)])


_SERIES = {"experiment": Named.EXPERIMENT, "day": Named.DAY}
READOUTS: Mapping[str, Readout] = {
    "halving_concentration": Readout(halving_concentration, _SERIES | {"quantity": Named.QUANTITY}, unit="umol/L"),
    "half_held": Readout(half_occupancy_error, _SERIES | {"quantity": Choice("kinase", tuple(KINASES))}),
}
