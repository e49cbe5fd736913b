"""Whether an output varies, or only its numerical error does.

Start with `varies`.  A value v known to an error e may stand for any number in [v - e, v + e].  Where all these intervals share a
number, a constant output would give the same values, and an index would rank noise.
"""

import numpy as np

from kinimmune.models.arrays import Array, Bools
from kinimmune.models.errors import NumericalError


def varies(values: Array, errors: Array, axis: int | tuple[int, ...] | None = None) -> Bools:
    """Return whether no constant lies within the error of every value along some axes.

    Intervals on a line share a number exactly if the highest lower end is not above the lowest upper end, so an output varies if
    max(v - e) > min(v + e).  Values without error vary as soon as two of them differ.  A value that does not exist says nothing,
    nor does one whose error is larger than all the others'.

    Parameters
    ----------
    values
        numbers; not a number for one that does not exist
    errors
        of the values, not negative, same shape; not a number where it was not kept, which is taken for none
    axis
        along which values are compared; all by default

    Examples
    --------
    >>> known = np.array([0.1, 0.1])
    >>> bool(varies(np.array([1.0, 1.15]), known)), bool(varies(np.array([1.0, 1.25]), known))
    (False, True)
    """
    allowed = np.nan_to_num(errors)
    highest = np.where(np.isnan(values), -np.inf, values - allowed).max(axis=axis)
    lowest = np.where(np.isnan(values), np.inf, values + allowed).min(axis=axis)
    return np.asarray(highest > lowest)


def require_spread(values: Array, errors: Array) -> None:
    """Raise a `NumericalError` when an output does not vary over the points of a study, or within its error only."""
    if varies(values, errors):
        return
    known = values[np.isfinite(values)]
    if not np.ptp(known) > 0.0:
        raise NumericalError(f"the output is {known.flat[0]:g} at every point, so no index exists; vary other parameters")
    raise NumericalError(
        f"the output is {known.mean():.6g} at every point within its numerical error: it spreads over {np.ptp(known):.2g} and is "
        f"known to {np.nanmax(errors):.2g}, so no index exists; vary other parameters, or vary them further"
    )
