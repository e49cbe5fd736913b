"""How an amount of a drug gets into a model: a rate is held in an input, a dose is added to a state.

Start with `Route`; `assign_roles` says in which of a model's roles each drug of an arm is given.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kinimmune.models.errors import DataError, nearest
from kinimmune.models.symbolic.drugs import DrugRole
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.units import convert, parse_unit

PER_BODY = {"kg": "body_weight", "m^2": "body_surface_area"}
"""Unit that an amount may be given per -> parameter of a model that is that size of a patient."""


def assign_roles(model: OdeModel, drugs: Iterable[str]) -> dict[str, DrugRole]:
    """Return drug -> the role it is given in; two drugs of one arm cannot share a role.

    Raises
    ------
    DataError
        when the model has no role left for a drug
    """
    assigned: dict[str, DrugRole] = {}
    names = list(dict.fromkeys(drugs))
    own = {drug: role for role in model.drugs for drug in role.others} | {role.drug: role for role in model.drugs}
    for drug in sorted(names, key=lambda name: name not in own):
        free = [role for role in model.drugs if role not in assigned.values() and own.get(drug, role) is role]
        if drug in own and free:
            assigned[drug] = own[drug]
        elif free:
            assigned[drug] = free[0]
        else:
            kinds = ", ".join(role.name for role in model.drugs) or "none"
            taken = f" beside {', '.join(assigned)}" if assigned else ""
            raise DataError(f"model '{model.name}' takes no '{drug}'{taken}: it has roles for {kinds}; {nearest(drug, own)}")
    return assigned


def find_target(model: OdeModel, target: str) -> DrugRole:
    """Return what takes an amount that is given directly to an input or a state of a model: a role without properties.

    Raises
    ------
    DataError
        for what is neither, with the nearest name
    """
    inputs = [item.name for item in model.inputs]
    if target in inputs:
        return DrugRole(target, target, rate_input=target)
    if target in model.state_names:
        return DrugRole(target, target, dose_state=target)
    names = [*inputs, *model.state_names]
    raise DataError(f"model '{model.name}' has no input or state '{target}'; {nearest(target, names)}")


@dataclass(frozen=True)
class Route:
    """What takes the amounts of one drug in a model; `given` is the drug or target in messages."""

    model: OdeModel
    role: DrugRole
    given: str

    def rate(self, amount: float, unit: str, values: Mapping[str, float]) -> tuple[str, float]:
        """Return (input, value) that a rate is held at."""
        name = self.role.rate_input
        if name is None:
            problem = f"model '{self.model.name}' takes '{self.given}' in doses alone, given {amount:g} {unit}"
            raise DataError(f"{problem}; fill in 'every', and no duration")
        return name, self._convert(amount, unit, self.model.units[name], values)

    def dose(self, amount: float, unit: str, values: Mapping[str, float]) -> tuple[str, float]:
        """Return (state, amount) that a dose adds."""
        name = self.role.dose_state
        if name is None:
            problem = f"model '{self.model.name}' takes '{self.given}' as a rate alone, given a dose of {amount:g} {unit}"
            raise DataError(f"{problem}; leave 'every' empty, or give an infusion with a duration")
        if self.role.dose_volume is None:
            return name, self._convert(amount, unit, self.model.units[name], values)
        return name, self._convert(amount, unit, self._diluted(name), values) / values[self.role.dose_volume]

    def sizes(self, unit: str, *, as_dose: bool) -> tuple[str, ...]:
        """Return the parameters an amount is converted by: the size of a patient, the volume a dose is diluted in."""
        name = self.role.dose_state if as_dose else self.role.rate_input
        if name is None:
            return ()
        volume = self.role.dose_volume if as_dose else None
        size = self._find_size(unit, self.model.units[name] if volume is None else self._diluted(name))[2]
        return tuple(item for item in (size, volume) if item is not None)

    def _diluted(self, state: str) -> str:
        """Return the unit of a dose that is divided by a volume to be a concentration."""
        volume = next(one.unit for one in self.model.parameters if one.name == self.role.dose_volume)
        return f"{self.model.units[state]}*{volume}"

    def _convert(self, amount: float, unit: str, wanted: str, values: Mapping[str, float]) -> float:
        """Return an amount in a unit of the model, by the size of a patient where one is per kilogram or square metre."""
        given, target, size, power = self._find_size(unit, wanted)
        if size is not None:
            if size not in values:
                problem = f"'{self.given}' {amount:g} {unit}: model '{self.model.name}' takes {wanted}"
                raise DataError(f"{problem} and has no parameter '{size}' to convert by; give the amount in {wanted}")
            return float(convert(amount, given, target) * values[size] ** power)
        try:
            return convert(amount, unit, wanted)
        except DataError as error:
            raise DataError(f"'{self.given}' {amount:g} {unit}: {error}") from error

    def _find_size(self, unit: str, wanted: str) -> tuple[str, str, str | None, float]:
        """Return two units of one dimension, and the power of which size of a patient leads from one to the other."""
        for per, parameter in PER_BODY.items():
            for given, target, power in ((f"({unit})*{per}", wanted, 1.0), (f"({unit})/({per})", wanted, -1.0)):
                if parse_unit(given).dimension == parse_unit(target).dimension:
                    return given, target, parameter, power
        return unit, wanted, None, 0.0
