"""How every figure looks: sizes, fonts, colours that colour-blind readers tell apart, and SVG of the same bytes each time.

Start with `new_figure` and `render_svg`, or `render_as` for another format.  Figures are drawn without pyplot, so nothing is
shared between them.
"""

import io
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle, islice

import matplotlib
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

TEXT_WIDTH = 6.5
"""Width of the text on the page [inch]."""
TEXT_HEIGHT = 8.8
"""Height of the tallest figure that a page holds with its caption [inch]."""
NAME_CHARACTERS = 32
"""Characters in a line of a name beside or under a map."""
TITLE_SIZE = 8.0
"""Of the letters of a panel's title [pt]."""
TITLE_CHARACTERS = 76
"""Characters of a bold title of that size that fit beside each other in that width, margins left out."""

PALETTE = tuple(str(colour) for colour in sns.color_palette("colorblind").as_hex())
"""Colours that colour-blind readers tell apart."""
TREATED, CONTROL, THIRD, FOURTH = PALETTE[0], PALETTE[1], PALETTE[2], PALETTE[4]
_OTHERS = tuple(colour for colour in PALETTE if colour not in (TREATED, CONTROL))
NEUTRAL = "#555555"
FAINT = "#bbbbbb"
FORMATS: Mapping[str, dict[str, None]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
"""Format of a picture -> what it would say about who made it, and when."""
PIXELS_PER_INCH = 200
"""Of pictures that consist of pixels."""

_SETTINGS = {
    **sns.axes_style("ticks"),
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 7.5,
    "axes.titlesize": TITLE_SIZE,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 7.5,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "legend.fontsize": 7.0,
    "legend.frameon": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.2,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#333333",
    "svg.hashsalt": "kinimmune",
    "svg.fonttype": "path",
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw inside this context to get the report's style; outside it nothing changes."""
    with matplotlib.rc_context(_SETTINGS):
        yield


def new_figure(height: float, width: float = TEXT_WIDTH, gap: float = 0.02) -> Figure:
    """Return an empty figure [inch] that arranges its own margins, with `gap` of its width between panels.

    One that would be taller than a page is as tall as a page holds.
    """
    return Figure(figsize=(width, min(height, TEXT_HEIGHT)), layout=ConstrainedLayoutEngine(wspace=gap))


def grow_figure(figure: Figure, height: float) -> None:
    """Make a figure taller by so much [inch], as far as a page holds it."""
    figure.set_figheight(min(figure.get_figheight() + height, TEXT_HEIGHT))


def make_panels(figure: Figure, rows: int, columns: int, *, share_x: bool = False, share_y: bool = False) -> list[Axes]:
    """Return the panels of a grid in reading order."""
    grid = figure.subplots(rows, columns, squeeze=False, sharex=share_x, sharey=share_y)
    return [axes for row in grid for axes in row]


def hide_rest(panels: Sequence[Axes], used: int, columns: int) -> None:
    """Hide the panels of a grid after the first so many; what stands above one of them gets the numbers of the axis."""
    for place in range(used, len(panels)):
        panels[place].set_visible(False)
        if place >= columns:
            panels[place - columns].tick_params(labelbottom=True)


def name_panel(axes: Axes, title: str, columns: int, size: float | None = None, pad: float | None = None) -> None:
    """Write the title of a panel, broken where it would reach into the next of so many columns.

    Parameters
    ----------
    axes
        the panel
    title
        words; a line break stays
    columns
        panels beside each other
    size
        of the letters [pt], that of the style for None
    pad
        between the panel and its title [pt], that of the style for None
    """
    room = int(TITLE_CHARACTERS * TITLE_SIZE / (size or TITLE_SIZE)) // columns
    axes.set_title("\n".join(break_words(line, room) for line in title.splitlines()), fontsize=size, pad=pad)


def break_words(text: str, room: int) -> str:
    r"""Return text in lines of so many characters at most: broken between words, and within a name only after an underscore.

    >>> break_words("SHARP, best_supportive_care", 16)
    'SHARP,\nbest_supportive_\ncare'
    """
    pieces = [piece for word in text.split() for piece in _split_name(word, room)]
    return textwrap.fill(" ".join(pieces), room, break_long_words=False, break_on_hyphens=False)


def _split_name(word: str, room: int) -> list[str]:
    """Return the parts of a name, each of as many of its words as fit; two that follow each other never fit into a line."""
    parts = [""]
    for piece in re.split("(?<=_)", word):
        if parts[-1] and len(parts[-1]) + len(piece) > room:
            parts.append("")
        parts[-1] += piece
    return parts


def colour_arms(arms: int) -> list[str]:
    """Return a colour for each arm of a study: the first that of the treated, the last of several that of the control."""
    return [TREATED, *islice(cycle(_OTHERS), arms - 2), CONTROL] if arms > 1 else [TREATED]


def render_svg(figure: Figure) -> bytes:
    """Return a figure as SVG without date or creator, the same bytes each time."""
    return render_as(figure, "svg")


def render_as(figure: Figure, form: str) -> bytes:
    """Return a figure in one of `FORMATS` without date, creator or version, the same bytes each time."""
    buffer = io.BytesIO()
    with matplotlib.rc_context(_SETTINGS):
        figure.savefig(buffer, format=form, dpi=PIXELS_PER_INCH if form == "png" else "figure", metadata=FORMATS[form])
    return buffer.getvalue()
