"""Where drugs act in a model: what takes a dose, and which parameters are properties of the drug.

Start with `DrugRole`; a model lists its roles in `OdeModel.drugs`, one for each drug that may be given beside the others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kinimmune.models.errors import ModelError, nearest
from kinimmune.models.symbolic.components import Input, State
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.symbolic.units import parse_unit

OCCUPANCY, IC50 = "occupancy_", "ic50_"
"""Beginnings of the name of a kinase's occupancy and of the parameter that is its IC50."""


@dataclass(frozen=True)
class DrugRole:
    """One drug a model can be given.

    Raises
    ------
    ModelError
        when nothing takes a dose, or a state that takes one has no volume to dilute it in where it is a concentration
    """

    name: str
    """Kind of drug, such as `kinase inhibitor`."""
    drug: str
    """Drug whose properties the parameters have in their own table; those of another are read in `drugs.csv`."""
    rate_input: str | None = None
    """Input that a rate, or an infusion, is held in."""
    dose_state: str | None = None
    """State that a single dose is added to."""
    dose_volume: str | None = None
    """Parameter [volume] by which a dose [mass] is divided where the state is a concentration; None where it is an amount."""
    properties: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Quantity of `drugs.csv`, such as `clearance` -> parameter of the model that is it."""
    kinases: tuple[str, ...] = ()
    """Kinases by the short names of the model: `raf` stands for the parameter `ic50_raf` and the occupancy `occupancy_raf`."""
    others: tuple[str, ...] = ()
    """Further drugs that are of this kind, and take no other role."""

    def __post_init__(self) -> None:
        """Refuse a role that no dose can reach."""
        if self.rate_input is None and self.dose_state is None:
            raise ModelError(f"drug role '{self.name}' takes no dose; give it a rate_input or a dose_state")

    @property
    def parameters(self) -> tuple[str, ...]:
        """Parameters that are properties of the drug."""
        return (*self.properties.values(), *(f"{IC50}{kinase}" for kinase in self.kinases))


def check_drugs(
    roles: Iterable[DrugRole], model: str, states: Iterable[State], inputs: Iterable[Input], parameters: Iterable[Parameter]
) -> None:
    """Refuse roles that name what a model does not have, that share what takes a dose, or whose volume is none.

    Raises
    ------
    ModelError
        naming the role and the part
    """
    units = {
        "input": {item.name: item.unit for item in inputs},
        "state": {item.name: item.unit for item in states},
        "parameter": {item.name: item.unit for item in parameters},
    }
    taken: dict[str, str] = {}
    for role in roles:
        where = f"model '{model}', drug role '{role.name}'"
        named = [("input", role.rate_input), ("state", role.dose_state), ("parameter", role.dose_volume)]
        for kind, name in [*named, *(("parameter", name) for name in role.parameters)]:
            if name is not None and name not in units[kind]:
                raise ModelError(f"{where}: no {kind} '{name}'; {nearest(name, units[kind])}")
        for target in (role.rate_input, role.dose_state):
            if target is not None and taken.setdefault(target, role.name) != role.name:
                raise ModelError(f"{where}: '{target}' takes the doses of '{taken[target]}' too; give each its own")
        volume = units["parameter"][role.dose_volume] if role.dose_volume is not None else "L"
        if parse_unit(volume).dimension != parse_unit("L").dimension:
            raise ModelError(f"{where}: '{role.dose_volume}' is in {volume}, which is no volume; name one in L")
