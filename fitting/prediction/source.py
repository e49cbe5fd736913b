"""Where the parameters of a prediction come from: the posterior of a run, the priors, or the values of tables.

Start with `take_run` and `take_model`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kinimmune.fitting.estimation.fitted import Fitted
from kinimmune.fitting.problem.changes import apply_changes
from kinimmune.fitting.problem.settings import open_problem, open_tables
from kinimmune.fitting.sampling.description import normal_approximation
from kinimmune.fitting.sampling.posterior import read_posterior
from kinimmune.models.arrays import Array
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.tables.rows import Tables

PRIOR, TABLES, ESTIMATES = "prior", "tables", "estimates"
"""Bases of a prediction without a run, and of one at the estimates of a run; those over its posterior are the keys of
`posterior_draws.BASES`."""


@dataclass(frozen=True)
class ParameterSource:
    """Values and draws of a model's parameters."""

    model: OdeModel
    tables: Tables
    basis: str
    """A key of `posterior_draws.BASES`, `PRIOR`, `TABLES` or `ESTIMATES`."""
    note: str
    """In words."""
    parameters: tuple[Parameter, ...]
    """Of the model, at their values: of a run as it was fitted, changes of the call included."""
    names: tuple[str, ...]
    """Keys of what the posterior is of; none without a run."""
    draws: Array
    """Shape (k, number of names); one row where there is one point."""
    effective: float | None
    """How many independent draws they count for; None for all of them."""
    studies: frozenset[str]
    """Studies that were fitted; none without a run."""
    covariance: Array | None = None
    """Of the z-scores of what the posterior is of, by the curvature at the optimum; None without a run."""
    constants: frozenset[str] = frozenset()
    """Keys of those that the run held, drawn within their priors."""

    def __post_init__(self) -> None:
        """Refuse draws of other parameters than are named."""
        if self.draws.shape[1:] != (len(self.names),):
            raise DataError(f"draws of {self.draws.shape[1:]} values for {len(self.names)} parameters; give one for each")


def take_run(fitted: Fitted, draws: int, seed: int) -> ParameterSource:
    """Return the posterior of a run: its sample where that has converged, else the normal approximation at the optimum.

    Constants stay at the values they had in the fit.

    Parameters
    ----------
    fitted
        the fit of the run
    draws, seed
        how many are wanted, and the seed by which they are drawn or put in order

    Raises
    ------
    DataError
        when a file of the run cannot be used
    """
    posterior = read_posterior(fitted, draws, seed)
    tables = open_tables(fitted.folder)
    model = load_model(fitted.settings.model, tables)
    return ParameterSource(
        model=model,
        tables=tables,
        basis=posterior.basis,
        note=posterior.note,
        parameters=set_values(apply_changes(model.parameters, fitted.settings.changes), posterior.names, posterior.estimates),
        names=posterior.names,
        draws=posterior.draws,
        effective=posterior.effective,
        covariance=normal_approximation(fitted).covariance,
        studies=frozenset(trial.study for trial in open_problem(fitted.settings, fitted.folder).trials),
    )


def take_estimates(source: ParameterSource) -> ParameterSource:
    """Return the estimates of a run as one point, in place of the draws that lie about them."""
    values = {item.key: item.value for item in source.parameters}
    row = np.array([[values[name] for name in source.names]])
    note = "the estimates of the run, without uncertainty"
    return replace(source, basis=ESTIMATES, note=note, draws=row, effective=None, covariance=None)


def take_model(model: OdeModel, tables: Tables, draws: int | None) -> ParameterSource:
    """Return the values of the tables, or as many draws from the priors.

    Parameters
    ----------
    model
        with its parameters
    tables
        they were read from
    draws
        None for the values
    """
    basis = TABLES if draws is None else PRIOR
    note = "the values of the tables, without uncertainty" if draws is None else f"{draws} draws from the priors of the tables"
    rows = np.zeros((draws or 1, 0))
    return ParameterSource(model, tables, basis, note, model.parameters, (), rows, None, frozenset())


def set_values(parameters: Sequence[Parameter], names: Sequence[str], values: Array) -> tuple[Parameter, ...]:
    """Return parameters with those of the names at other values, shape (number of names,)."""
    found = dict(zip(names, values.tolist(), strict=True))
    return tuple(replace(item, value=found[item.key]) if item.key in found else item for item in parameters)
