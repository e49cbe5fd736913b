"""A published figure, from two files of what was read off it to one checked reading.

Start with `read_figure`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kinimmune.fitting.curves.consistency import require_consistent, require_possible_events
from kinimmune.fitting.curves.digitised import Clicks, read_clicks
from kinimmune.fitting.curves.median import MedianCorrection, PrintedMedian, correct_by_median
from kinimmune.fitting.curves.printed_times import find_left_out
from kinimmune.fitting.curves.reading import Points, ReadCurve, clean
from kinimmune.fitting.curves.risk_table import RiskTable, read_risk_table
from kinimmune.models.tables.patient_rows import TimeUnit

WIDE_GAP = 0.05
"""A fall [1] between two neighbouring points, or a share of the length, above which a straight line between them is doubtful."""
CLEAR_FALL = 4.0
"""Reading errors by which a curve must fall within the error of a time to be told."""


@dataclass(frozen=True)
class FigureRequest:
    """What was read off a figure, and what is printed in it or beside it."""

    curve: Path
    risk: Path
    unit: TimeUnit | None = None
    """None where the headers of the files tell it."""
    points: Points = Points.CURVE
    median: PrintedMedian | None = None
    events: int | None = None
    reading_error: float | None = None
    """[1], None where it is to be estimated."""


@dataclass(frozen=True)
class FigureReading:
    """A survival curve with its numbers at risk, which can be of the same patients."""

    clicks: Clicks
    curve: ReadCurve
    risk: RiskTable
    correction: MedianCorrection | None
    """By the printed median; None without one."""
    events: int | None
    """Printed number of events, which is possible; None where there is none."""

    @property
    def patients(self) -> int:
        """Number of patients at time 0."""
        return int(self.risk.at_risk[0])

    @property
    def moved(self) -> float:
        """Largest distance [1] of a click from the curve, before the median corrected it."""
        clicks = self.clicks
        lowest, highest = self._uncorrected.at(clicks.time), self._uncorrected.just_before(clicks.time)
        return float(np.max(np.maximum(clicks.survival - highest, lowest - clicks.survival), initial=0.0))

    @property
    def _uncorrected(self) -> ReadCurve:
        return self.curve if self.correction is None else self.correction.before

    def describe(self) -> str:
        """Return how the curve was read, as a note of its rows."""
        median = "" if self.correction is None else f"; corrected by the printed median {self.correction.printed.value:g}"
        return f"read off the figure at {self.clicks.time.size} points; reading error: {self.curve.error.origin}{median}"

    def list_notes(self) -> tuple[str, ...]:
        """Return what was taken how and what was changed, in sentences."""
        return (*self.clicks.notes, *_tell_reading(self), *_tell_risk(self), *_tell_median(self), *_tell_gaps(self))


def read_figure(request: FigureRequest) -> FigureReading:
    """Return the checked reading of a figure.

    Raises
    ------
    UsageError
        for a file that is not there, or a unit of time that is not known
    DataError
        for what cannot be a survival curve, or numbers that contradict each other; the message names file and row
    """
    clicks = read_clicks(request.curve, request.unit)
    risk = read_risk_table(request.risk, clicks.unit)
    curve = clean(clicks, request.points, request.reading_error)
    correction = None if request.median is None else correct_by_median(curve, request.median)
    corrected = curve if correction is None else correction.curve
    require_consistent(corrected, risk)
    if request.events is not None:
        require_possible_events(corrected, risk, request.events)
    return FigureReading(clicks, corrected, risk, correction, request.events)


def _tell_reading(reading: FigureReading) -> Iterator[str]:
    curve, clicks = reading.curve, reading.clicks
    yield (
        f"{clicks.file}: {clicks.time.size} points made monotone, moved by at most {round(reading.moved, 6):.2g}; reading error "
        f"{curve.error.value:.2g} ({curve.error.origin}), of a time {curve.time_error:.2g} {curve.unit.value}"
    )


def _tell_risk(reading: FigureReading) -> Iterator[str]:
    curve, risk = reading.curve, reading.risk
    if risk.written_in is None:
        yield f"{risk.file}: no header names its unit of time; taken as {curve.unit.word}, as the curve"
    elif risk.written_in is not curve.unit:
        yield f"{risk.file}: times are converted from {risk.written_in.word} to {curve.unit.word}, as its header says"
    if find_left_out(curve, risk).any():
        yield f"{risk.file}: nobody is at risk after the end of the curve; that time gets no row"
    falls = np.where(risk.time > 0.0, curve.falls_near(risk.time), 0.0)
    clear = falls > CLEAR_FALL * curve.error.value
    if clear.any():
        times = ", ".join(f"{time:.4g}" for time in risk.time[clear])
        largest = curve.errors_at(risk.time, risk.at_risk)[clear].max()
        yield (
            f"the curve falls by up to {falls.max():.2g} within the error of times of the risk table, {curve.unit.word} {times}: "
            f"it is read after the fall there, with reading errors up to {largest:.2g}"
        )


def _tell_median(reading: FigureReading) -> Iterator[str]:
    correction, unit = reading.correction, reading.curve.unit
    if correction is None:
        return
    printed = f"printed median {correction.printed.value:g} {unit.value}"
    read = "none was read" if correction.read is None else f"{correction.read:.4g} was read"
    if not correction.changed:
        yield f"{printed}, {read}: the curve is left as it is"
    else:
        moved = (
            f"survival is moved by {correction.shift:+.2g} there and less towards 1 and 0"
            if correction.shift
            else "a point is added"
        )
        yield (f"{printed}, {read}: {moved}, so that the curve crosses one half there; the median is no second datum")


def _tell_gaps(reading: FigureReading) -> Iterator[str]:
    """Yield between which neighbouring points nobody knows how the curve goes: the largest fall, and how many are wide."""
    curve = reading.curve
    fall, width = -np.diff(curve.survival), np.diff(curve.time)
    wide = np.flatnonzero((fall > WIDE_GAP) & (width > WIDE_GAP * curve.end))
    if wide.size:
        index = wide[np.argmax(fall[wide])]
        begin, end = curve.time[[index, index + 1]]
        yield (
            f"straight lines are taken where no point was read, the largest of {wide.size} from {curve.unit.word} {begin:.3g} "
            f"({curve.survival[index]:.3g}) to {end:.3g} ({curve.survival[index + 1]:.3g}); click the corners, or give --points "
            "steps where each point is the foot of a step"
        )
