"""Virtual patients: low-discrepancy points mapped through the distributions between patients.

Start with `draw_population` and `individual_values`.  A population is drawn once and kept while parameters move, so that
every prediction is a smooth function of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from kinimmune.models.arrays import Array
from kinimmune.models.errors import UsageError
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.symbolic.scales import invert


@dataclass(frozen=True)
class Population:
    """Standard normal scores of virtual patients, one row per parameter that varies between patients."""

    names: tuple[str, ...]
    """Parameters that vary."""
    scores: Array
    """shape (n_varying, n_patients)"""
    seed: int

    @property
    def patients(self) -> int:
        """Number of patients."""
        return int(self.scores.shape[1])

    def part(self, which: slice) -> "Population":
        """Return some of the patients."""
        return Population(self.names, self.scores[:, which], self.seed)


def varying(parameters: tuple[Parameter, ...]) -> tuple[str, ...]:
    """Return the names of the parameters that differ between patients, each once."""
    return tuple(dict.fromkeys(parameter.name for parameter in parameters if parameter.spread is not None))


def draw_population(parameters: tuple[Parameter, ...], patients: int, seed: int) -> Population:
    """Return scrambled Sobol points as standard normal scores.

    Parameters
    ----------
    parameters
        the model's parameters
    patients
        a power of two, so that the points fill every dimension evenly
    seed
        of the scrambling
    """
    exponent = patients.bit_length() - 1
    if patients < 1 or patients != 1 << exponent:
        raise UsageError(f"number of patients {patients}: must be a power of two, such as 256, 512 or 1024")
    names = varying(parameters)
    if not names:
        return Population(names, np.zeros((0, patients)), seed)
    points = qmc.Sobol(len(names), scramble=True, rng=np.random.default_rng(seed)).random_base2(exponent)
    return Population(names, _scores(points), seed)


def draw_individuals(parameters: tuple[Parameter, ...], patients: int, seed: int) -> Population:
    """Return independent random patients, as a real trial would enrol them; any number."""
    names = varying(parameters)
    scores = np.random.default_rng(seed).standard_normal((len(names), patients))
    return Population(names, scores, seed)


def _scores(points: Array) -> Array:
    # a scrambled point can be 0 in the last bit; half a resolution step keeps its score finite
    half_step = 2.0**-32
    return np.ascontiguousarray(np.asarray(ndtri(np.clip(points, half_step, 1.0 - half_step))).T)


def individual_values(parameters: tuple[Parameter, ...], values: Mapping[str, float], population: Population) -> Array:
    """Return every patient's parameters, shape (n_parameters, n_patients), rows in the order of distinct names.

    Parameters
    ----------
    parameters
        the model's parameters, for their spreads
    values
        parameter name -> typical value in the study at hand
    population
        scores of the patients
    """
    spreads = {parameter.name: parameter.spread for parameter in parameters}
    out = np.empty((len(spreads), population.patients))
    out[:] = np.array([values[name] for name in spreads])[:, None]
    for row, (name, spread) in enumerate(spreads.items()):
        if spread is not None:
            sd = values[spread.sd] if isinstance(spread.sd, str) else spread.sd
            coordinates = spread.scale.transform(values[name]) + sd * population.scores[population.names.index(name)]
            out[row] = invert(spread.scale, coordinates)
    return out
