"""Figures of profiles: deviance along each parameter and each prediction, and how the other parameters move along.

Start with `plot_profiles`.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kinimmune.fitting.profile.results import (
    THRESHOLD_90,
    THRESHOLD_95,
    Curve,
    ParameterProfile,
    PredictionProfile,
    ProfileResult,
)
from kinimmune.reports.figures.data import FigureData, Value
from kinimmune.reports.figures.legends import add_legend, head_panels
from kinimmune.reports.figures.style import CONTROL, FAINT, NEUTRAL, PALETTE, TREATED, make_panels, name_panel, new_figure, styled
from kinimmune.reports.typesetting.labels import PLAIN, Labels

_HIGHEST = 1.6 * THRESHOLD_95
"""Deviance at which panels end."""
_RANGE = 4.3
"""Prior standard deviations at which panels end."""
_COLUMNS = 3
_PATHS = 3
"""Other parameters drawn in a panel."""


def plot_profiles(result: ProfileResult, labels: Labels = PLAIN) -> Figure:
    """Return a figure of the deviance along each parameter: data alone, data and priors, and by their curvature."""
    parameters = result.parameters
    with styled():
        figure, panels = _panels(len(parameters))
        for axes, item in zip(panels, parameters, strict=False):
            for curve, error, colour, name in (
                (item.data, item.data_error, CONTROL, "data alone"),
                (item.posterior, item.posterior_error, TREATED, "data and priors"),
            ):
                axes.plot(curve.scores, curve.deviance, "o-", color=colour, markersize=2.0, label=name)
                _draw_parabola(axes, curve, error, colour)
            _draw_thresholds(axes)
            axes.set_xlim(-_RANGE, _RANGE)
            name_panel(axes, f"{labels.parameter(item.name)}\n{item.identifiability}", _COLUMNS, 7.0)
        figure.supxlabel("Prior standard deviations from the prior median, on the prior's own scale", fontsize=7.5)
        figure.supylabel("Deviance [1]", fontsize=7.5)
        add_legend(figure, panels[0])
    return figure


def plot_paths(result: ProfileResult, labels: Labels = PLAIN) -> Figure:
    """Return a figure of how the other parameters move along each profile of the data alone: the ones that move most."""
    parameters = result.parameters
    with styled():
        figure, panels = _panels(len(parameters))
        for axes, item in zip(panels, parameters, strict=False):
            inside = np.array(item.data.deviance) < THRESHOLD_95
            scores = np.array(item.data.scores)
            axes.axhline(0.0, color=FAINT, linewidth=0.5)
            for companion, colour in zip(item.companions[:_PATHS], PALETTE, strict=False):
                path = np.array(item.data.paths[companion.name])
                axes.plot(scores, path, color=colour, linewidth=0.5, linestyle=(0, (2, 2)))
                axes.plot(scores[inside], path[inside], color=colour, label=labels.parameter(companion.name))
            axes.set_xlim(-_RANGE, _RANGE)
            axes.set_ylim(-_RANGE, _RANGE)
        figure.supxlabel("The parameter that is held [prior sd from the prior median]", fontsize=7.5)
        figure.supylabel("The others [prior sd]", fontsize=7.5)
        head_panels(figure, panels, [labels.parameter(item.name) for item in parameters], _COLUMNS, 5.5)
    return figure


def plot_prediction_profiles(result: ProfileResult, labels: Labels = PLAIN) -> Figure:
    """Return a figure of the deviance along each prediction, data and priors."""
    predictions = result.predictions
    with styled():
        figure, panels = _panels(len(predictions), share=False)
        for axes, item in zip(panels, predictions, strict=False):
            axes.plot(item.curve.values, item.curve.deviance, "o-", color=TREATED, markersize=2.0)
            axes.axvline(item.estimate, color=NEUTRAL, linewidth=0.6)
            _draw_thresholds(axes)
            name_panel(axes, labels.output(item.name), _COLUMNS, 7.0)
            axes.set_xlabel("Months" if item.name.startswith("median") else "Hazard ratio [1]")
        figure.supylabel("Deviance [1]", fontsize=7.5)
    return figure


def _panels(count: int, *, share: bool = True) -> tuple[Figure, list[Axes]]:
    """Return a figure with a panel for each; those that are left over are empty."""
    columns = min(_COLUMNS, count)
    rows = -(-count // columns)
    figure = new_figure(1.55 * rows + 0.6, width=min(6.5, 2.2 * columns + 0.3))
    panels = make_panels(figure, rows, columns, share_x=share, share_y=True)
    for axes in panels[count:]:
        axes.set_visible(False)
    return figure, panels


def _draw_parabola(axes: Axes, curve: Curve, error: float | None, colour: str) -> None:
    if error is None:
        return
    centre = curve.scores[curve.best]
    scores = np.linspace(-_RANGE, _RANGE, 200)
    axes.plot(scores, ((scores - centre) / error) ** 2, ":", color=colour, linewidth=0.8)


def _draw_thresholds(axes: Axes) -> None:
    for level in (THRESHOLD_95, THRESHOLD_90):
        axes.axhline(level, color=NEUTRAL, linewidth=0.6, linestyle=(0, (3, 2)))
    axes.set_ylim(0.0, _HIGHEST)


def list_profiles(parameters: Sequence[ParameterProfile]) -> FigureData:
    """Return every point of the profiles of parameters, with the paths of the others in columns."""
    names = sorted({name for item in parameters for name in item.data.paths})
    rows = [row for item in parameters for row in _rows(item, names)]
    return FigureData(("parameter", "objective", "score", "value", "deviance", *names), tuple(rows))


def _rows(item: ParameterProfile, names: Sequence[str]) -> Iterator[tuple[Value, ...]]:
    for objective, curve in (("data", item.data), ("posterior", item.posterior)):
        for place, score in enumerate(curve.scores):
            paths = [curve.paths[name][place] if name in curve.paths else None for name in names]
            yield (item.name, objective, score, curve.values[place], curve.deviance[place], *paths)


def list_prediction_profiles(predictions: Sequence[PredictionProfile]) -> FigureData:
    """Return every point of the profiles of predictions."""
    rows = [(item.name, *pair) for item in predictions for pair in zip(item.curve.values, item.curve.deviance, strict=True)]
    return FigureData(("prediction", "value", "deviance"), tuple(rows))
