"""The printed median, by which a read curve is corrected where it crosses one half.

Start with `correct_by_median`.  The median is no second datum beside the curve: it was computed from the same patients.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from kinimmune.fitting.curves.delimited import parse_number
from kinimmune.fitting.curves.reading import ReadCurve
from kinimmune.models.errors import DataError, UsageError

HALF = 0.5
HAIR = 1e-9
"""How far beyond one half a point is moved that was on its wrong side [1]."""
FARTHEST = 4.0
"""Reading errors by which the curve may lie beside one half at the printed median."""


@dataclass(frozen=True)
class PrintedMedian:
    """A median as a publication prints it."""

    value: float
    """[unit of the curve]"""
    rounding: float
    """Half of its last decimal [unit of the curve]."""

    @classmethod
    def parse(cls, text: str) -> "PrintedMedian":
        """Return the median a text prints; raise a `UsageError` where it prints none.

        >>> PrintedMedian.parse("10.7")
        PrintedMedian(value=10.7, rounding=0.05)
        """
        value = parse_number(text.strip(), comma_is_decimal=True)
        if value is None or value <= 0.0 or "e" in text.lower():
            raise UsageError(f"--median '{text}' is no time; write it with the decimals that are printed, such as 10.7")
        return cls(value, 0.5 * 10.0 ** -len(text.strip().replace(",", ".").partition(".")[2]))


@dataclass(frozen=True)
class MedianCorrection:
    """What a printed median changed."""

    printed: PrintedMedian
    read: float | None
    """Median of the curve as it was read [unit], None where it stays above one half."""
    shift: float
    """What was added to survival where it is one half [1]; 0 where the points agreed."""
    before: ReadCurve
    """The curve as it was read."""
    curve: ReadCurve
    """The corrected one."""

    @property
    def changed(self) -> bool:
        """Whether the curve is another one."""
        return self.curve is not self.before


def correct_by_median(curve: ReadCurve, printed: PrintedMedian) -> MedianCorrection:
    """Return the curve changed as little as makes it cross one half within the rounding of the printed median.

    Where the points before and after the median are above and below one half, it becomes a point between them, in place of the
    straight line.  Where one of them is on the wrong side, first S + a 4 S (1 - S) takes the place of S: nothing moves at 1 and
    at 0, most where S is one half, and by no more than brings that point to it.  A curve that falls through one half at a step,
    within the error of the time beside the median, is left as it is: there the time was misread, not survival.

    Raises
    ------
    DataError
        when a point beside the median is on the wrong side of one half by more than `FARTHEST` reading errors
    """
    read, allowed = curve.first_time_at(HALF), FARTHEST * curve.error.value
    if abs(_find_gap(curve, printed, printed.rounding + curve.time_error)) > allowed or printed.value > curve.end:
        raise _refuse(curve, printed, read)
    gap = _find_gap(curve, printed, printed.rounding)
    shown = read if np.isfinite(read) else None
    if abs(gap) > allowed:
        return MedianCorrection(printed, shown, 0.0, curve, curve)
    return MedianCorrection(printed, shown, gap, curve, _pin(_shift(curve, gap), printed))


def _find_gap(curve: ReadCurve, printed: PrintedMedian, reach: float) -> float:
    """Return what survival lacks [1] for the points around the median, beyond `reach` [unit], to have one half between them."""
    before = max(int(np.searchsorted(curve.time, printed.value - reach, side="right")) - 1, 0)
    after = min(int(np.searchsorted(curve.time, printed.value + reach, side="left")), curve.time.size - 1)
    return float(max(HALF - curve.survival[before], 0.0) + min(HALF - curve.survival[after], 0.0))


def _shift(curve: ReadCurve, gap: float) -> ReadCurve:
    """Return a curve moved by `gap` [1] and a hair where that brings it to one half, less towards 1 and 0."""
    if gap == 0.0:
        return curve
    there, beyond = HALF - gap, gap + math.copysign(HAIR, gap)
    bump = beyond / (there * (1.0 - there))
    return replace(curve, survival=curve.survival + bump * curve.survival * (1.0 - curve.survival))


def _pin(curve: ReadCurve, printed: PrintedMedian) -> ReadCurve:
    """Return a curve with a point at one half, within the rounding of the median, unless it crosses there.

    A level at one half, or a hair beside it, is above one half before that point and at most one half after it.
    """
    crossing = curve.first_time_at(HALF)
    pinned = min(max(crossing, printed.value - printed.rounding), printed.value + printed.rounding, curve.end)
    if pinned == crossing:
        return curve
    place = int(np.searchsorted(curve.time, pinned, side="right" if crossing < pinned else "left"))
    before, after = np.maximum(curve.survival[:place], HALF + HAIR), np.minimum(curve.survival[place:], HALF)
    return replace(curve, time=np.insert(curve.time, place, pinned), survival=np.concatenate([before, [HALF], after]))


def _refuse(curve: ReadCurve, printed: PrintedMedian, read: float) -> DataError:
    word = curve.unit.word
    where = f"crosses 1/2 at {word} {read:.3g}" if np.isfinite(read) else f"ends with {curve.survival[-1]:.3g}"
    there = float(curve.at(np.array([printed.value]))[0])
    return DataError(
        f"--median {printed.value:g} contradicts the curve, which {where} and is {there:.3g} at {word} {printed.value:g} "
        f"(reading error {curve.error.value:.2g}); correct one of them, or give a larger --reading-error"
    )
