"""Virtual patients: low-discrepancy points mapped through the distributions between patients.

Start with `draw_population` and `individual_values`.  A population is drawn once and kept while parameters move, so that
every prediction is a smooth function of them.  What covariates patients have, the case mix of their arm makes of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from kinimmune.models.arrays import Array
from kinimmune.models.errors import UsageError
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.symbolic.scales import invert
from kinimmune.models.trial.case_mix import CaseMix

_COVARIATES = 7
"""What sets the seed of covariates apart from that of parameters."""


@dataclass(frozen=True)
class Population:
    """Standard normal scores of virtual patients, one row per parameter that varies between patients."""

    names: tuple[str, ...]
    """Parameters that vary."""
    scores: Array
    """shape (n_varying, n_patients)"""
    seed: int
    covariates: tuple[str, ...] = ()
    """Covariates on which parameters depend."""
    uniforms: Array = field(default_factory=lambda: np.zeros((0, 0)))
    """Numbers between 0 and 1 that become covariates, a row each, shape (n_covariates, n_patients)."""

    @property
    def patients(self) -> int:
        """Number of patients."""
        return int(self.scores.shape[1])

    def part(self, which: slice) -> "Population":
        """Return some of the patients."""
        return Population(self.names, self.scores[:, which], self.seed, self.covariates, self.uniforms[:, which])


def varying(parameters: tuple[Parameter, ...]) -> tuple[str, ...]:
    """Return the names of the parameters that differ between patients, each once."""
    return tuple(dict.fromkeys(parameter.name for parameter in parameters if parameter.spread is not None))


def list_covariates(parameters: tuple[Parameter, ...]) -> tuple[str, ...]:
    """Return the covariates on which parameters depend, each once."""
    return tuple(dict.fromkeys(effect.covariate for parameter in parameters for effect in parameter.effects))


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
    names, covariates = varying(parameters), list_covariates(parameters)
    scores = np.zeros((0, patients))
    if names:
        scores = _scores(qmc.Sobol(len(names), scramble=True, rng=np.random.default_rng(seed)).random_base2(exponent))
    return Population(names, scores, seed, covariates, _draw_uniforms(len(names), len(covariates), exponent, seed))


def _draw_uniforms(before: int, count: int, exponent: int, seed: int) -> Array:
    """Return the dimensions of the same points that follow those of parameters, shape (count, 2^exponent).

    They are scrambled on their own, as every dimension is, so that the points of parameters are what they are without them.
    """
    if count == 0:
        return np.zeros((0, 1 << exponent))
    points = qmc.Sobol(before + count, scramble=True, rng=np.random.default_rng([seed, _COVARIATES])).random_base2(exponent)
    return np.ascontiguousarray(points[:, before:].T)


def draw_individuals(parameters: tuple[Parameter, ...], patients: int, seed: int) -> Population:
    """Return independent random patients, as a real trial would enrol them; any number."""
    names, covariates = varying(parameters), list_covariates(parameters)
    scores = np.random.default_rng(seed).standard_normal((len(names), patients))
    uniforms = np.random.default_rng([seed, _COVARIATES]).random((len(covariates), patients))
    return Population(names, scores, seed, covariates, uniforms)


def _scores(points: Array) -> Array:
    # a scrambled point can be 0 in the last bit; half a resolution step keeps its score finite
    half_step = 2.0**-32
    return np.ascontiguousarray(np.asarray(ndtri(np.clip(points, half_step, 1.0 - half_step))).T)


def individual_values(
    parameters: tuple[Parameter, ...], values: Mapping[str, float], population: Population, mix: CaseMix | None = None
) -> Array:
    """Return every patient's parameters, shape (n_parameters, n_patients), rows in the order of distinct names.

    Parameters
    ----------
    parameters
        the model's parameters, for their spreads and their dependence on covariates
    values
        parameter name -> typical value in the study at hand, of patients who have the reference of every covariate
    population
        scores of the patients
    mix
        of the arm they are enrolled in; None for patients who all have the reference of every covariate

    Raises
    ------
    DataError
        where a parameter depends on a covariate that the mix does not tell
    """
    rows = {parameter.name: parameter for parameter in parameters}
    told = list_covariates(tuple(rows.values())) if mix is not None else ()
    places = [population.covariates.index(name) for name in told]
    covariates = {} if mix is None or not told else mix.draw(told, population.uniforms[places])
    out = np.empty((len(rows), population.patients))
    out[:] = np.array([values[name] for name in rows])[:, None]
    for row, (name, parameter) in enumerate(rows.items()):
        moves = [effect.move(values[effect.by], covariates[effect.covariate]) for effect in parameter.effects if covariates]
        if parameter.spread is None and not moves:
            continue
        scale = parameter.effect_scale
        coordinates = np.full(population.patients, scale.transform(values[name]))
        if parameter.spread is not None:
            sd = values[parameter.spread.sd] if isinstance(parameter.spread.sd, str) else parameter.spread.sd
            coordinates = coordinates + sd * population.scores[population.names.index(name)]
        out[row] = invert(scale, np.sum([coordinates, *moves], axis=0))
    return out
