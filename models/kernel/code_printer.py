"""The text of an expression in the generated kernel: floats only, small powers as products, one division where two would do.

Start with `to_python`.
"""

# ruff: noqa: N802 - sympy finds a method by the name of the class it prints

import sympy as sp
from sympy.printing.pycode import PythonCodePrinter

from kinimmune.models.errors import ModelError
from kinimmune.models.kernel.powers import ExpOf, LogOfPositive, NonvanishingBase, Power, by_logarithm

_CALLS = {
    "log": "logarithm",
    "exp": "exponential",
    "ExpOf": "exponential",
    "sin": "math.sin",
    "cos": "math.cos",
    "tan": "math.tan",
    "tanh": "math.tanh",
    "sinh": "math.sinh",
    "cosh": "math.cosh",
    "atan": "math.atan",
    "Abs": "abs",
}
"""Name of a function in sympy -> its name in the generated module."""

_COMPUTED = (
    *(sp.Symbol, sp.Number, sp.NumberSymbol, sp.Add, sp.Mul, sp.Pow, sp.exp, sp.log, sp.Abs, sp.sign, sp.Max, sp.Min),
    *(sp.sin, sp.cos, sp.tan, sp.sinh, sp.cosh, sp.tanh, sp.atan, sp.Heaviside, ExpOf, LogOfPositive, NonvanishingBase),
)
"""Everything the kernel computes."""


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
    for part in sp.postorder_traversal(expression):
        if not isinstance(part, _COMPUTED):
            raise ModelError(
                f"the ensemble kernel cannot compute '{part.func}' in '{part}'; use + - * / powers, exp, log, Max or Min"
            )
    return str(_KernelPrinter({"user_functions": _CALLS}).doprint(expression))


class _KernelPrinter(PythonCodePrinter):  # type: ignore[misc] # sympy ships no types
    """Python text with the kernel's own functions; what is not overridden prints as sympy prints it."""

    def _print(self, expr: sp.Expr, **settings: object) -> str:
        """Return the text of any expression, of numbers as floats."""
        if not (expr.is_Number or expr.is_NumberSymbol):
            return str(super()._print(expr, **settings))
        value = repr(float(expr))
        return f"({value})" if value.startswith("-") else value

    def _print_Symbol(self, expr: sp.Symbol) -> str:
        """Return the name of a symbol as it is."""
        return str(expr.name)

    def _print_Add(self, expr: sp.Expr, order: str | None = None) -> str:  # noqa: ARG002 - sympy's signature
        """Return a sum, summands with a minus sign last."""
        text = ""
        for summand in sorted(expr.args, key=lambda item: (item.could_extract_minus_sign(), sp.default_sort_key(item))):
            if text and summand.could_extract_minus_sign():
                text += f" - {self._factor(-summand)}"
            else:
                text += f" + {self._print(summand)}" if text else self._print(summand)
        return text

    def _print_Mul(self, expr: sp.Expr) -> str:
        """Return a product over a product: divisors are multiplied first, since a division costs more."""
        sign = ""
        if expr.could_extract_minus_sign():
            sign, expr = "-", -expr
            if not expr.is_Mul:
                return f"-{self._factor(expr)}"
        above = [factor for factor in expr.args if not _is_divisor(factor)]
        below = [1 / factor for factor in expr.args if _is_divisor(factor)]
        text = " * ".join(self._factor(factor) for factor in above) or "1.0"
        if not below:
            return f"{sign}{text}"
        divisor = " * ".join(self._factor(factor) for factor in below)
        stands_alone = len(below) == 1 and (below[0].is_Symbol or below[0].is_Add)
        return f"{sign}{text} / {divisor}" if stands_alone else f"{sign}{text} / ({divisor})"

    def _print_Pow(self, expr: sp.Expr, rational: bool = False) -> str:  # noqa: ARG002 - sympy's signature
        """Return a power as products and roots, or as the exponential of a logarithm."""
        return self._power(expr.base, expr.exp)

    def _power(self, base: sp.Expr, exponent: sp.Expr) -> str:
        if exponent.is_negative:
            below = self._print(base) if exponent == -1 else self._power(base, -exponent)
            return f"(1.0 / {below})" if base.is_Symbol and exponent == -1 else f"(1.0 / ({below}))"
        if not (2 * exponent).is_Integer:
            return self._print(by_logarithm(Power(base, exponent)))
        whole = int(exponent)
        factors = [self._factor(base) if not base.is_Mul else f"({self._print(base)})"] * whole
        if exponent != whole:
            factors.append(f"math.sqrt({self._print(base)})")
        return " * ".join(factors) if len(factors) == 1 else f"({' * '.join(factors)})"

    def _factor(self, expression: sp.Expr) -> str:
        """Return the text of an expression, in brackets where it could not stand in a product without."""
        text = self._print(expression)
        return f"({text})" if expression.is_Add or text.startswith("-") else text

    def _print_Max(self, expr: sp.Expr) -> str:
        return self._nest("max", expr)

    def _print_Min(self, expr: sp.Expr) -> str:
        return self._nest("min", expr)

    def _nest(self, name: str, expression: sp.Expr) -> str:
        """Return a function of many arguments as calls with two."""
        text, *others = (self._print(argument) for argument in expression.args)
        for argument in others:
            text = f"{name}({text}, {argument})"
        return text

    def _print_LogOfPositive(self, expr: sp.Expr) -> str:
        return f"logarithm(max({self._print(expr.args[0])}, TINY))"

    def _print_NonvanishingBase(self, expr: sp.Expr) -> str:
        base, exponent = (self._print(argument) for argument in expr.args)
        return f"(0.0 if {base} < TINY and {exponent} > 0.0 else 1.0)"

    def _print_Heaviside(self, expr: sp.Expr) -> str:
        return f"(1.0 if {self._print(expr.args[0])} > 0.0 else 0.0)"

    def _print_sign(self, expr: sp.Expr) -> str:
        argument = self._print(expr.args[0])
        return f"(1.0 if {argument} > 0.0 else -1.0 if {argument} < 0.0 else 0.0)"


def _is_divisor(factor: sp.Expr) -> bool:
    return bool(factor.is_Pow) and factor.exp.is_Number and factor.exp.is_negative and factor.base is not sp.E
