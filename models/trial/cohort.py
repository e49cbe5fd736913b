"""The patients of one arm of a trial, under the rule by which their treatment stops.

Start with `ArmCohort`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kinimmune.models.arrays import Array
from kinimmune.models.errors import UsageError
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.trial.design import Arm, StopRule, Trial
from kinimmune.models.trial.next_line import NextLineDosing, NextLinePatients
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
    next_line: NextLinePatients | None = None
    """What a share goes on with after treatment, in the model; None where `Arm.next_line` is."""

    def __post_init__(self) -> None:
        """Refuse an arm whose next line was forgotten: all its patients would silently go on without."""
        if (self.arm.next_line is None) != (self.next_line is None) and self.rule is not StopRule.NEVER:
            raise UsageError(f"arm '{self.arm.study}:{self.arm.name}' and its cohort differ about a next line; plan it for both")

    @property
    def patients(self) -> int:
        """Number of patients."""
        return int(self.parameters.shape[1])

    def part(self, which: slice) -> "ArmCohort":
        """Return some of the patients."""
        line = self.next_line
        later = None if line is None else replace(line, parameters=line.parameters[:, which])
        return replace(self, parameters=self.parameters[:, which], next_line=later)


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
    next_line: NextLineDosing | None = None
    """What a share goes on with after treatment, in the model."""

    @property
    def patients(self) -> int:
        """Number of patients."""
        return self.population.patients

    def part(self, which: slice) -> ArmCohort:
        """Return some of the patients with their parameters."""
        population = self.population.part(which)
        drawn = individual_values(self.parameters, self.values, population, self.arm.case_mix)
        later = None
        if self.next_line is not None:
            given = individual_values(self.next_line.parameters, self.next_line.values, population, self.arm.case_mix)
            later = NextLinePatients(self.next_line.schedule, given)
        return ArmCohort(self.trial, self.arm, self.rule, drawn, self.dosing, later)
