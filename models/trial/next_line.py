"""What a share of an arm's patients goes on with after treatment: crossover to another arm's regimen, or a next line.

Start with `NextLine`; `plan_next_line` is what it is in a model.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError
from kinimmune.models.solvers.dosing import Schedule
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.trial.regimens import Administration, list_drugs, plan_dosing


class Reason(StrEnum):
    """Why those left treatment of whom a share goes on with a next line."""

    PROGRESSION = "progression"
    """The study's rule ended it; also where adverse events would have ended it at the same scan."""
    DISCONTINUATION = "discontinuation"
    """Adverse events ended it before the rule did."""
    ANY = "any"
    """Either."""


@dataclass(frozen=True)
class NextLine:
    """The regimen that a share of those who leave treatment goes on with; the others have what does not end with treatment.

    It begins on the day treatment is left, in place of what does not end with treatment, and is given until it ends by itself
    or the patient dies: when a next line is left in turn is not modelled.

    Raises
    ------
    DataError
        for a share outside [0, 1], or a regimen that gives nothing
    """

    arm: str
    """Arm or regimen that it is."""
    share: float
    """Of those who leave treatment alive for the reason."""
    administrations: tuple[Administration, ...]
    """What is given; day 0 is the day of leaving."""
    when: Reason = Reason.ANY

    def __post_init__(self) -> None:
        """Refuse what is no share and no next line."""
        if not 0.0 <= self.share <= 1.0:
            raise DataError(f"a share of {self.share:g} goes on with '{self.arm}'; correct it to a number from 0 to 1")
        if not any(item.amount > 0.0 for item in self.administrations):
            raise DataError(f"next line '{self.arm}' gives nothing; leave then_arm out, or name a regimen")

    def __str__(self) -> str:
        """Return what comes after treatment in words.

        >>> str(NextLine("drug", 0.5, (Administration("sorafenib", 800.0, "mg/d"),), Reason.PROGRESSION))
        'then 50 % of those who stop at progression: sorafenib 800 mg/d'
        """
        whom = {
            Reason.PROGRESSION: "those who stop at progression",
            Reason.DISCONTINUATION: "those who stop for adverse events",
            Reason.ANY: "those who stop",
        }[self.when]
        return f"then {100.0 * self.share:g} % of {whom}: {' and '.join(map(str, self.administrations))}"

    @property
    def drugs(self) -> tuple[str, ...]:
        """Drugs that are given, each once."""
        return list_drugs(self.administrations)

    @property
    def after_progression(self) -> float:
        """Share of those whom the study's rule takes off treatment."""
        return 0.0 if self.when is Reason.DISCONTINUATION else self.share

    @property
    def after_discontinuation(self) -> float:
        """Share of those whom adverse events take off treatment."""
        return 0.0 if self.when is Reason.PROGRESSION else self.share


@dataclass(frozen=True)
class NextLineDosing:
    """A next line in a model."""

    schedule: Schedule
    """What is given; day 0 is the day of leaving."""
    parameters: tuple[Parameter, ...]
    """Parameters of the model while it is given, for the spreads between patients."""
    values: Mapping[str, float]
    """Parameter -> typical value while it is given."""


@dataclass(frozen=True)
class NextLinePatients:
    """A next line in a model, for patients."""

    schedule: Schedule
    """What is given; day 0 is the day of leaving."""
    parameters: Array
    """Parameters of the patients while it is given, shape (n_parameters, n): those of its drugs where they are others."""


def plan_next_line(model: OdeModel, line: NextLine, values: Mapping[str, float], horizon: float) -> Schedule:
    """Return what a next line gives in a model; day 0 is the day of leaving.

    Parameters
    ----------
    model
        with the roles of its drugs
    line
        what is given
    values
        parameter -> typical value while it is given
    horizon
        up to which doses are listed [d]

    Raises
    ------
    DataError
        as `plan_dosing` does
    """
    return plan_dosing(model, line.administrations, values, horizon).on
