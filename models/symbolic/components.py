"""What a symbolic model is made of: states, inputs, definitions and terms, which mechanisms bring together.

Start with `Mechanism`; `kinimmune.models.symbolic.model` composes mechanisms.
"""

from dataclasses import dataclass

import sympy as sp


def symbol(name: str) -> sp.Symbol:
    """Return the real symbol of a name; two calls with one name give the same symbol."""
    return sp.Symbol(name, real=True)


TIME = symbol("t")
"""Time [d] since the start of treatment."""


def derive_label(name: str) -> str:
    """Return how a name is written for a reader where its model gives it no label: as words, the first letter a capital.

    >>> derive_label("new_lesions")
    'New lesions'
    """
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def _fill_label(part: "State | Input | Definition | Term | Mechanism") -> None:
    if not part.label:
        object.__setattr__(part, "label", derive_label(part.name))


@dataclass(frozen=True)
class State:
    """A quantity that evolves in time."""

    name: str
    symbol: str
    """Symbol in equations, in typst's mathematical notation."""
    unit: str
    meaning: str
    initial: sp.Expr
    """Value at the start: an expression in parameters, and in definitions that depend on parameters alone."""
    nonnegative: bool = True
    """Whether a negative value is impossible."""
    size: float = 1e-3
    """Size at which the state begins to matter, in its unit: absolute tolerances are in units of it.  1 for logarithms."""
    label: str = ""
    """What a reader sees in figures and tables, such as `IL-15`; from the name where it is empty."""

    def __post_init__(self) -> None:
        """Derive the label where none is given."""
        _fill_label(self)


@dataclass(frozen=True)
class Input:
    """A quantity that is set from outside and constant between changes, such as the dose rate."""

    name: str
    symbol: str
    unit: str
    meaning: str
    label: str = ""
    """What a reader sees in figures and tables, such as `IL-15`; from the name where it is empty."""

    def __post_init__(self) -> None:
        """Derive the label where none is given."""
        _fill_label(self)


@dataclass(frozen=True)
class Definition:
    """A named quantity computed from states, parameters, inputs and earlier definitions."""

    name: str
    symbol: str
    unit: str
    expression: sp.Expr
    reason: str
    neutral: sp.Expr | None = None
    """Value when the interaction is knocked out; None when the definition is no interaction."""
    label: str = ""
    """What a reader sees in figures and tables, such as `IL-15`; from the name where it is empty."""

    def __post_init__(self) -> None:
        """Derive the label where none is given."""
        _fill_label(self)


@dataclass(frozen=True)
class Term:
    """A summand of the rate of one state [unit of the state per day]; always an interaction.

    Terms of one name form one interaction: what leaves one state and enters another is knocked out as a whole.
    """

    name: str
    state: str
    expression: sp.Expr
    reason: str
    label: str = ""
    """What a reader sees in figures and tables, such as `IL-15`; from the name where it is empty."""

    def __post_init__(self) -> None:
        """Derive the label where none is given."""
        _fill_label(self)


@dataclass(frozen=True)
class Mechanism:
    """One biological mechanism: what it adds to a model."""

    name: str
    reason: str
    states: tuple[State, ...] = ()
    definitions: tuple[Definition, ...] = ()
    terms: tuple[Term, ...] = ()
    inputs: tuple[Input, ...] = ()
    label: str = ""
    """What a reader sees in figures and tables, such as `IL-15`; from the name where it is empty."""

    def __post_init__(self) -> None:
        """Derive the label where none is given."""
        _fill_label(self)

    def __repr__(self) -> str:
        """Return the name and what the mechanism brings."""
        kinds = {"states": self.states, "definitions": self.definitions, "terms": self.terms, "inputs": self.inputs}
        return (
            f"Mechanism({self.name}: {', '.join(f'{len(items)} {kind}' for kind, items in kinds.items() if items) or 'nothing'})"
        )
