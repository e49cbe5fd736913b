"""Experiments on many sets of parameters at once, each run only when somebody asks for it.

Start with `ExperimentBatch.read`.  A batch holds parameter sets (the table's values, or draws from the priors) of one model with
its experiments, and knocks out interactions on demand.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar, TypeVarTuple, cast

import numpy as np

from kinimmune.models.arrays import Array
from kinimmune.models.errors import UsageError, nearest
from kinimmune.models.experiments.design import Experiment
from kinimmune.models.experiments.run import Readings, apply_experiment, find_errors, run_experiment
from kinimmune.models.solvers.chunks import map_chunks
from kinimmune.models.solvers.integrators import Integrator
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import CompiledModel
from kinimmune.models.symbolic.deviations import move_to_trial, name_deviation
from kinimmune.models.symbolic.parameters import ParameterKey
from kinimmune.models.symbolic.scope import parameters_of
from kinimmune.models.trial.design import Trial

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")

CHUNK = 128
"""Parameter sets integrated together; fixed, so that results do not depend on the number of threads."""
CLAIM_TOLERANCES = Tolerances(1e-5, 1e-7)
"""Tolerances of integration: claims are inequalities with margins of some per cent."""


@dataclass(frozen=True)
class ExperimentSetup:
    """A compiled model with its experiments and read-out days; all batches of a model share it."""

    compiled: CompiledModel
    """The model with a switch on every interaction that may be knocked out."""
    integrate: Integrator
    experiments: Mapping[str, Experiment]
    """Name -> experiment."""
    days: Mapping[str, float]
    """Name -> read-out day [d]."""
    trials: Mapping[str, Trial] = field(default_factory=dict)
    """Study -> its trial, of a model that is tried in trials."""
    arm_values: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """`STUDY:ARM` -> parameter -> value of its own: of a drug that is not the model's, or of the arm in `parameters.csv`."""
    jobs: int = 1
    """Threads."""


@dataclass(frozen=True)
class ExperimentBatch:
    """Parameter sets of one model, and the experiments run with them."""

    setup: ExperimentSetup
    parameters: Array
    """Values of the parameters, shape (n_parameters, n); of one that differs by study those of its first study."""
    knocked_out: tuple[str, ...] = ()
    """Names of the interactions that are switched off."""
    seed: int = 1
    """Seed of everything a read-out draws, such as virtual patients."""
    own: Mapping[str, Array] = field(default_factory=dict)
    """Key of a parameter that belongs to one study, arm or drug, deviations of a trial among them -> its values, shape (n,); a
    trial sees those of its own."""
    _results: dict[tuple[Hashable, tuple[object, ...]], object] = field(
        init=False, default_factory=dict, compare=False, repr=False
    )
    """Function and arguments -> what the function returned for this batch; `replace` starts with none."""

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
        readings = self.cached(_run_to_named_days, experiment)
        if quantity not in readings.values:
            raise UsageError(f"no quantity '{quantity}' in model '{self._model}'; {nearest(quantity, readings.values)}")
        value: Array = readings.values[quantity][readings.days.index(self.day(day))]
        return value

    def read_error(self, experiment: str, quantity: str, day: str) -> Array:
        """Return how far what `read` returns may be off by the error of the integration, shape (n,)."""
        place = self.cached(_run_to_named_days, experiment).days.index(self.day(day))
        error: Array = self.cached(_find_errors, experiment, quantity)[place]
        return error

    def day(self, name: str) -> float:
        """Return a named read-out day [d]."""
        days = self.setup.days
        if name not in days:
            raise UsageError(f"model '{self._model}' has no read-out day '{name}'; {nearest(name, days)}")
        return days[name]

    def experiment(self, name: str) -> Experiment:
        """Return a named experiment."""
        experiments = self.setup.experiments
        if name not in experiments:
            raise UsageError(f"model '{self._model}' has no experiment '{name}'; {nearest(name, experiments)}")
        return experiments[name]

    def trial(self, study: str) -> Trial:
        """Return the trial of a study."""
        trials = self.setup.trials
        if study not in trials:
            raise UsageError(f"model '{self._model}' has no trial of study '{study}'; {nearest(study, trials)}")
        return trials[study]

    def parameter(self, name: str) -> Array:
        """Return the values of a parameter, shape (n,)."""
        values: Array = self.parameters[self.row(name)]
        return values

    def row(self, name: str) -> int:
        """Return the row of `parameters` that holds a parameter."""
        return self.setup.compiled.model.parameter_names.index(name)

    def changed(self, experiment: str, study: str | None = None) -> Array:
        """Return the parameters of the batch, as a study sees them, as an experiment changes them, shape (n_parameters, n)."""
        return apply_experiment(self.setup.compiled, self.experiment(experiment), self._seen(study), self.knocked_out)

    def _seen(self, study: str | None) -> Array:
        """Return the parameters as a study has them, at its own values or moved by its deviations, shape (n_parameters, n)."""
        names = self.setup.compiled.model.parameter_names if study is not None else ()
        keys = {name: str(ParameterKey(name, study)) for name in names}
        found = {name: self.own[key] for name, key in keys.items() if key in self.own}
        found |= {name: values for name in names if name not in found and (values := self._moved(name, study)) is not None}
        if not found:
            return self.parameters
        seen = self.parameters.copy()
        for name, values in found.items():
            seen[self.row(name)] = values
        return seen

    def _moved(self, name: str, study: str | None, drug: str | None = None) -> Array | None:
        """Return a parameter as a study has it that deviates from the value of all, shape (n,); None where it does not."""
        key = str(ParameterKey(name_deviation(name), study, drug=drug))
        if key not in self.own:
            return None
        shared = self.parameter(name) if drug is None else self.own[str(ParameterKey(name, drug=drug))]
        return move_to_trial(self.setup.compiled.model.parameters, key, shared, self.own[key])

    def arm_values(self, study: str, arm: str) -> list[dict[str, float]]:
        """Return parameter -> value of an arm's own or of a drug it is given, once per parameter set."""
        given = self.trial(study).arm(arm)
        seen = parameters_of(self.setup.compiled.model.parameters, study, arm, given.drugs)
        drawn = {item.name: self.own[item.key] for item in seen if not item.everywhere and item.key in self.own}
        of_drugs = [item for item in seen if item.drug is not None and item.name in drawn]
        moved = {item.name: self._moved(item.name, study, item.drug) for item in of_drugs}
        drawn |= {name: values for name, values in moved.items() if values is not None}
        fixed = self.setup.arm_values.get(f"{study}:{arm}", {})
        return [{**fixed, **{name: float(values[place]) for name, values in drawn.items()}} for place in range(self.size)]

    def repeated(self, times: int) -> "ExperimentBatch":
        """Return a batch that has every parameter set so many times, side by side."""
        own = {key: np.repeat(values, times) for key, values in self.own.items()}
        return replace(self, parameters=np.repeat(self.parameters, times, axis=1), own=own)

    def with_values(self, name: str, values: Array) -> "ExperimentBatch":
        """Return the batch with other values of a parameter, shape (n,), in every study: none has a deviation from them."""
        parameters = self.parameters.copy()
        parameters[self.row(name)] = values
        replaced = (name, name_deviation(name))
        own = {key: array for key, array in self.own.items() if ParameterKey.parse(key).name not in replaced}
        return replace(self, parameters=parameters, own=own)

    def without(self, interactions: str) -> "ExperimentBatch":
        """Return the same batch with an interaction, or several joined by `+`, knocked out."""
        return self.cached(_knock_out, interactions)

    def run(self, experiment: str, parameters: Array, days: Sequence[float]) -> Readings:
        """Run an experiment with some parameter sets in chunks of fixed size, side by side.

        Parameters
        ----------
        experiment
            name
        parameters
            values as the experiment changes them (see `changed`), shape (n_parameters, m)
        days
            times at which states and outputs are read [d]
        """
        setup, plan, read_days = self.setup, self.experiment(experiment), tuple(days)

        def run_chunk(chunk: slice) -> Readings:
            return run_experiment(setup.compiled, setup.integrate, plan, parameters[:, chunk], read_days, CLAIM_TOLERANCES)

        parts = list(map_chunks(run_chunk, parameters.shape[1], jobs=setup.jobs, chunk=CHUNK))
        values = {name: np.concatenate([part.values[name] for part in parts], axis=-1) for name in parts[0].values}
        return Readings(read_days, values)

    def cached(self, compute: "Callable[[ExperimentBatch, *Arguments], Result]", *arguments: *Arguments) -> Result:
        """Return `compute(batch, *arguments)`, computed the first time this batch is asked for it.

        Parameters
        ----------
        compute
            a function of a module, which stands for itself: read-outs share a result by naming the same function and arguments
        arguments
            its hashable arguments after the batch
        """
        key = (compute, arguments)
        if key not in self._results:
            self._results[key] = compute(self, *arguments)
        return cast(Result, self._results[key])

    @property
    def _model(self) -> str:
        return self.setup.compiled.model.name


def _run_to_named_days(batch: ExperimentBatch, experiment: str) -> Readings:
    """Return an experiment at every named read-out day of the model."""
    return batch.run(experiment, batch.changed(experiment), sorted(set(batch.setup.days.values())))


def _find_errors(batch: ExperimentBatch, experiment: str, quantity: str) -> Array:
    """Return the errors of a quantity of an experiment at every named read-out day, shape (n_days, n)."""
    readings, plan = batch.cached(_run_to_named_days, experiment), batch.experiment(experiment)
    return find_errors(batch.setup.compiled, plan, batch.changed(experiment), readings, quantity, CLAIM_TOLERANCES)


def _knock_out(batch: ExperimentBatch, interactions: str) -> ExperimentBatch:
    return replace(batch, knocked_out=(*batch.knocked_out, *interactions.split("+")))
