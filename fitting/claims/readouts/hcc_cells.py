"""Read-outs of claims about `hcc_cells`: what a series of concentrations shows.

Start with `READOUTS`.
"""

import numpy as np

from kinimmune.fitting.claims.batch import CLAIM_TOLERANCES, Laboratory
from kinimmune.fitting.claims.table import Claim
from kinimmune.models.arrays import Array
from kinimmune.models.experiments.dose_response import concentrations, crossing_concentration
from kinimmune.models.experiments.run import Readings, run_experiment

NANOMOL_PER_MICROMOL = 1000.0


def halving_concentration(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the concentration [umol/L] that halves a number of cells against no drug, shape (n,); infinite where none does."""
    untreated = laboratory.read(claim.experiment, claim.quantity, claim.day)
    number = _series(laboratory, claim).values[claim.quantity][0].reshape(-1, laboratory.size)
    return crossing_concentration(concentrations(), number / untreated, 1.0 / 2.0) / NANOMOL_PER_MICROMOL


def half_held(laboratory: Laboratory, claim: Claim) -> Array:
    """Return how far the free concentration that holds half of a kinase lies from the shift times its IC50, |ln ratio|, (n,)."""
    held = _series(laboratory, claim).values[f"held_{claim.quantity}"][0].reshape(-1, laboratory.size)
    total = crossing_concentration(concentrations(), held, 1.0 / 2.0)
    shift, ic50, bound, share = (
        _parameter(laboratory, name)
        for name in ("kinase_shift", f"ic50_{claim.quantity}", "unbound_fraction", "serum_protein_share")
    )
    free = total / (1.0 + share * (1.0 / bound - 1.0))
    return np.abs(np.log(free / (shift * ic50)))


def _parameter(laboratory: Laboratory, name: str) -> Array:
    row: Array = laboratory.parameters[laboratory.bench.compiled.model.parameter_names.index(name)]
    return row


def _series(laboratory: Laboratory, claim: Claim) -> Readings:
    """Return one experiment at every concentration; columns are concentrations, and within each the batch."""
    return laboratory.once(f"series {claim.experiment} {claim.day}", lambda: _run(laboratory, claim))


def _run(laboratory: Laboratory, claim: Claim) -> Readings:
    bench, series = laboratory.bench, concentrations()
    sets = np.tile(laboratory.changed(claim.experiment), series.size)
    sets[bench.compiled.model.parameter_names.index("medium_concentration")] = np.repeat(series, laboratory.size)
    experiment, days = bench.experiments[claim.experiment], (laboratory.day(claim.day),)
    return run_experiment(bench.compiled, bench.integrate, experiment, sets, days, CLAIM_TOLERANCES)


READOUTS = {"halving_concentration": halving_concentration, "half_held": half_held}
