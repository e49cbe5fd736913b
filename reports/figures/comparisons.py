"""Figures of published numbers beside predictions, a line each: medians, shares, counts, cut-offs, and residuals of all kinds.

Start with `plot_medians`; hazard ratios, which stand beside a null, are in `kinimmune.reports.figures.fit`.
"""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kinimmune.fitting.estimation.results import ComparisonRow, FitResult
from kinimmune.fitting.problem.targets import Role, Statistic
from kinimmune.reports.figures.data import FigureData
from kinimmune.reports.figures.legends import add_legend
from kinimmune.reports.figures.style import FAINT, NEUTRAL, TREATED, make_panels, new_figure, styled
from kinimmune.reports.typesetting.formats import print_endpoint
from kinimmune.reports.typesetting.labels import PLAIN, Labels
from kinimmune.reports.typesetting.statistics import has_number, is_range, name_arms, name_row

_ROLES = {Role.UNFITTED: ", not fitted", Role.HELD_OUT: ", held out"}


def plot_medians(fit: FitResult, labels: Labels = PLAIN) -> Figure:
    """Return a figure of the fitted medians: reported with interval, predicted as a dot, a line per arm and endpoint."""
    rows = [row for row in fit.targets if row.statistic == Statistic.MEDIAN]
    names = [f"{print_endpoint(row.endpoint)}, {labels.study(row.study)}, {row.arm}" for row in rows]
    return _plot_rows(rows, names, "Median [months]")


def plot_shares(rows: Sequence[ComparisonRow], labels: Labels = PLAIN) -> Figure:
    """Return a figure of shares of patients: alive or without an event at a month, with a response, with disease control."""
    return _plot_rows(rows, [name_line(row, labels) for row in rows], "Share of patients [1]")


def plot_counts(rows: Sequence[ComparisonRow], sizes: Sequence[int | None], labels: Labels = PLAIN) -> Figure:
    """Return a figure of deaths and events by the cut-off.

    Parameters
    ----------
    rows
        of counts
    sizes
        patients behind each, None where they are not known
    labels
        titles of studies
    """
    of = ["" if size is None else f" (n = {size})" for size in sizes]
    names = [f"{name_line(row, labels)}{text}" for row, text in zip(rows, of, strict=True)]
    return _widen(_plot_rows(rows, names, "Patients with the event by the cut-off"))


def plot_cutoffs(rows: Sequence[ComparisonRow], labels: Labels = PLAIN) -> Figure:
    """Return a figure of the cut-offs of analyses that waited for a number of events."""
    return _widen(_plot_rows(rows, [name_line(row, labels) for row in rows], "Cut-off [months after the first entry]"))


def _widen(figure: Figure) -> Figure:
    """Leave room for the last mark where all of them lie close together and far from 0."""
    (axes,) = figure.axes
    axes.set_xlim(right=1.04 * axes.get_xlim()[1])
    return figure


def name_line(row: ComparisonRow, labels: Labels) -> str:
    """Return the words of a row, with its role where it was not fitted."""
    name = name_row(row, labels.quantity)
    role = next((text for role, text in _ROLES.items() if row.role == role), "")
    ratio = row.statistic == Statistic.HAZARD_RATIO
    place = labels.comparison(row.study, row.arm) if ratio else ", ".join([*_name_study(row, labels), name_arms(row)])
    return f"{name[:1].upper()}{name[1:]}, {place}{role}"


def _name_study(row: ComparisonRow, labels: Labels) -> list[str]:
    """Return the title of a row's study; a measurement has none."""
    return [] if row.read_out is not None else [labels.study(row.study)]


def _plot_rows(rows: Sequence[ComparisonRow], names: Sequence[str], label: str) -> Figure:
    with styled():
        figure = new_figure(0.2 * len(rows) + 0.7, width=5.6)
        (axes,) = make_panels(figure, 1, 1)
        for line, row in enumerate(rows):
            _draw_row(axes, -line, row, name_reported(rows))
        _name_lines(axes, names)
        axes.set_xlim(left=0.0)
        axes.set_xlabel(label)
        add_legend(figure, axes)
    return figure


def name_reported(rows: Sequence[ComparisonRow]) -> str:
    """Return what the mark of a reported number is called beside others, of which some or none have an interval."""
    return f"reported{', 95 % interval' if any(row.lower is not None for row in rows) else ''}"


def _draw_row(axes: Axes, level: float, row: ComparisonRow, reported: str) -> None:
    if row.lower is not None and row.upper is not None:
        axes.plot([row.lower, row.upper], [level, level], color=FAINT, linewidth=4.0, solid_capstyle="butt")
    if row.observed is not None:
        axes.plot(row.observed, level, "s", color=NEUTRAL, markersize=4.5, linestyle="none", label=reported)
    if row.predicted is not None:
        axes.plot(row.predicted, level, "o", color=TREATED, markersize=4.0, linestyle="none", label="predicted by the fit")


def _name_lines(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks([-line for line in range(len(names))], names)
    axes.set_ylim(-len(names) + 0.4, 0.6)


def plot_residuals(fit: FitResult, labels: Labels = PLAIN) -> Figure:
    """Return a figure of the residuals of all published numbers, in standard errors; of curves, patients and ranges their size.

    Residuals of a curve have no one sign: a bar reaches from minus to plus the root of the mean of their squares, as it does for
    a range, whose residual has none.
    """
    rows = (*fit.targets, *fit.unfitted)
    with styled():
        figure = new_figure(0.17 * len(rows) + 0.7)
        (axes,) = make_panels(figure, 1, 1)
        for level in (-2.0, -1.0, 0.0, 1.0, 2.0):
            axes.axvline(level, color=FAINT if level else NEUTRAL, linewidth=0.6, zorder=0)
        for line, row in enumerate(rows):
            _draw_residual(axes, -line, row, line < len(fit.targets))
        _name_lines(axes, [name_line(row, labels).removesuffix(_ROLES[Role.UNFITTED]) for row in rows])  # told by the circles
        widest = max([2.2, *(abs(end) for end in axes.get_xlim())])
        axes.set_xlim(-widest, widest)
        signed = any(row.residual is not None and root_mean_square(row) is None for row in rows)
        told = "; to the right more is predicted than was reported" if signed else ""
        figure.supxlabel(f"Residual [standard errors]{told}", fontsize=7.5)
        add_legend(figure, axes)
    return figure


def _draw_residual(axes: Axes, level: float, row: ComparisonRow, fitted: bool) -> None:
    colour = TREATED if fitted else NEUTRAL
    spread = root_mean_square(row)
    if spread is not None:
        label = "range: root of the deviance" if has_number(row) else "curve or patients: root mean square of an interval"
        axes.plot([-spread, spread], [level, level], color=colour, linewidth=1.4, marker="|", markersize=6.0, label=label)
    elif row.residual is not None:
        filled = colour if fitted else "white"
        label = "fitted" if fitted else "not fitted"
        axes.plot(row.residual, level, "o", color=colour, markerfacecolor=filled, markersize=4.0, linestyle="none", label=label)


def root_mean_square(row: ComparisonRow) -> float | None:
    """Return the root of the deviance per interval of a curve or of patients, of a range that of its deviance.

    None of a number, whose residual has a sign, and where there is no deviance.
    """
    if (has_number(row) and not is_range(row)) or row.deviance is None or not row.n_residuals:
        return None
    return math.sqrt(row.deviance / row.n_residuals)


def list_residuals(rows: Sequence[ComparisonRow]) -> FigureData:
    """Return the residual of each row and its deviance, of what has no sign the root mean square too [standard errors]."""
    names = ("study", "arm", "reference_arm", "endpoint", "statistic", "month", "role", "residual", "deviance", "n_residuals")
    values = tuple((*(getattr(row, name) for name in names), root_mean_square(row)) for row in rows)
    return FigureData((*names, "root_mean_square"), values)
