"""A published survival curve as it was read: clicked points, the curve taken from them, rebuilt patients, numbers at risk.

Start with `plot_read_curve`.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from kinimmune.fitting.curves.figure import FigureReading
from kinimmune.fitting.curves.rebuild import RebuiltPatients
from kinimmune.models.arrays import NORMAL_95
from kinimmune.reports.figures.style import CONTROL, FAINT, NEUTRAL, TREATED, new_figure, styled

_HEIGHT = 3.2
"""[inch]"""


def plot_read_curve(reading: FigureReading, rebuilt: RebuiltPatients | None = None, title: str = "") -> Figure:
    """Return a figure of a reading, to be held beside the published one.

    Parameters
    ----------
    reading
        points, curve and numbers at risk
    rebuilt
        patients whose Kaplan-Meier estimate is drawn too, None without
    title
        whose curve it is
    """
    with styled():
        figure = new_figure(_HEIGHT)
        axes = figure.subplots()
        _draw_reading(axes, reading)
        if rebuilt is not None:
            _draw_rebuilt(axes, rebuilt)
        _mark_median(axes, reading)
        axes.set_xlim(0.0, max(reading.curve.end, float(reading.risk.time[-1])))
        axes.set_ylim(0.0, 1.0)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_ylabel("Without the event")
        axes.set_xticks(reading.risk.time)
        axes.set_xticklabels(
            [f"{time:.4g}\n{count}" for time, count in zip(reading.risk.time, reading.risk.at_risk, strict=True)]
        )
        axes.set_xlabel(f"Time [{reading.curve.unit.value}], and number at risk")
        axes.set_title(title)
        axes.legend(loc="upper right")
    return figure


def _draw_reading(axes: Axes, reading: FigureReading) -> None:
    """Draw points, curve, and survival at the times of the risk table with its 95 % reading error."""
    curve, risk, clicks = reading.curve, reading.risk, reading.clicks
    axes.plot(clicks.time, clicks.survival, ".", color=FAINT, markersize=3.0, label="points as read", zorder=1)
    axes.plot(curve.time, curve.survival, color=TREATED, label="curve", zorder=2)
    shown = risk.time <= curve.end
    half = NORMAL_95 * curve.errors_at(risk.time[shown], risk.at_risk[shown])
    axes.errorbar(
        risk.time[shown],
        curve.at(risk.time[shown]),
        yerr=half,
        fmt="o",
        color=TREATED,
        markersize=3.0,
        linewidth=0.8,
        label="at the times of the risk table",
        clip_on=False,
        zorder=4,
    )
    axes.axhline(0.5, color=FAINT, linewidth=0.6, zorder=0)


def _draw_rebuilt(axes: Axes, rebuilt: RebuiltPatients) -> None:
    time = np.unique(np.concatenate([[0.0], rebuilt.time]))
    survival = rebuilt.survival(time)
    label = f"{rebuilt.time.size} rebuilt patients, {rebuilt.events} events"
    axes.plot(time, survival, color=CONTROL, drawstyle="steps-post", linewidth=0.9, label=label, zorder=3)


def _mark_median(axes: Axes, reading: FigureReading) -> None:
    if reading.correction is not None:
        printed = reading.correction.printed.value
        axes.plot(
            printed, 0.5, "|", color=NEUTRAL, markersize=9.0, markeredgewidth=1.2, label=f"printed median {printed:g}", zorder=5
        )
