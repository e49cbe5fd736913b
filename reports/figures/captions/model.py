"""What to see in the figures of a model alone: its picture, and every quantity of a typical individual.

Start with `list_picture_figures`.
"""

from functools import partial

from kinimmune.reports.content import ModelContent
from kinimmune.reports.figures import data
from kinimmune.reports.figures.panels import list_picture, plot_picture
from kinimmune.reports.figures.patients import plot_lines
from kinimmune.reports.figures.recipes import FigureRecipe


def list_picture_figures(content: ModelContent) -> list[FigureRecipe]:
    """Return the figure of what the system's paper would show; none where the model has no picture."""
    if content.picture is None:
        return []
    return [
        FigureRecipe(
            "experiments",
            "What an experiment would show: courses, and bars at a read-out day, of one typical individual per experiment at the "
            "values of the tables. Nothing was fitted here.",
            partial(plot_picture, content.picture, content.labels),
            partial(list_picture, content.picture),
        )
    ]


def list_nominal_figures(content: ModelContent) -> list[FigureRecipe]:
    """Return the figure of every quantity of the typical individual; none where no course was computed."""
    if not content.courses:
        return []
    lines = [
        data.Line(course.arm, course.days.tolist(), {name: values.tolist() for name, values in course.values.items()})
        for course in content.courses
    ]
    return [
        FigureRecipe(
            "nominal",
            "Every state and read-out of the typical individual at the values of the tables. Nothing was fitted here.",
            partial(plot_lines, lines, "Days", content.labels, content.model.units),
            partial(data.list_lines, lines),
        )
    ]
