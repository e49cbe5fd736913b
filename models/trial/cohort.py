"""The patients of one arm of a trial, under the rule by which their treatment stops.

Start with `ArmCohort`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kinimmune.models.arrays import Array
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.trial.design import Arm, StopRule, Trial
from kinimmune.models.trial.population import Population, individual_values
from kinimmune.models.trial.regimens import Dosing


@dataclass(frozen=True)
class ArmCohort:
    """Patients of one arm with the parameters of each."""

    trial: Trial
    arm: Arm
    rule: StopRule
    parameters: Array
    """Model parameters without inputs, shape (n_parameters, n_patients)."""
    dosing: Dosing
    """What the arm gives, in the model."""

    @property
    def patients(self) -> int:
        """Number of patients."""
        return int(self.parameters.shape[1])

    def part(self, which: slice) -> "ArmCohort":
        """Return some of the patients."""
        return replace(self, parameters=self.parameters[:, which])


@dataclass(frozen=True)
class PopulationCohort:
    """Patients of one arm as points of a population: the parameters of a part are computed when the part is asked for."""

    trial: Trial
    arm: Arm
    rule: StopRule
    parameters: tuple[Parameter, ...]
    """Parameters of the model as the arm sees them, for the spreads between patients."""
    values: Mapping[str, float]
    """Parameter name -> typical value in the arm."""
    population: Population
    dosing: Dosing
    """What the arm gives, in the model."""

    @property
    def patients(self) -> int:
        """Number of patients."""
        return self.population.patients

    def part(self, which: slice) -> ArmCohort:
        """Return some of the patients with their parameters."""
        drawn = individual_values(self.parameters, self.values, self.population.part(which))
        return ArmCohort(self.trial, self.arm, self.rule, drawn, self.dosing)
