"""Powers with exponents that are no small integers, as exponentials of logarithms that derivatives share.

Start with `Power`.
"""

import sympy as sp

_ROOTS = (3, 4, 6)
"""Denominators of exponents that are computed by way of the root, which derivatives then share."""


class Power(sp.Function):  # type: ignore[misc] # sympy ships no types
    """base**exponent for exponents that are no small integer; at and below zero its limit from above.

    sympy's own derivative by the base divides by the base, which is 0/0 at zero; this one does not.
    """

    nargs = 2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Return the derivative by the base or the exponent."""
        base, exponent = self.args
        return exponent * Power(base, exponent - 1) if argindex == 1 else self * LogOfPositive(base)


class LogOfPositive(sp.Function):  # type: ignore[misc] # sympy ships no types
    """Logarithm of a base that is kept above the smallest normal number."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:  # noqa: ARG002 - sympy's signature
        """Return the derivative."""
        return 1 / self.args[0]


class NonvanishingBase(sp.Function):  # type: ignore[misc] # sympy ships no types
    """0 where a base has vanished below the smallest normal number and the exponent is positive, else 1."""

    nargs = 2


class ExpOf(sp.Function):  # type: ignore[misc] # sympy ships no types
    """Exponential that sympy does not fold into a power."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:  # noqa: ARG002 - sympy's signature
        """Return the derivative."""
        return self


def _by_logarithm(base: sp.Expr, exponent: sp.Expr) -> sp.Expr:
    if (2 * exponent).is_Integer:
        return base**exponent
    if exponent.is_Rational and exponent.q in _ROOTS and abs(exponent.p) < 4 * exponent.q:
        return ExpOf(LogOfPositive(base) / exponent.q) ** exponent.p
    return NonvanishingBase(base, exponent) * ExpOf(exponent * LogOfPositive(base))


def by_logarithm(expression: sp.Expr) -> sp.Expr:
    """Return an expression whose odd powers are exponentials of logarithms."""
    return expression.replace(Power, _by_logarithm)
