"""Experiments on many sets of parameters at once, each run only when somebody asks for it.

Start with `Laboratory.read`.  A laboratory holds one batch of parameter sets (the table's values, or draws from the priors)
and, where arrows are cut, the model without them.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from kinimmune.models.arrays import Array
from kinimmune.models.errors import UsageError, nearest
from kinimmune.models.experiments.design import Experiment
from kinimmune.models.experiments.run import Readings, changed, run_experiment
from kinimmune.models.solvers.integrators import Integrator
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import CompiledModel
from kinimmune.models.symbolic.parameters import Parameter, Scale

Result = TypeVar("Result")

CHUNK = 128
"""Parameter sets integrated together; fixed, so that results do not depend on the number of threads."""
CLAIM_TOLERANCES = Tolerances(1e-5, 1e-7)
"""Read-outs are compared with margins of per cents."""


@dataclass(frozen=True)
class Bench:
    """A model ready for experiments; shared by all batches."""

    compiled: CompiledModel
    """With a switch on every arrow that may be cut."""
    integrate: Integrator
    experiments: Mapping[str, Experiment]
    days: Mapping[str, float]
    """Name -> read-out day [d]."""
    jobs: int = 1


@dataclass(frozen=True)
class Laboratory:
    """One batch of parameter sets on a bench."""

    bench: Bench
    parameters: Array
    """shape (n_parameters, n)"""
    cut: tuple[str, ...] = ()
    """Arrows that are cut."""
    seed: int = 1
    """Of everything a read-out draws."""
    _kept: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def size(self) -> int:
        """Number of parameter sets n."""
        return int(self.parameters.shape[1])

    def read(self, experiment: str, quantity: str, day: str) -> Array:
        """Return a state or output at a named read-out day of an experiment, shape (n,).

        Raises
        ------
        UsageError
            for an experiment, quantity or day the model does not have
        """
        readings = self.once(f"experiment {experiment}", lambda: self._readings(experiment))
        if quantity not in readings.values:
            raise UsageError(f"no quantity '{quantity}' in model '{self._model}'; {nearest(quantity, readings.values)}")
        found: Array = readings.values[quantity][readings.days.index(self.day(day))]
        return found

    def day(self, name: str) -> float:
        """Return a read-out day [d]."""
        if name not in self.bench.days:
            raise UsageError(f"model '{self._model}' has no read-out day '{name}'; {nearest(name, self.bench.days)}")
        return self.bench.days[name]

    def without(self, arrows: str) -> "Laboratory":
        """Return the same batch with an arrow, or several joined by `+`, cut."""
        key = f"without {arrows}"
        return self.once(key, lambda: replace(self, cut=(*self.cut, *arrows.split("+")), _kept={}))

    def changed(self, experiment: str) -> Array:
        """Return the parameters of the batch as an experiment changes them, shape (n_parameters, n)."""
        return changed(self.bench.compiled, self._experiment(experiment), self.parameters, self.cut)

    @property
    def _model(self) -> str:
        return self.bench.compiled.model.name

    def _experiment(self, name: str) -> Experiment:
        if name not in self.bench.experiments:
            raise UsageError(f"model '{self._model}' has no experiment '{name}'; {nearest(name, self.bench.experiments)}")
        return self.bench.experiments[name]

    def once(self, key: str, compute: Callable[[], Result]) -> Result:
        """Return what `compute` gives, computed the first time a key is asked for in this batch."""
        if key not in self._kept:
            self._kept[key] = compute()
        result: Result = self._kept[key]
        return result

    def _readings(self, name: str) -> Readings:
        days = tuple(sorted(set(self.bench.days.values())))
        return _run(self.bench, self._experiment(name), self.changed(name), days)


def _run(bench: Bench, experiment: Experiment, parameters: Array, days: tuple[float, ...]) -> Readings:
    """Run an experiment in chunks of fixed size, side by side."""
    chunks = [parameters[:, first : first + CHUNK] for first in range(0, parameters.shape[1], CHUNK)]

    def work(chunk: Array) -> Readings:
        return run_experiment(bench.compiled, bench.integrate, experiment, chunk, days, CLAIM_TOLERANCES)

    with ThreadPoolExecutor(bench.jobs) as pool:
        parts = list(pool.map(work, chunks))
    values = {name: np.concatenate([part.values[name] for part in parts], axis=-1) for name in parts[0].values}
    return Readings(days, values)


def nominal(parameters: Sequence[Parameter]) -> Array:
    """Return the table's values, shape (n_parameters, 1), a study-specific parameter at its first study's."""
    return np.array([[item.value] for item in _distinct(parameters)])


def draw_parameters(parameters: Sequence[Parameter], draws: int, width: float, seed: int) -> Array:
    """Return independent draws from the priors, shape (n_parameters, draws); the fixed stay where they are.

    Parameters
    ----------
    parameters
        the model's
    draws
        number of parameter sets
    width
        factor on every prior's standard deviation: 1 as declared, .5 halved
    seed
        of the draws; the same scores serve every width
    """
    generator = np.random.default_rng(seed)
    rows = []
    for item in _distinct(parameters):
        scores = generator.standard_normal(draws)
        if item.prior.scale is Scale.FIXED:
            rows.append(np.full(draws, item.value))
        else:
            rows.append(np.array([item.prior.value_at(width * score) for score in scores]))
    return np.array(rows)


def _distinct(parameters: Sequence[Parameter]) -> list[Parameter]:
    first: dict[str, Parameter] = {}
    for item in parameters:
        first.setdefault(item.name, item)
    return list(first.values())
