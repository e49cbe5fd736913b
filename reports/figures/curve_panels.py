"""Panels of survival curves over months, a row per endpoint and a column per study, as figures of a posterior have them.

Start with `plot_curve_panels`; `draw_banded` draws a curve with its bands in one of them.
"""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol, TypeVar

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from kinimmune.reports.figures.legends import head_panels
from kinimmune.reports.figures.style import FAINT, make_panels, new_figure, styled
from kinimmune.reports.typesetting.formats import print_endpoint, print_words
from kinimmune.reports.typesetting.labels import Labels


class Curve(Protocol):
    """Survival of an arm over draws of the parameters."""

    @property
    def study(self) -> str:
        """Its study."""
        ...

    @property
    def arm(self) -> str:
        """Its arm."""
        ...

    @property
    def endpoint(self) -> str:
        """Its endpoint."""
        ...

    @property
    def months(self) -> Sequence[float]:
        """Its times."""
        ...

    @property
    def median(self) -> Sequence[float]:
        """Median over the draws at `months`."""
        ...


_CurveT = TypeVar("_CurveT", bound=Curve)


def plot_curve_panels(
    curves: Sequence[_CurveT], labels: Labels, draw: Callable[[Axes, str, str, Sequence[_CurveT]], None]
) -> Figure:
    """Return a figure of curves.

    Parameters
    ----------
    curves
        of all arms, studies and endpoints
    labels
        titles of studies
    draw
        draws what a panel has: its axes, study, endpoint and curves
    """
    studies, endpoints = ({getattr(row, name): None for row in curves} for name in ("study", "endpoint"))
    grid = [(study, endpoint) for endpoint in endpoints for study in studies]
    with styled():
        figure = new_figure(2.1 * len(endpoints) + 0.3, gap=0.05)
        panels = make_panels(figure, len(endpoints), len(studies), share_y=True)
        for axes, (study, endpoint) in zip(panels, grid, strict=True):
            draw(axes, study, endpoint, [row for row in curves if (row.study, row.endpoint) == (study, endpoint)])
            axes.axhline(0.5, color=FAINT, linewidth=0.6, zorder=0)
            axes.set_xlabel("Months")
            axes.set_ylim(0.0, 1.02)
            axes.set_xlim(left=0.0)
            axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        titles = [f"{labels.study(study)}: {print_endpoint(endpoint)}" for study, endpoint in grid]
        head_panels(figure, panels, titles, len(studies))
    return figure


def draw_banded(axes: Axes, curve: Curve, bands: Sequence[tuple[Sequence[float], Sequence[float], float]], colour: str) -> None:
    """Draw a curve over its bands, each a lower and an upper end at the curve's months and how dark it is; TTP falls by steps."""
    step: Literal["post"] | None = "post" if curve.endpoint == "ttp" else None
    for lower, upper, shade in bands:
        axes.fill_between(curve.months, lower, upper, step=step, color=colour, alpha=shade, linewidth=0.0)
    style = "steps-post" if step else "default"
    axes.plot(curve.months, curve.median, color=colour, drawstyle=style, label=print_words(curve.arm))
