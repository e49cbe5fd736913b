"""How any cell line of `hcc_cells` responds to any concentration: two integrals of the model, and traits that enter linearly.

Start with `find_response`; `Response.log_ic50` is ln of the concentration that halves a line within the time of the experiment.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array
from kinimmune.models.catalogue import load_model
from kinimmune.models.experiments.dose_response import concentrations, log_halving
from kinimmune.models.library.hcc_cells import LINES
from kinimmune.models.solvers.individual import simulate
from kinimmune.models.symbolic.compile import CompiledModel, compile_model
from kinimmune.models.symbolic.parameters import Parameter, Scale
from kinimmune.models.tables.readers import read_days
from kinimmune.models.tables.rows import Tables

SHIFT = "kinase_shift"
LOWEST_LOAD = 1e-3
"""Of RAF by drug; the series goes up from here by six decades."""


@dataclass(frozen=True)
class Response:
    """x = g [T - b L(load)] - a M(load): ln of a line's number after T days, in its traits g, b and a."""

    free: tuple[Parameter, ...]
    """Parameters a fit moves."""
    fixed: Mapping[str, float]
    """All parameters at the table's values."""
    load: Array
    """Free drug over shift times IC50 of RAF-1, shape (k,)"""
    division: Array
    """L, days of division lost by a line all of whose division needs cyclin D1, shape (k,)"""
    death: Array
    """M, days of full apoptosis, shape (k,)"""

    def log_ic50(self, line: str, points: Array) -> Array:
        """Return ln IC50 [nmol/L] of a line, shape (n,), at points in prior standard deviations, shape (n_free, n).

        Where no concentration halves the line, the value is finite and lies above `log_ceiling`.
        """
        values = self._values(points)
        lost = np.outer(self.division, values[f"growth_{line}"] * values[f"raf_dependence_{line}"])
        died = np.outer(self.death, values[f"death_{line}"])
        found: Array = log_halving(self.load, -lost - died) + _log_unit(values)
        return found

    def log_ceiling(self, points: Array) -> Array:
        """Return ln of the highest concentration of the series [nmol/L], shape (n,)."""
        ceiling: Array = math.log(self.load[-1]) + _log_unit(self._values(points))
        return ceiling

    def _values(self, points: Array) -> dict[str, Array | float]:
        return dict(self.fixed) | {item.name: value_at(item, row) for item, row in zip(self.free, points, strict=True)}


def find_response(tables: Tables) -> Response:
    """Return the response of the model with the tables of a folder, None for the package's."""
    model = load_model("hcc_cells", tables)
    compiled = compile_model(model)
    values = {item.name: item.value for item in model.parameters}
    days = next(day for owner, name, day in read_days(tables) if (owner, name) == ("hcc_cells", "h72"))
    load = concentrations() / concentrations()[0] * LOWEST_LOAD
    division, death = np.array([_integrals(compiled, values, float(item), days) for item in load]).T
    return Response(tuple(item for item in model.parameters if item.estimated), values, load, division, death)


def value_at(item: Parameter, scores: Array) -> Array:
    """Return a parameter at scores in prior standard deviations."""
    line = item.prior.scale.to_line(item.prior.median) + item.prior.sd * scores
    if item.prior.scale is Scale.LOGNORMAL:
        return np.exp(line)
    return 1.0 / (1.0 + np.exp(-line)) if item.prior.scale is Scale.LOGITNORMAL else line


def _log_unit(values: Mapping[str, Array | float]) -> Array:
    """Return ln of the total concentration [nmol/L] at a load of one."""
    bound_over_free = values["serum_protein_share"] * (1.0 / values["unbound_fraction"] - 1.0)
    unit: Array = np.log(values[SHIFT] * values["ic50_raf"] * (1.0 + bound_over_free))
    return unit


def _integrals(compiled: CompiledModel, values: Mapping[str, float], load: float, days: float) -> tuple[float, float]:
    """Return L and M at a load, read off two lines with the traits 1, 1, 0 and 0, 0, 1."""
    pure, dying = tuple(LINES)[:2]
    traits = {f"growth_{pure}": 1.0, f"raf_dependence_{pure}": 1.0, f"death_{pure}": 0.0}
    traits |= {f"growth_{dying}": 0.0, f"death_{dying}": 1.0}
    traits["medium_concentration"] = load * math.exp(float(_log_unit(values)))
    end = simulate(compiled, {**values, **traits}, np.array([0.0, days])).states[:, -1]
    names = compiled.model.state_names
    return days - float(end[names.index(f"log_{pure}")]), -float(end[names.index(f"log_{dying}")])
