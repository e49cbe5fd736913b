"""A laboratory experiment as data: what is set, what is given; and all that an individual of a model can be in.

Start with `Experiment` and `Designs`; `kinimmune.models.tables.readers` makes them from tables, and `run_experiment` (in
`kinimmune.models.experiments.run`) runs an experiment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kinimmune.models.solvers.dosing import Dose, InputSpan, Schedule, combine
from kinimmune.models.trial.design import Trial


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
        return combine(self.spans, self.doses)


@dataclass(frozen=True)
class Designs:
    """The trials and experiments an individual of one model can be in."""

    trials: tuple[Trial, ...] = ()
    """Trials; empty for a model that is not tried in one."""
    experiments: tuple[Experiment, ...] = ()
    drug_values: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """`STUDY:ARM` -> parameter -> value, where the arm gives another drug than the one the model's parameters are of."""
    read_out_days: Mapping[str, float] = field(default_factory=dict)
    """Name of a read-out day of the experiments -> [d]."""
