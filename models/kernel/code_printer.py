"""The text of an expression in the generated kernel: floats only, small powers as products, one division where two would do.

Start with `to_python`.
"""

import sympy as sp

from kinimmune.models.errors import ModelError
from kinimmune.models.kernel.powers import ExpOf, LogOfPositive, Power, Present, by_logarithm

_CALLS = {
    sp.log: "logarithm",
    sp.sin: "math.sin",
    sp.cos: "math.cos",
    sp.tan: "math.tan",
    sp.tanh: "math.tanh",
    sp.sinh: "math.sinh",
    sp.cosh: "math.cosh",
    sp.atan: "math.atan",
    sp.Abs: "abs",
    sp.exp: "exponential",
    ExpOf: "exponential",
}

_SWITCHES = {
    sp.Heaviside: "(1.0 if {0} > 0.0 else 0.0)",
    sp.sign: "(1.0 if {0} > 0.0 else -1.0 if {0} < 0.0 else 0.0)",
    Present: "(0.0 if {0} < TINY and {1} > 0.0 else 1.0)",
}
"""Functions that switch, as text with places for their arguments."""


def to_python(expression: sp.Expr) -> str:
    """Return Python text in which every number is a float and small powers are products.

    Raises
    ------
    ModelError
        for a function the kernel cannot compute

    Examples
    --------
    >>> x = sp.Symbol("x", real=True)
    >>> to_python(x**2 / (1 + x))
    '(x * x) / (1.0 + x)'
    """
    if expression.is_Symbol:
        return str(expression.name)
    if expression.is_Number or expression.is_NumberSymbol:
        value = repr(float(expression))
        return f"({value})" if value.startswith("-") else value
    if expression.is_Add:
        return _print_sum(expression)
    if expression.is_Mul:
        return _print_product(expression)
    if expression.is_Pow and expression.base is not sp.E:
        return _print_power(expression.base, expression.exp)
    return _print_call(expression)


def _print_sum(expression: sp.Expr) -> str:
    text = ""
    for summand in sorted(expression.args, key=lambda item: (item.could_extract_minus_sign(), sp.default_sort_key(item))):
        if text and summand.could_extract_minus_sign():
            text += f" - {_factor(-summand)}"
        else:
            text += f" + {to_python(summand)}" if text else to_python(summand)
    return text


def _print_product(expression: sp.Expr) -> str:
    sign = ""
    if expression.could_extract_minus_sign():
        sign, expression = "-", -expression
        if not expression.is_Mul:
            return f"-{_factor(expression)}"
    above = [item for item in expression.args if not _is_below(item)]
    below = [1 / item for item in expression.args if _is_below(item)]
    text = " * ".join(_factor(item) for item in above) or "1.0"
    if not below:
        return sign + text
    divisor = " * ".join(_factor(item) for item in below)
    return (
        f"{sign}{text} / {divisor}" if len(below) == 1 and below[0].is_Symbol | below[0].is_Add else f"{sign}{text} / ({divisor})"
    )


def _is_below(factor: sp.Expr) -> bool:
    return bool(factor.is_Pow) and factor.exp.is_Number and factor.exp.is_negative and factor.base is not sp.E


def _factor(expression: sp.Expr) -> str:
    text = to_python(expression)
    return f"({text})" if expression.is_Add or text.startswith("-") else text


def _print_power(base: sp.Expr, exponent: sp.Expr) -> str:
    if exponent.is_negative:
        below = to_python(base) if exponent == -1 else _print_power(base, -exponent)
        return f"(1.0 / {below})" if base.is_Symbol and exponent == -1 else f"(1.0 / ({below}))"
    if not (2 * exponent).is_Integer:
        return to_python(by_logarithm(Power(base, exponent)))
    whole = int(exponent)
    factors = [_factor(base) if not base.is_Mul else f"({to_python(base)})"] * whole
    if exponent != whole:
        factors.append(f"math.sqrt({to_python(base)})")
    return " * ".join(factors) if len(factors) == 1 else f"({' * '.join(factors)})"


def _print_call(expression: sp.Expr) -> str:
    arguments = [to_python(argument) for argument in expression.args]
    if isinstance(expression, LogOfPositive):
        return f"logarithm(max({arguments[0]}, TINY))"
    if isinstance(expression, sp.exp) or expression.is_Pow:
        return f"exponential({to_python(expression.exp)})"
    if isinstance(expression, sp.Max | sp.Min):
        name = "max" if isinstance(expression, sp.Max) else "min"
        text = arguments[0]
        for argument in arguments[1:]:
            text = f"{name}({text}, {argument})"
        return text
    if expression.func in _SWITCHES:
        return _SWITCHES[expression.func].format(*arguments)
    if expression.func in _CALLS:
        return f"{_CALLS[expression.func]}({arguments[0]})"
    raise ModelError(
        f"the ensemble kernel cannot compute '{expression.func}' in '{expression}'; use + - * / powers, exp, log, Max or Min"
    )
