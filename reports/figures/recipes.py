"""A figure as a recipe, and how recipes become files: SVG and CSV beside each other.

Start with `draw_all`.  A figure that fails becomes a message, not an error.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from kinimmune.fitting.runs.atomic_files import write_bytes, write_text
from kinimmune.reports.figures.data import FigureData
from kinimmune.reports.figures.points import Points, read_points
from kinimmune.reports.figures.style import render_svg
from kinimmune.reports.typesetting.blocks import FigureBlock

DRAWING_ERRORS = (ValueError, TypeError, KeyError, IndexError, ArithmeticError, RuntimeError, AttributeError)
"""What drawing can raise when the data are not what a figure expects."""


@dataclass(frozen=True)
class FigureRecipe:
    """A figure to be drawn."""

    name: str
    """File name without suffix, and the key by which pages ask for it."""
    caption: str
    draw: Callable[[], Figure]
    data: Callable[[], FigureData]


@dataclass(frozen=True)
class DrawnFigure:
    """A figure as a page needs it."""

    block: FigureBlock
    svg: bytes | None
    csv: str = ""
    """The data behind it."""
    points: tuple[Points, ...] = ()
    """Where its values lie."""


DrawnFigures = Mapping[str, DrawnFigure]
"""Name -> figure."""


def show_figures(figures: DrawnFigures, *names: str) -> list[FigureBlock]:
    """Return the blocks of the named figures, in this order; one that is missing is left out."""
    return [figures[name].block for name in names if name in figures]


def draw_all(recipes: Iterable[FigureRecipe], folder: Path) -> dict[str, DrawnFigure]:
    """Draw every figure and write it, with its data, into `folder`: name -> figure.

    Parameters
    ----------
    recipes
        figures to draw
    folder
        where `NAME.svg` and `NAME.csv` go; it is made

    Raises
    ------
    MachineError
        when a file cannot be written; one of before is as it was
    """
    folder.mkdir(parents=True, exist_ok=True)
    return {recipe.name: _draw(recipe, folder) for recipe in recipes}


def _draw(recipe: FigureRecipe, folder: Path) -> DrawnFigure:
    picture = folder / f"{recipe.name}.svg"
    try:
        table = recipe.data().as_csv()
        write_text(folder / f"{recipe.name}.csv", table)
        figure = recipe.draw()
        svg = render_svg(figure)
    except DRAWING_ERRORS as error:
        picture.unlink(missing_ok=True)  # an earlier one would be taken for this one
        failure = f"{type(error).__name__}: {error}"
        return DrawnFigure(FigureBlock(recipe.name, recipe.caption, None, failure), None)
    write_bytes(picture, svg)
    return DrawnFigure(FigureBlock(recipe.name, recipe.caption, f"figures/{recipe.name}.svg"), svg, table, read_points(figure))
