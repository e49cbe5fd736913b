"""A symbolic ODE model: mechanisms with named interactions, composed by adding terms, checked for units when built.

Start with `OdeModel`.  A `Mechanism` (`kinimmune.models.symbolic.components`) brings states of its own, `Definition`s (named
quantities that depend on states and parameters) and `Term`s (summands of a state's rate).  Every definition with a neutral value
and every term is an *interaction*, an arrow of the influence diagram: `model.without("treg_suppression")` is its knock-out.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import sympy as sp

from kinimmune.models.errors import ModelError, UsageError, nearest
from kinimmune.models.symbolic.components import TIME, Definition, Input, Mechanism, State, Term, symbol
from kinimmune.models.symbolic.deviations import check_deviations
from kinimmune.models.symbolic.drugs import DrugRole, check_drugs
from kinimmune.models.symbolic.notebook import model_html, model_latex
from kinimmune.models.symbolic.parameters import Parameter, Prior, Scale, Source, Status
from kinimmune.models.symbolic.roles import TrialRoles, check_roles
from kinimmune.models.symbolic.units import Unit, parse_unit, unit_of


@dataclass(frozen=True)
class OdeModel:
    """Mechanisms and parameters that form a closed, dimensionally sound system of equations.

    Raises
    ------
    ModelError
        when built from undeclared symbols, two things of one name, a term for an unknown state, units that do not fit, or roles
        and courses that name what the model does not have
    """

    name: str
    title: str
    mechanisms: tuple[Mechanism, ...]
    parameters: tuple[Parameter, ...]
    outputs: tuple[Definition, ...] = ()
    """Read-outs; they may use states, parameters, inputs and definitions, and nothing uses them."""
    removed: tuple[str, ...] = field(default=())
    """Interactions that were knocked out of the full model."""
    trial: TrialRoles | None = None
    """What a virtual trial reads; None for a model that is not tried in one."""
    drugs: tuple[DrugRole, ...] = ()
    """Drugs the arms of a trial can give; none for a model that is given what it is given by experiments alone."""
    reported_courses: tuple[str, ...] = ()
    """States and outputs whose mean courses in a trial a report shows, in its order."""
    usual_days: float | None = None
    """Horizon of a course where none is asked for [d]; None where the model tells none, and a general one is taken."""

    def __repr__(self) -> str:
        """Return the name and what the model consists of."""
        removed = f", {len(self.removed)} interactions knocked out" if self.removed else ""
        parts = f"{len(self.states)} states, {len(self.parameter_names)} parameters, {len(self.mechanisms)} mechanisms"
        return f"OdeModel({self.name}: {parts}{removed})"

    def _repr_latex_(self) -> str:
        """Return the equations for a notebook."""
        return model_latex(self)

    def _repr_html_(self) -> str:
        """Return title and states for a notebook."""
        return model_html(self)

    def __post_init__(self) -> None:
        """Check names, symbols, units and roles."""
        _check_names(self)
        _check_units(self)
        _check_purpose(self)

    @cached_property
    def states(self) -> tuple[State, ...]:
        """States in the order of the mechanisms; the order of every state vector."""
        return tuple(state for mechanism in self.mechanisms for state in mechanism.states)

    @cached_property
    def state_names(self) -> tuple[str, ...]:
        """Names of the states, in their order."""
        return tuple(state.name for state in self.states)

    @cached_property
    def definitions(self) -> tuple[Definition, ...]:
        """Definitions, each after those it uses."""
        definitions = tuple(item for mechanism in self.mechanisms for item in mechanism.definitions)
        return _in_order_of_use(definitions, self.name)

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """Terms in the order of the mechanisms."""
        return tuple(term for mechanism in self.mechanisms for term in mechanism.terms)

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """Inputs; they follow the parameters in every parameter vector."""
        return tuple(item for mechanism in self.mechanisms for item in mechanism.inputs)

    @cached_property
    def parameter_names(self) -> tuple[str, ...]:
        """Distinct parameter names in the order of the table; a study-specific one stands once, one that shifts another never."""
        return tuple(dict.fromkeys(parameter.name for parameter in self.parameters if parameter.shift is None))

    @cached_property
    def labels(self) -> dict[str, str]:
        """Name -> what a reader sees, of states, inputs, definitions and outputs."""
        labels = {item.name: item.label for item in self.states}
        labels |= {item.name: item.label for item in self.inputs}
        return labels | {item.name: item.label for item in (*self.definitions, *self.outputs)}

    @cached_property
    def interaction_labels(self) -> dict[str, str]:
        """Name -> what a reader sees, of every interaction."""
        labels = {item.name: item.label for item in self.terms} | {item.name: item.label for item in self.definitions}
        return {name: labels[name] for name in self.interactions}

    @cached_property
    def units(self) -> dict[str, str]:
        """Name -> unit, of parameters, states, inputs, definitions and outputs."""
        units = {item.name: item.unit for item in self.parameters} | {item.name: item.unit for item in self.states}
        units |= {item.name: item.unit for item in self.inputs}
        return units | {item.name: item.unit for item in (*self.definitions, *self.outputs)}

    @cached_property
    def rates(self) -> dict[str, sp.Expr]:
        """State name -> rate [unit of the state per day], definitions still by name."""
        summed: dict[str, sp.Expr] = {state.name: sp.Integer(0) for state in self.states}
        for term in self.terms:
            summed[term.state] += term.expression
        return summed

    @cached_property
    def expanded_definitions(self) -> dict[sp.Symbol, sp.Expr]:
        """Symbol of each definition -> its expression in states, parameters and inputs alone."""
        expanded: dict[sp.Symbol, sp.Expr] = {}
        for item in self.definitions:
            expanded[symbol(item.name)] = item.expression.xreplace(expanded)
        return expanded

    def expand(self, expression: sp.Expr) -> sp.Expr:
        """Return an expression with every definition put in."""
        return expression.xreplace(self.expanded_definitions)

    def with_switches(self, *names: str) -> "OdeModel":
        """Return the model with a switch on each named interaction: a parameter `keep_NAME`, 1 as it is and 0 for knocked out.

        With a switch at 0 the equations are those of `without`, so that one compiled model serves many ablations.

        Raises
        ------
        UsageError
            for a name that is no interaction of this model, with the nearest one
        """
        self._require_interactions(names)
        mechanisms = tuple(_switch(mechanism, frozenset(names)) for mechanism in self.mechanisms)
        return replace(self, mechanisms=mechanisms, parameters=(*self.parameters, *map(_switch_parameter, names)))

    @cached_property
    def interactions(self) -> tuple[str, ...]:
        """Names `without` accepts: definitions with a neutral value, and terms."""
        neutral = [item.name for item in self.definitions if item.neutral is not None]
        return tuple(dict.fromkeys([*neutral, *(term.name for term in self.terms)]))

    def without(self, *names: str) -> "OdeModel":
        """Return the model with the named interactions knocked out: terms dropped, definitions set to their neutral value.

        Raises
        ------
        UsageError
            for a name that is no interaction of this model, with the nearest one
        """
        self._require_interactions(names)
        mechanisms = tuple(_knock_out(mechanism, frozenset(names)) for mechanism in self.mechanisms)
        return replace(self, mechanisms=mechanisms, removed=(*self.removed, *names))

    def _require_interactions(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.interactions:
                raise UsageError(f"model '{self.name}' has no arrow '{name}'; {nearest(name, self.interactions)}")


def _knock_out(mechanism: Mechanism, names: frozenset[str]) -> Mechanism:
    definitions = tuple(
        replace(item, expression=item.neutral) if item.name in names and item.neutral is not None else item
        for item in mechanism.definitions
    )
    return replace(mechanism, definitions=definitions, terms=tuple(term for term in mechanism.terms if term.name not in names))


def _switch(mechanism: Mechanism, names: frozenset[str]) -> Mechanism:
    definitions = tuple(
        replace(item, expression=item.neutral + symbol(f"keep_{item.name}") * (item.expression - item.neutral))
        if item.name in names and item.neutral is not None
        else item
        for item in mechanism.definitions
    )
    terms = tuple(
        replace(term, expression=symbol(f"keep_{term.name}") * term.expression) if term.name in names else term
        for term in mechanism.terms
    )
    return replace(mechanism, definitions=definitions, terms=terms)


def _switch_parameter(name: str) -> Parameter:
    origin = Source("convention", "switch of an arrow", Status.DERIVED)
    prior = Prior(Scale.FIXED, 1.0, 0.0)
    meaning = f"1 with the arrow {name}, 0 without"
    return Parameter(f"keep_{name}", f'"keep"_"{name}"', 1.0, "1", 0.0, 1.0, prior, False, None, None, meaning, origin)


def _in_order_of_use(definitions: tuple[Definition, ...], model: str) -> tuple[Definition, ...]:
    remaining = {symbol(item.name): item for item in definitions}
    ordered: list[Definition] = []
    while remaining:
        ready = [name for name, item in remaining.items() if not item.expression.free_symbols & remaining.keys()]
        if not ready:
            names = ", ".join(sorted(str(name) for name in remaining))
            raise ModelError(f"model '{model}': definitions {names} depend on each other in a circle; break it with a state")
        ordered.extend(remaining.pop(name) for name in ready)
    return tuple(ordered)


def _check_names(model: OdeModel) -> None:
    seen: dict[str, str] = {"t": "time"}
    declared = [("state", state.name) for state in model.states]
    declared += [("input", item.name) for item in model.inputs]
    declared += [("parameter", name) for name in model.parameter_names]
    declared += [("definition", item.name) for mechanism in model.mechanisms for item in mechanism.definitions]
    declared += [("output", item.name) for item in model.outputs]
    for kind, name in declared:
        if name in seen:
            raise ModelError(f"model '{model.name}': '{name}' is both {seen[name]} and {kind}; rename one")
        seen[name] = kind
    for term in model.terms:
        if term.state not in model.state_names:
            raise ModelError(
                f"model '{model.name}': term '{term.name}' adds to '{term.state}', which is no state; "
                f"{nearest(term.state, model.state_names)}"
            )


def _check_units(model: OdeModel) -> None:
    units: dict[str, Unit] = {}
    for parameter in (item for item in model.parameters if item.shift is None):
        unit = parse_unit(parameter.unit)
        if not units.setdefault(parameter.name, unit).equals(unit):
            raise ModelError(f"model '{model.name}': parameter '{parameter.name}' has two units; give every study's in one")
    units |= {"t": parse_unit("d")} | {item.name: parse_unit(item.unit) for item in model.inputs}
    units |= {state.name: parse_unit(state.unit) for state in model.states}
    for item in model.definitions:
        _require(item.expression, units, parse_unit(item.unit), f"model '{model.name}', definition '{item.name}'")
        units[item.name] = parse_unit(item.unit)
    later = {TIME, *(symbol(state.name) for state in model.states), *(symbol(item.name) for item in model.inputs)}
    for state in model.states:
        where = f"model '{model.name}', initial value of '{state.name}'"
        _require(state.initial, units, parse_unit(state.unit), where)
        moving = sorted(str(used) for used in model.expand(state.initial).free_symbols & later)
        if moving:
            raise ModelError(f"{where} depends on {', '.join(moving)}, which changes with time; write it in parameters")
    per_day = parse_unit("1/d")
    state_unit = {state.name: parse_unit(state.unit) for state in model.states}
    for term in model.terms:
        expected = state_unit[term.state].times(per_day)
        _require(term.expression, units, expected, f"model '{model.name}', term '{term.name}' of '{term.state}'")
    for item in model.outputs:
        _require(item.expression, units, parse_unit(item.unit), f"model '{model.name}', output '{item.name}'")


def _check_purpose(model: OdeModel) -> None:
    if model.trial is not None:
        check_roles(model.trial, model.name, model.states, model.outputs, model.parameters)
    check_drugs(model.drugs, model.name, model.states, model.inputs, model.parameters)
    check_deviations(model.parameters, model.name)
    if model.usual_days is not None and not 0.0 < model.usual_days < math.inf:
        raise ModelError(f"model '{model.name}': usual_days is {model.usual_days}; give a number of days above 0, or none")
    courses = (*model.state_names, *(item.name for item in model.outputs))
    for name in model.reported_courses:
        if name not in courses:
            raise ModelError(f"model '{model.name}': reported course '{name}' is no state or output; {nearest(name, courses)}")


def _require(expression: sp.Expr, units: dict[str, Unit], expected: Unit, where: str) -> None:
    for used in expression.free_symbols:
        if used != symbol(used.name):
            raise ModelError(f"{where}: symbol '{used.name}' was made by other means; make it with symbol('{used.name}')")
    unit = unit_of(expression, units, where)
    if unit is not None and not unit.equals(expected):
        raise ModelError(f"{where}: unit is {unit}, expected {expected}; correct the expression or the declared unit")
