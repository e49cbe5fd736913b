"""How any cell line responds to any concentration: two integrals of the model, and traits of the line that enter linearly.

Start with `find_response`; `Response.log_ic50` is ln of the concentration that halves a line within the time of the experiment.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError
from kinimmune.models.experiments.dose_response import concentrations, log_ic50
from kinimmune.models.library import hcc_cells
from kinimmune.models.solvers.individual import simulate
from kinimmune.models.symbolic.compile import CompiledModel, compile_model
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.symbolic.scales import invert
from kinimmune.models.tables.readers import read_days
from kinimmune.models.tables.rows import Tables

LOWEST_LOAD = 1e-3
"""Lowest load of the driving kinase in the series of concentrations, which goes up from here by six decades."""


@dataclass(frozen=True)
class Response:
    """x = g [T - b L(load)] - a M(load): ln of a line's number after T days, in its traits g, b and a."""

    estimated: tuple[Parameter, ...]
    """Parameters a fit moves."""
    fixed: Mapping[str, float]
    """All parameters at the table's values."""
    load: Array
    """Free drug over shift times IC50 of the driving kinase, shape (k,)."""
    lost_days: Array
    """L, days of division lost by a line all of whose division needs cyclin D1, shape (k,)."""
    dying_days: Array
    """M, days of full apoptosis, shape (k,)."""

    def log_ic50(self, line: str, z: Array) -> Array:
        """Return ln IC50 [nmol/L] of a line, shape (n,), at z-scores of the estimated parameters, shape (n_estimated, n).

        Where no concentration halves the line, the value is finite and lies above `log_ceiling`.
        """
        values, names = self._values(z), hcc_cells.line_names(line)
        lost = np.outer(self.lost_days, values[names.growth_rate] * values[names.dependence])
        died = np.outer(self.dying_days, values[names.death_rate])
        logarithm: Array = log_ic50(self.load, -lost - died) + _log_unit(values)
        return logarithm

    def log_ceiling(self, z: Array) -> Array:
        """Return ln of the highest concentration of the series [nmol/L], shape (n,)."""
        ceiling: Array = math.log(self.load[-1]) + _log_unit(self._values(z))
        return ceiling

    def _values(self, z: Array) -> dict[str, Array | float]:
        return dict(self.fixed) | {item.name: value_at(item, row) for item, row in zip(self.estimated, z, strict=True)}


def find_response(tables: Tables) -> Response:
    """Return the response of the model with some tables; raises a `DataError` where they lack the last read-out day."""
    name = hcc_cells.hcc_cells.__name__
    model = load_model(name, tables)
    compiled = compile_model(model)
    values = {item.name: item.value for item in model.parameters}
    days = read_days(name, tables)
    if hcc_cells.LAST_DAY not in days:
        raise DataError(f"experiments.csv has no read-out day '{hcc_cells.LAST_DAY}' of {name}; add a row of kind 'day'")
    load = concentrations() / concentrations()[0] * LOWEST_LOAD
    lost, dying = np.array([_integrals(compiled, values, float(item), days[hcc_cells.LAST_DAY]) for item in load]).T
    return Response(tuple(item for item in model.parameters if item.estimated), values, load, lost, dying)


def value_at(item: Parameter, z: Array) -> Array:
    """Return the values of a parameter at z-scores of its prior."""
    scale = item.prior.scale
    return invert(scale, scale.transform(item.prior.median) + item.prior.sd * z)


def _log_unit(values: Mapping[str, Array | float]) -> Array:
    """Return ln of the total concentration [nmol/L] at a load of one."""
    return np.log(hcc_cells.half_occupancy_concentration(values, hcc_cells.DRIVER))


def _integrals(compiled: CompiledModel, values: Mapping[str, float], load: float, days: float) -> tuple[float, float]:
    """Return L and M at a load, read off two lines with the traits 1, 1, 0 and 0, 0, 1."""
    pure, dying = (hcc_cells.line_names(line) for line in tuple(hcc_cells.LINES)[:2])
    traits = {pure.growth_rate: 1.0, pure.dependence: 1.0, pure.death_rate: 0.0, dying.growth_rate: 0.0, dying.death_rate: 1.0}
    traits[hcc_cells.MEDIUM] = load * math.exp(float(_log_unit(values)))
    end = simulate(compiled, {**values, **traits}, np.array([0.0, days])).states[:, -1]
    names = compiled.model.state_names
    return days - float(end[names.index(pure.log_number)]), -float(end[names.index(dying.log_number)])
