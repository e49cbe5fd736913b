"""Sets of values of a model's parameters with which claims are tested: the tables' values, draws from priors, and estimates.

Start with `read_sets` or `draw_sets`; `with_estimates` puts what a fit found, or draws from its posterior, in their place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.claims.batch import ExperimentBatch, ExperimentSetup
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.parameters import Parameter, Scale
from kinimmune.models.symbolic.scope import parameters_of


@dataclass(frozen=True)
class ParameterSets:
    """Values of the parameters, n sets side by side."""

    shared: Array
    """One row per name, shape (n_parameters, n); of a parameter that differs by study that of its first study."""
    own: Mapping[str, Array]
    """Key of a parameter that belongs to one study, arm or drug -> its values, shape (n,)."""

    def __post_init__(self) -> None:
        """Refuse values of different numbers of sets."""
        for key, values in self.own.items():
            if values.shape != self.shared.shape[1:]:
                raise DataError(f"parameter '{key}' has {values.size} values for {self.shared.shape[1]} sets; give one per set")

    def first(self, n: int) -> "ParameterSets":
        """Return the first n sets."""
        return ParameterSets(self.shared[:, :n], {key: values[:n] for key, values in self.own.items()})

    def to_batch(self, setup: ExperimentSetup, seed: int) -> ExperimentBatch:
        """Return the sets with the experiments that are run with them."""
        return ExperimentBatch(setup, self.shared, seed=seed, own=self.own)


def nominal(parameters: Sequence[Parameter]) -> Array:
    """Return the table's values, shape (n_parameters, 1), a study-specific parameter at its first study's."""
    return np.array([[item.value] for item in parameters_of(parameters, None)])


def draw_parameters(parameters: Sequence[Parameter], draws: int, width: float, seed: int) -> Array:
    """Return independent draws from the priors, shape (n_parameters, draws); a fixed parameter keeps its value.

    Parameters
    ----------
    parameters
        of the model
    draws
        number of parameter sets
    width
        factor on the standard deviation of every prior: 1 as declared, .5 halved
    seed
        of the draws; the same z-scores serve every width
    """
    generator = np.random.default_rng(seed)
    return np.array([_draw(item, width * generator.standard_normal(draws)) for item in parameters_of(parameters, None)])


def read_sets(parameters: Sequence[Parameter], n: int = 1) -> ParameterSets:
    """Return n sets that all are the tables' values."""
    shared = np.repeat(nominal(parameters), n, axis=1)
    return ParameterSets(shared, {item.key: np.full(n, item.value) for item in parameters if _is_own(item)})


def draw_sets(parameters: Sequence[Parameter], draws: int, width: float, seed: int) -> ParameterSets:
    """Return independent draws from the priors, those of each study, arm and drug among them.

    Arguments as of `draw_parameters`.
    """
    shared = draw_parameters(parameters, draws, width, seed)
    rows = {item.key: row for item, row in zip(parameters_of(parameters, None), shared, strict=True)}
    generator = np.random.default_rng([seed, 1])
    own: dict[str, Array] = {}
    for item in filter(_is_own, parameters):
        own[item.key] = rows[item.key] if item.key in rows else _draw(item, width * generator.standard_normal(draws))
    return ParameterSets(shared, own)


def with_estimates(sets: ParameterSets, parameters: Sequence[Parameter], values: Mapping[str, Array]) -> ParameterSets:
    """Return sets with other values of some parameters.

    Parameters
    ----------
    sets
        of all parameters
    parameters
        of the model
    values
        key of an estimated parameter -> its values, shape (n,)

    Raises
    ------
    DataError
        for a parameter the model does not have
    """
    rows = {item.key: row for row, item in enumerate(parameters_of(parameters, None))}
    shared, own = sets.shared.copy(), dict(sets.own)
    for key, drawn in values.items():
        if key not in rows and key not in own:
            raise DataError(f"no parameter '{key}' in the model whose claims are tested; fit it again")
        if key in rows:
            shared[rows[key]] = drawn
        if key in own:
            own[key] = drawn
    return ParameterSets(shared, own)


def _is_own(item: Parameter) -> bool:
    return item.study is not None or not item.everywhere


def _draw(item: Parameter, scores: Array) -> Array:
    if item.prior.scale is Scale.FIXED:
        return np.full(scores.size, item.value)
    return np.array([item.prior.from_z(score) for score in scores.tolist()])
