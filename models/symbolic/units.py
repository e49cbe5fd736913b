"""Units of symbolic expressions: every sum, comparison and exponent of a model is checked, factors of ten included.

Start with `unit_of`.  Units are parsed by pint; here a unit is a power product of base dimensions with a magnitude, so that
a sum of `1/d` and `1/month` is refused as well as one of `mg` and `d`.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from tokenize import TokenError
from typing import TYPE_CHECKING, Any

import sympy as sp

from kinimmune.models.errors import DataError, ModelError

if TYPE_CHECKING:
    import pint

DAYS_PER_MONTH = 30.44
"""A month as the trial literature counts it, 365.25 d / 12 rounded [d]."""
_RELATIVE_TOLERANCE = 1e-9

# pint computes what it is given, so it is given no numbers but 1 and exponents of one digit, none upon another
_WORD = "[A-Za-zµ%][A-Za-zµ%_]*"
_NAME = rf"{_WORD}(?:[ ()]+{_WORD})*"
_FACTOR = rf"[( ]*(?:1|{_NAME})[) ]*(?:(?:\^|\*\*) *-?\d(?:\.\d+)?[) ]*)?"
_UNIT_TEXT = re.compile(rf"{_FACTOR}(?:[*/]{_FACTOR})*")
"""Products and quotients of factors, of which names side by side are one; whether brackets are closed pint says."""

# errors of its own that pint lets through for a text it cannot read
_PINT_SLIPS = (ArithmeticError, LookupError, ValueError, TypeError, AttributeError, AssertionError)


@dataclass(frozen=True)
class Unit:
    """A power product of base dimensions, e.g. `[length]**3 / [time]`, with its size in base units."""

    dimension: tuple[tuple[str, float], ...] = ()
    """(base dimension, exponent), sorted, no zero exponents."""
    size: float = 1.0
    """How many base units one of this unit is."""

    @property
    def is_number(self) -> bool:
        """True for a plain number: no dimension and size one."""
        return not self.dimension and math.isclose(self.size, 1.0, rel_tol=_RELATIVE_TOLERANCE)

    def equals(self, other: "Unit") -> bool:
        """Return whether both are the same unit, magnitude included."""
        return self.times(other.power(-1.0)).is_number

    def times(self, other: "Unit") -> "Unit":
        """Return the product."""
        exponents = dict(self.dimension)
        for name, exponent in other.dimension:
            exponents[name] = exponents.get(name, 0.0) + exponent
        product = sorted((name, exponent) for name, exponent in exponents.items() if abs(exponent) > _RELATIVE_TOLERANCE)
        return Unit(tuple(product), self.size * other.size)

    def power(self, exponent: float) -> "Unit":
        """Return this unit to a power."""
        if exponent == 0.0:
            return Unit()
        return Unit(tuple((name, value * exponent) for name, value in self.dimension), self.size**exponent)

    def __str__(self) -> str:
        """Return base dimensions with exponents, and the size where it is not one."""
        text = " ".join(f"{name}^{exponent:g}" for name, exponent in self.dimension) or "number"
        return text if math.isclose(self.size, 1.0, rel_tol=_RELATIVE_TOLERANCE) else f"{self.size:g} {text}"


@cache
def _registry() -> "pint.UnitRegistry[Any]":
    import pint

    registry: pint.UnitRegistry[Any] = pint.UnitRegistry(on_redefinition="ignore")
    registry.define(f"month = {DAYS_PER_MONTH} * day")  # there it is the twelfth of a Julian year
    return registry


@cache
def parse_unit(text: str) -> Unit:
    """Return the unit a text such as `mg/L` or `1/d` names.

    Raises
    ------
    DataError
        when pint does not know it, or it has no fixed size, as a temperature scale or a decibel
    """
    import pint

    wrong = f"unknown unit '{text}'; write it as products and powers of d, h, mL, L, mg, nmol, mm, 1"
    if not _UNIT_TEXT.fullmatch(text):
        raise DataError(wrong)
    try:
        quantity: Any = _registry().Quantity(1.0, text).to_base_units()
        zero: Any = _registry().Quantity(0.0, text).to_base_units()
    except (pint.errors.PintError, TokenError, *_PINT_SLIPS) as error:
        raise DataError(wrong) from error
    if zero.magnitude != 0.0 or not 0.0 < quantity.magnitude < math.inf:
        raise DataError(f"unit '{text}' has no fixed size or its zero is not nought; write one in proportion to base units")
    dimension = sorted((str(name), float(exponent)) for name, exponent in quantity.dimensionality.items())
    return Unit(tuple(dimension), float(quantity.magnitude))


def convert(value: float, unit: str, wanted: str) -> float:
    """Return a value given in one unit in another; the same unit written otherwise leaves every bit as it is.

    Raises
    ------
    DataError
        when the units do not measure the same, or one is unknown

    Examples
    --------
    >>> convert(1.5, "umol/L", "nmol/L"), convert(2.0, "month", "d")
    (1500.0, 60.88)
    """
    given, own = parse_unit(unit), parse_unit(wanted)
    if given.dimension != own.dimension:
        raise DataError(f"unit '{unit}' does not measure the same as {wanted}; give a value in {wanted}")
    if given.equals(own):
        return value
    decade = math.log10(given.size / own.size)
    if abs(decade - round(decade)) < _RELATIVE_TOLERANCE:  # 1000 where rounding would leave 999.9999999999999
        return value * 10.0 ** round(decade) if decade > 0.0 else value / 10.0 ** -round(decade)
    return value * given.size / own.size


def unit_of(expression: sp.Expr, units: Mapping[str, Unit], where: str) -> Unit | None:
    """Return the unit of an expression, None for zero (which fits every unit).

    Parameters
    ----------
    expression
        a sympy expression in symbols named as in `units`
    units
        unit of every symbol
    where
        the term the expression belongs to, for messages

    Raises
    ------
    ModelError
        an undeclared symbol, a sum of different units, or a function of something that is not a plain number
    """
    if expression.is_Number or expression.is_NumberSymbol:
        return None if expression.is_zero else Unit()
    if expression.is_Symbol:
        if expression.name not in units:
            raise ModelError(f"{where}: symbol '{expression.name}' is not declared; declare it as state, parameter or input")
        return units[expression.name]
    if expression.is_Mul:
        return _unit_of_product(expression, units, where)
    if expression.is_Pow and expression.base is not sp.E:
        return _unit_of_power(expression, units, where)
    if expression.is_Add or isinstance(expression, sp.Max | sp.Min):
        return _unit_of_sum(expression, units, where)
    return _unit_of_function(expression, units, where)


def _unit_of_product(expression: sp.Expr, units: Mapping[str, Unit], where: str) -> Unit | None:
    product = Unit()
    for factor in expression.args:
        unit = unit_of(factor, units, where)
        if unit is None:
            return None
        product = product.times(unit)
    return product


def _unit_of_power(expression: sp.Expr, units: Mapping[str, Unit], where: str) -> Unit | None:
    base = unit_of(expression.base, units, where)
    exponent = unit_of(expression.exp, units, where)
    if exponent is not None and not exponent.is_number:
        raise ModelError(f"{where}: exponent '{expression.exp}' has unit {exponent}; an exponent must be a plain number")
    if base is None or base.is_number:
        return base
    if not expression.exp.is_Number:
        raise ModelError(f"{where}: '{expression.base}' has unit {base} and a symbolic exponent; divide by a reference value")
    return base.power(float(expression.exp))


def _unit_of_sum(expression: sp.Expr, units: Mapping[str, Unit], where: str) -> Unit | None:
    first: tuple[sp.Expr, Unit] | None = None
    for summand in expression.args:
        unit = unit_of(summand, units, where)
        if unit is None:
            continue
        if first is None:
            first = (summand, unit)
        elif not first[1].equals(unit):
            raise ModelError(
                f"{where}: '{first[0]}' [{first[1]}] and '{summand}' [{unit}] are added but differ in unit; correct one of them"
            )
    return None if first is None else first[1]


def _unit_of_function(expression: sp.Expr, units: Mapping[str, Unit], where: str) -> Unit:
    for argument in expression.args:
        unit = unit_of(argument, units, where)
        if unit is not None and not unit.is_number:
            raise ModelError(
                f"{where}: the argument '{argument}' of {expression.func} has unit {unit}; divide by a reference value"
            )
    return Unit()
