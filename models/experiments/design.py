"""A laboratory experiment as data: what is set, what is given; and all that an individual of a model can be in.

Start with `Experiment` and `Designs`; `kinimmune.models.tables.readers` makes them from tables, and `run_experiment` (in
`kinimmune.models.experiments.run`) runs an experiment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kinimmune.models.trial.design import Trial
from kinimmune.models.trial.regimens import Administration


@dataclass(frozen=True)
class Experiment:
    """One arm of an experiment with one model."""

    model: str
    name: str
    meaning: str
    values: Mapping[str, float] = field(default_factory=dict)
    """Parameter -> value it is set to, in the parameter's unit; those of a drug that is given are among them."""
    factors: Mapping[str, float] = field(default_factory=dict)
    """Parameter -> factor on its value."""
    given: tuple[Administration, ...] = ()
    """What is given; rates into one input add where they overlap."""


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
