"""What was published beside the curves of a virtual trial: medians, survival at a month, curves, patients, numbers at risk.

Start with `draw_observed` and `mark_reported`; `write_at_risk` writes expected and published numbers under the time axis.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import seaborn as sns
from matplotlib.axes import Axes

from kinimmune.fitting.estimation.outcome_rows import ObservedRow
from kinimmune.fitting.estimation.results import ComparisonRow
from kinimmune.fitting.problem.targets import Role, Statistic
from kinimmune.reports.figures.style import NEUTRAL
from kinimmune.reports.typesetting.formats import print_fixed

_PALE = 0.6
"""Part of an arm's colour in the line of what was observed in it; the rest is white."""
_WORDS = {"curve": "published curve", "patients": "patients"}
_ROOM = 0.055
"""Part of the axis that a number at risk needs; one nearer to that before is left out."""

Colours = Mapping[str, str]
"""Arm -> its colour."""


def select_endpoint(rows: Sequence[ObservedRow], endpoint: str) -> tuple[ObservedRow, ...]:
    """Return what was observed of one endpoint in all studies."""
    return tuple(row for row in rows if row.endpoint == endpoint)


def select_observed(rows: Sequence[ObservedRow], study: str, endpoint: str) -> list[ObservedRow]:
    """Return what was observed of one study and endpoint."""
    return [row for row in rows if (row.study, row.endpoint) == (study, endpoint)]


def draw_observed(axes: Axes, rows: Sequence[ObservedRow], colours: Colours) -> None:
    """Draw published curves as steps with a mark at each time they were read, and patients as steps, paler than their arms.

    What was not fitted is dotted; the legend names each kind once, in grey.
    """
    for row in rows:
        _draw_step(axes, row, pale(colours.get(row.arm, NEUTRAL)), "")
    for kind in {(row.statistic, row.role == Role.FIT): row for row in rows}.values():
        role = "" if kind.role == Role.FIT else ", not fitted"
        _draw_step(axes, replace(kind, months=(), survival=()), pale(NEUTRAL), f"{_WORDS[kind.statistic]}{role}")


def _draw_step(axes: Axes, row: ObservedRow, colour: str, label: str) -> None:
    axes.plot(
        row.months,
        row.survival,
        color=colour,
        drawstyle="steps-post",
        linestyle="-" if row.role == Role.FIT else (0, (1, 1.2)),
        linewidth=1.0,
        marker="o" if row.statistic == Statistic.CURVE else "",
        markersize=2.6,
        zorder=1.5,
        label=label or None,
    )


def pale(colour: str) -> str:
    """Return a paler tone of a colour."""
    return str(sns.blend_palette(["white", colour], n_colors=101).as_hex()[round(100 * _PALE)])


def mark_reported(axes: Axes, rows: Sequence[ComparisonRow], colours: Colours) -> None:
    """Mark reported medians where curves cross one half, and survival at a month, with their 95 % intervals."""
    for row in rows:
        if row.observed is None:
            continue
        colour = colours.get(row.arm or "", NEUTRAL)
        if row.statistic == Statistic.SURVIVAL:
            _mark_survival(axes, row, row.observed, colour)
        else:
            _mark_median(axes, row, row.observed, colour)


def _mark_median(axes: Axes, row: ComparisonRow, month: float, colour: str) -> None:
    marker = "D" if _is_unfitted(row) else "o"
    if row.lower is not None and row.upper is not None:
        axes.plot([row.lower, row.upper], [0.5, 0.5], color=colour, linewidth=3.0, alpha=0.25, solid_capstyle="butt")
    size = 4.2 if marker == "D" else 5.0
    axes.plot(month, 0.5, marker, color=colour, markersize=size, markerfacecolor="white", markeredgewidth=1.2, zorder=4)
    if row.predicted is not None:
        axes.plot(row.predicted, 0.5, "o", color=colour, markersize=2.2, zorder=5)


def _mark_survival(axes: Axes, row: ComparisonRow, share: float, colour: str) -> None:
    month = row.month or 0.0
    if row.lower is not None and row.upper is not None:
        axes.plot([month, month], [row.lower, row.upper], color=colour, linewidth=3.0, alpha=0.25, solid_capstyle="butt")
    marker = "D" if _is_unfitted(row) else "s"
    axes.plot(month, share, marker, color=colour, markersize=4.2, markerfacecolor="white", zorder=4)


def _is_unfitted(row: ComparisonRow) -> bool:
    return row.role in (Role.UNFITTED, Role.HELD_OUT)


@dataclass(frozen=True)
class RiskLine:
    """The numbers at risk of one arm."""

    colour: str
    months: Sequence[float]
    counts: Sequence[float]


def write_at_risk(axes: Axes, blocks: Mapping[str, Sequence[RiskLine]]) -> None:
    """Write blocks of numbers at risk under the time axis, each under its title; a block without lines is left out."""
    last, points = axes.get_xlim()[1], 32.0
    for title, lines in blocks.items():
        if not lines:
            continue
        _write_below(axes, 0.0, points, title, NEUTRAL, "left")
        for line in lines:
            points += 9.0
            for month, count in _thin(line, last):
                _write_below(axes, month, points, print_fixed(count, 0), line.colour, "center")
        points += 10.0


def _thin(line: RiskLine, last: float) -> list[tuple[float, float]]:
    """Return the numbers up to the end of the axis that have room beside each other."""
    kept: list[tuple[float, float]] = []
    for month, count in zip(line.months, line.counts, strict=True):
        if month <= last + 1e-9 and (not kept or month - kept[-1][0] >= _ROOM * last):
            kept.append((month, count))
    return kept


def _write_below(axes: Axes, month: float, points: float, text: str, colour: str, side: Literal["left", "center"]) -> None:
    axes.annotate(
        text,
        (month, 0.0),
        xytext=(0.0, -points),
        textcoords="offset points",
        color=colour,
        ha=side,
        va="center",
        fontsize=6.5,
        annotation_clip=False,
    )
