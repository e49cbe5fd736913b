"""A model in other words: every name changed at random, everything else as it was.

Start with `renamed_model`.
"""

from dataclasses import dataclass, replace

import numpy as np
import sympy as sp

from kinimmune.models.symbolic.components import TIME, Definition, Term, symbol
from kinimmune.models.symbolic.drugs import DrugRole
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.symbolic.roles import TrialRoles

LETTERS = list("abcdefghijklmnopqrstuvwxyz")


@dataclass(frozen=True)
class RenamedModel:
    """A model with other names, and which name became which."""

    model: OdeModel
    names: dict[str, str]
    """Old name -> new name, of states, definitions, terms, outputs, inputs, parameters, mechanisms and the model."""

    def key(self, key: str) -> str:
        """Return a parameter's key, `name` or `name:study`, in the new names; studies keep theirs."""
        name, colon, study = key.partition(":")
        return f"{self.names[name]}{colon}{study}"


def renamed_model(model: OdeModel, seed: int = 1) -> RenamedModel:
    """Return a model that differs from another in its names alone; studies and trials keep theirs.

    Names keep their first letter and their alphabetical order, by which sympy orders sums and products, so that every number
    the model gives is the same to the last bit.

    Parameters
    ----------
    model
        of any kind
    seed
        of the new names
    """
    generator = np.random.default_rng(seed)
    names = {
        name: f"{name[0]}{place:03d}_{''.join(generator.choice(LETTERS, 6))}" for place, name in enumerate(sorted(_names(model)))
    }
    symbols = {symbol(old): symbol(new) for old, new in names.items()}

    def put(expression: sp.Expr) -> sp.Expr:
        return (sp.S.Zero + expression).xreplace(symbols)

    def define(item: Definition) -> Definition:
        neutral = None if item.neutral is None else put(item.neutral)
        return replace(item, name=names[item.name], expression=put(item.expression), neutral=neutral)

    def put_term(item: Term) -> Term:
        return replace(item, name=names[item.name], state=names[item.state], expression=put(item.expression))

    mechanisms = tuple(
        replace(
            item,
            name=names[item.name],
            states=tuple(replace(state, name=names[state.name], initial=put(state.initial)) for state in item.states),
            definitions=tuple(map(define, item.definitions)),
            terms=tuple(map(put_term, item.terms)),
            inputs=tuple(replace(given, name=names[given.name]) for given in item.inputs),
        )
        for item in model.mechanisms
    )
    renamed = replace(
        model,
        name=names[model.name],
        mechanisms=mechanisms,
        parameters=tuple(_rename_parameter(item, names) for item in model.parameters),
        outputs=tuple(map(define, model.outputs)),
        removed=tuple(names[name] for name in model.removed),
        trial=None if model.trial is None else _rename_roles(model.trial, names),
        drugs=tuple(_rename_drug(role, names) for role in model.drugs),
        reported_courses=tuple(names[name] for name in model.reported_courses),
    )
    return RenamedModel(renamed, names)


def _names(model: OdeModel) -> set[str]:
    parts = (*model.states, *model.definitions, *model.terms, *model.outputs, *model.inputs, *model.mechanisms)
    names = {model.name, *model.parameter_names, *model.removed, *(item.name for item in parts)}
    return names - {TIME.name}


def _rename_parameter(item: Parameter, names: dict[str, str]) -> Parameter:
    spread = item.spread
    if spread is not None and isinstance(spread.sd, str):
        spread = replace(spread, sd=names[spread.sd])
    return replace(item, name=names[item.name], spread=spread)


def _rename_drug(role: DrugRole, names: dict[str, str]) -> DrugRole:
    """Return a role whose parts have other names; the kinases' short names stay, so the IC50s are left out."""
    parts = {name: getattr(role, name) for name in ("rate_input", "dose_state", "dose_volume")}
    renamed = {name: None if part is None else names[part] for name, part in parts.items()}
    return DrugRole(role.name, role.drug, **renamed)


def _rename_roles(roles: TrialRoles, names: dict[str, str]) -> TrialRoles:
    def rename(name: str | None) -> str | None:
        return None if name is None else names[name]

    return TrialRoles(
        {label: names[state] for label, state in roles.causes_of_death.items()},
        rename(roles.new_lesions),
        rename(roles.log_diameter),
        rename(roles.reading_error),
    )
