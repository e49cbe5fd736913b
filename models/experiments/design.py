"""A laboratory experiment as data: what is set, what is given; and all that an individual of a model can be in.

Start with `Experiment` and `Designs`; `kinimmune.models.tables.readers` makes them from tables, and `run_experiment` (in
`kinimmune.models.experiments.run`) runs an experiment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kinimmune.models.solvers.dosing import Dose, Schedule
from kinimmune.models.trial.design import Trial


@dataclass(frozen=True)
class InputSpan:
    """An input held at a value for some days."""

    name: str
    value: float
    """Value in the unit of the input."""
    first_day: float
    """Day from which the value holds [d]."""
    last_day: float
    """Day on which the input returns to 0 [d]."""


@dataclass(frozen=True)
class Experiment:
    """One arm of an experiment with one model."""

    model: str
    name: str
    meaning: str
    values: Mapping[str, float]
    """Parameter -> value it is set to, in the parameter's unit."""
    factors: Mapping[str, float]
    """Parameter -> factor on its value."""
    spans: tuple[InputSpan, ...]
    doses: tuple[Dose, ...]

    def schedule(self) -> Schedule:
        """Return inputs and doses as a schedule; spans of one input add where they overlap."""
        edges = sorted({0.0, *(edge for span in self.spans for edge in (span.first_day, span.last_day))})
        inputs: list[dict[str, float]] = []
        for edge in edges:
            values: dict[str, float] = {}
            for span in self.spans:
                if span.first_day <= edge < span.last_day:
                    values[span.name] = values.get(span.name, 0.0) + span.value
            inputs.append(values)
        return Schedule(tuple(edges), tuple(inputs), self.doses)


@dataclass(frozen=True)
class Designs:
    """The trials and experiments an individual of one model can be in."""

    trials: tuple[Trial, ...] = ()
    """Trials; empty for a model that is not tried in one."""
    experiments: tuple[Experiment, ...] = ()
    read_out_days: Mapping[str, float] = field(default_factory=dict)
    """Name of a read-out day of the experiments -> [d]."""
