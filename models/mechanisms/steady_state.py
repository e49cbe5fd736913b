"""Where a population of cells rests that is fed, divides up to a capacity, and is lost.

Start with `steady_state`.
"""

import sympy as sp


def steady_state(source: sp.Expr, gain: sp.Expr, loss: sp.Expr, crowding: sp.Expr) -> sp.Expr:
    """Return the positive root N of source + gain N (1 - crowding N) - loss N.

    Of the two textbook forms of the root each loses its digits on one side of gain = loss; the sum of a quotient and of the
    number that division alone would hold loses none, and exists where source or gain is zero.

    Parameters
    ----------
    source
        cells a day, not negative
    gain, loss
        rates [1/d], not negative, not both zero
    crowding
        reciprocal of the capacity
    """
    net = gain - loss
    root = sp.sqrt(net**2 + 4 * gain * crowding * source)
    return 2 * source / (root + sp.Max(net, -net)) + sp.Max(net, 0) / (crowding * sp.Max(gain, loss))
