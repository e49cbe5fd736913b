"""What a model is for: the states and outputs a virtual trial reads, by the model's own names.

Start with `TrialRoles`, which a model declares in `OdeModel.trial`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import sympy as sp

from kinimmune.models.errors import ModelError, nearest
from kinimmune.models.symbolic.components import Definition, State
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.symbolic.units import parse_unit

LEAST_READING_ERROR = 5e-4
"""Of ln of a sum of diameters: a twentieth of a millimetre in ten centimetres, less than any reader sees."""


@dataclass(frozen=True)
class TrialRoles:
    """The parts of a model that a clinical trial has names for.

    Without a diameter, or without new lesions, a trial sees progression by the other alone; without both it has overall survival
    alone.

    Raises
    ------
    ModelError
        when there is no cause of death, or one state stands for two hazards
    """

    causes_of_death: Mapping[str, str] = field(hash=False)
    """Label -> state, the cumulative hazard [1] of death by that cause; sums over causes are taken in this order."""
    new_lesions: str | None = None
    """State that is the cumulative hazard [1] of a new lesion."""
    log_diameter: str | None = None
    """Output that is ln of the sum of diameters over its start [1]."""
    reading_error: str | None = None
    """Parameter that is the standard deviation of a reading of ln of the sum of diameters [1]; None where `design.csv` has it."""

    def __post_init__(self) -> None:
        """Refuse roles that leave no death, or count one hazard twice."""
        if not self.causes_of_death:
            raise ModelError("trial roles without a cause of death; name at least one state that is a cumulative hazard of death")
        if len(set(self.hazards)) != len(self.hazards):
            raise ModelError(f"trial roles count a hazard twice: {', '.join(self.hazards)}; give each role a state of its own")
        if self.reading_error is not None and self.log_diameter is None:
            raise ModelError(f"trial roles: '{self.reading_error}' is the reading error of no diameter; name one or leave it out")

    @property
    def hazards(self) -> tuple[str, ...]:
        """States that are cumulative hazards: of death by each cause, then of new lesions where there are any."""
        lesions = () if self.new_lesions is None else (self.new_lesions,)
        return (*self.causes_of_death.values(), *lesions)

    @property
    def has_progression(self) -> bool:
        """Whether a scan can show progression."""
        return self.new_lesions is not None or self.log_diameter is not None


def check_roles(
    roles: TrialRoles, model: str, states: Iterable[State], outputs: Iterable[Definition], parameters: Iterable[Parameter]
) -> None:
    """Refuse roles that name what a model does not have, hazards that do not start at 0, or units and ranges that do not fit.

    Parameters
    ----------
    roles
        what the model declares
    model
        its name, for messages
    states, outputs, parameters
        what it has

    Raises
    ------
    ModelError
        naming the role and the part
    """
    where = f"model '{model}', trial roles"
    known_states = {item.name: item for item in states}
    for name in roles.hazards:
        _require_part(where, "state", name, {key: item.unit for key, item in known_states.items()}, "1")
        if sp.S.Zero + known_states[name].initial != 0:
            raise ModelError(f"{where}: cumulative hazard '{name}' starts at {known_states[name].initial}; let it start at 0")
    if roles.log_diameter is not None:
        _require_part(where, "output", roles.log_diameter, {item.name: item.unit for item in outputs}, "1")
    if roles.reading_error is not None:
        named = [item for item in parameters if item.name == roles.reading_error]
        _require_part(where, "parameter", roles.reading_error, {item.name: item.unit for item in parameters}, "1")
        for item in named:
            if item.lower < LEAST_READING_ERROR or item.upper > 1.0:
                raise ModelError(
                    f"{where}: the range of parameter '{item.key}', [{item.lower:g}, {item.upper:g}], is not within "
                    f"[{LEAST_READING_ERROR:g}, 1]; narrow it"
                )


def _require_part(where: str, kind: str, name: str, units: Mapping[str, str], expected: str) -> None:
    if name not in units:
        raise ModelError(f"{where}: no {kind} '{name}'; {nearest(name, units)}")
    if not parse_unit(units[name]).equals(parse_unit(expected)):
        raise ModelError(f"{where}: {kind} '{name}' is in {units[name]}, expected {expected}; correct the role or the unit")
